/**
 * A token's text to what it proves, now: verified once, remembered, and held against time and revocations each time. What
 * is remembered belongs to one verifier, that is to one issuer, audience and profile: two tenants never meet in it.
 */

import {
  derivedFromClaim,
  RecentTexts,
  type RefusalReason,
  type RevocationKind,
  type Soon,
  whenKnown,
} from '@sallyport/protocol'
import { isTokenText } from '../credentials.ts'
import type { RevocationState } from '../revocation/follower.ts'
import { freezeAccess, type VerifiedToken } from './access.ts'
import type { Introspection } from './introspection.ts'
import { type JwtVerifier, verifyJwt } from './jwt.ts'
import { checkTimes, factsOf } from './standing.ts'

export interface VerifierOptions {
  readonly jwt: JwtVerifier
  /** Null where the API has no credentials at the issuer. */
  readonly introspection: Introspection | null
  /** Also of JWTs: where they are signed with a key that nobody else has (document 000), or must be asked about each time. */
  readonly asksAlways: boolean
  readonly clock: () => number
  readonly entries: number
  readonly revocations: () => RevocationState | null
}

export interface Verifier {
  verify(token: string): Soon<VerifiedToken | RefusalReason>
  /** What is waited for where it is not verified at once. */
  lackFor(token: string): 'keys_unavailable' | 'introspection_unavailable'
}

interface KeptToken {
  readonly token: VerifiedToken
  readonly keysEdition: number
  /** Of the revocations that it was last held against. */
  revocationsEdition: number
}

/** Longer ones are rare, and would fill the memory. */
const longestKept = 4_096

export function createVerifier(options: VerifierOptions): Verifier {
  const { jwt, introspection, asksAlways, clock, revocations } = options
  const kept = new RecentTexts<KeptToken>(options.entries)
  const longest = options.entries > 0 ? longestKept : 0

  function verifyAnew(text: string): Soon<VerifiedToken | RefusalReason> {
    const keysEdition = jwt.keys.edition
    return whenKnown(verifyJwt(text, jwt), (token) => {
      if (typeof token === 'string') return token
      const entry = { token, keysEdition, revocationsEdition: -1 }
      const standing = standingOf(entry)
      // The key set may have changed while it was verified; then it is verified again next time.
      if (standing === null && text.length <= longest) {
        freezeAccess(token)
        kept.set(text, entry)
      }
      return standing ?? token
    })
  }

  function standingOf(entry: KeptToken): RefusalReason | null {
    const { token } = entry
    const untimely = checkTimes(token, clock())
    if (untimely !== null) return untimely
    const state = revocations()
    if (state === null || state.edition === entry.revocationsEdition) return null
    const kind = cutOffOf(token, state)
    if (kind !== null) return `revoked_${kind}`
    entry.revocationsEdition = state.edition
    return null
  }

  function askIssuer(text: string): Soon<VerifiedToken | RefusalReason> {
    if (!isTokenText(text)) return 'credentials_malformed'
    if (introspection === null) return 'token_malformed'
    return whenKnown(introspection.verify(text), (token) =>
      typeof token === 'string'
        ? token
        : (standingOf({ token, keysEdition: 0, revocationsEdition: -1 }) ?? token),
    )
  }

  const isAskedAbout = (text: string): boolean => asksAlways || !looksLikeJwt(text)

  return {
    verify(text) {
      const known = longest > 0 ? kept.get(text) : undefined
      if (known !== undefined && jwt.keys.holds(known.keysEdition)) return standingOf(known) ?? known.token
      return isAskedAbout(text) ? askIssuer(text) : verifyAnew(text)
    },
    lackFor: (text) => (isAskedAbout(text) ? 'introspection_unavailable' : 'keys_unavailable'),
  }
}

/** Most tokens are younger than the latest cut-off: then nothing more has to be known of them. */
function cutOffOf(token: VerifiedToken, { cutOffs, claims }: RevocationState): RevocationKind | null {
  if (cutOffs === null) return null
  const { issuedAt, claims: said } = token.access
  if (!cutOffs.reach(issuedAt ?? undefined) && said[derivedFromClaim] === undefined) return null
  return cutOffs.hits(factsOf(token, claims))
}

/** Two dots. What has them is never sent to the issuer as an opaque token, and the other way round. */
function looksLikeJwt(text: string): boolean {
  const first = text.indexOf('.')
  return first > 0 && text.indexOf('.', first + 1) > 0
}
