/** A DPoP proof read and held against the request it came with; its signature and its nonce are the caller's to check. */

import { clockSkewSeconds, isInstant } from './instant.ts'
import { algorithmsOfJwk, type Jwk, readPublicJwk } from './jwk.ts'
import { type Jws, mediaTypeOf } from './jws.ts'
import { oncePer } from './once-per.ts'
import { parseUrl } from './parse-url.ts'

// RFC 9449 §11.1: short, because a proof that was stolen is good for as long.
const windowSeconds = 60
const longestIdCharacters = 256

export interface ExpectedProof {
  /** The HTTP method of the request. */
  readonly method: string
  /** The URLs that the endpoint has, without query and fragment. */
  readonly urls: readonly string[]
  readonly algorithms: ReadonlySet<string>
  /** Epoch seconds. */
  readonly now: number
}

export type CheckedProof =
  | {
      readonly ok: true
      /** The proof must still be found to be signed with it. */
      readonly jwk: Jwk
      readonly jti: string
      readonly nonce: string | null
      readonly accessTokenHash: string | null
      /** When nobody can bring it any more; follows from the proof alone. */
      readonly expiresAt: number
    }
  /** For the log; it repeats nothing of the proof. */
  | { readonly ok: false; readonly reason: string }

/** RFC 9449 §4.3, less the signature, the nonce and the single use. `iat` may be a minute off either way. */
export function checkDpopProof(proof: Jws, expected: ExpectedProof): CheckedProof {
  const fail = (reason: string): CheckedProof => ({ ok: false, reason })
  const { header, payload, algorithm } = proof
  if (mediaTypeOf(proof) !== 'dpop+jwt') return fail('proof of another typ')
  if (!expected.algorithms.has(algorithm)) return fail('proof algorithm not allowed')
  const key = readProofKey(header.jwk)
  if ('problem' in key) return fail(`proof with ${key.problem}`)
  if (!algorithmsOfJwk(key.jwk).includes(algorithm)) return fail('proof algorithm does not fit its key')
  const { htm, htu, iat, exp, nbf, jti, nonce, ath } = payload
  if (htm !== expected.method) return fail('proof for another method')
  if (typeof htu !== 'string' || !isSameUrl(htu, expected.urls)) return fail('proof for another URL')
  if (!isInstant(iat) || Math.abs(expected.now - iat) > windowSeconds)
    return fail('proof too old or from the future')
  // RFC 7519 §4.1.4, §4.1.5: a proof needs neither, but what it has counts.
  if (exp !== undefined && !(isInstant(exp) && exp > expected.now - clockSkewSeconds))
    return fail('proof expired')
  if (nbf !== undefined && !(isInstant(nbf) && nbf <= expected.now + clockSkewSeconds))
    return fail('proof from the future')
  if (typeof jti !== 'string' || jti === '' || jti.length > longestIdCharacters)
    return fail('proof without a usable jti')
  return {
    ok: true,
    jwk: key.jwk,
    jti,
    nonce: typeof nonce === 'string' ? nonce : null,
    accessTokenHash: typeof ath === 'string' ? ath : null,
    expiresAt: Math.ceil(iat) + windowSeconds + 1,
  }
}

// Headers are kept by whoever reads them, so the key of a client is the same object in each of its proofs.
const readKnown = oncePer((value: object) => readPublicJwk(value))

const readProofKey = (value: unknown): ReturnType<typeof readPublicJwk> =>
  typeof value === 'object' && value !== null ? readKnown(value) : readPublicJwk(value)

const longestUrlCharacters = 2_048

// RFC 3986 §2: parsers of URLs repair what is none, so that `https:\\host` and a line end inside would count as the URL.
const httpUri = /^https?:\/\/(?!\/)(?:[\w.~:/?#[\]@!$&'()*+,;=-]|%[0-9a-f]{2})+$/i

/** RFC 9449 §4.3: without query and fragment, and normalized as RFC 3986 §6.2.2 and §6.2.3 say. */
function isSameUrl(htu: string, urls: readonly string[]): boolean {
  if (urls.includes(htu)) return true
  const normal = htu.length <= longestUrlCharacters && httpUri.test(htu) ? normalized(htu) : null
  return normal !== null && urls.some((url) => normalized(url) === normal)
}

function normalized(text: string): string | null {
  const url = parseUrl(text)
  if (url === null || url.username !== '' || url.password !== '') return null
  const path = url.pathname.replace(/%[0-9a-f]{2}/gi, (sequence) => {
    const character = String.fromCharCode(Number.parseInt(sequence.slice(1), 16))
    return /[A-Za-z0-9._~-]/.test(character) ? character : sequence.toUpperCase()
  })
  return url.origin + path
}
