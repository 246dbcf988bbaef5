/** Secrets and tokens in a request where others could read them, known by nothing but themselves. */

import { parseRegistrationToken } from '@sallyport/protocol'
import { createTurnstile } from '../outbound/turnstile.ts'
import type { NewExposure, Sighting } from '../store/exposure.ts'
import { type ExposurePolicy, exposurePolicy } from './expose-credential.ts'
import type { NoteExposedToken } from './expose-token.ts'
import { findOwners, type OwnedSecret, type OwnerDeps } from './secret-owners.ts'

export interface SeenSecret {
  readonly secret: string
  /** Of the parameter of the URL that it stood in; null elsewhere. */
  readonly name: string | null
}

/** Resolves when it is known which of them are ours; what is done about those follows. */
export type NoteExposed = (seen: readonly SeenSecret[], sighting: Sighting) => Promise<void>

export interface NoteExposedDeps extends OwnerDeps {
  /** Returns at once. */
  readonly exposeCredential: (exposure: NewExposure) => void
  readonly noteToken: NoteExposedToken
}

// Strangers can make up what looks like ours: all their requests together have the database look at so many at once.
const places = 4
const waitingLimit = 1_000
const longestWaitMilliseconds = 5_000

export function createExposureNoting(deps: NoteExposedDeps): NoteExposed {
  const turnstile = createTurnstile(places, waitingLimit)
  return async (seen, sighting) => {
    const leave = await turnstile.enter(AbortSignal.timeout(longestWaitMilliseconds))
    // Turned away in a flood: the secret is as exposed at its next sight.
    if (leave === null) return
    try {
      await note(seen, sighting, deps)
    } finally {
      leave()
    }
  }
}

async function note(seen: readonly SeenSecret[], sighting: Sighting, deps: NoteExposedDeps): Promise<void> {
  const { by: exposedBy, request, isOnlyNoted } = sighting
  for (const { secret: token } of seen) {
    const kind = parseRegistrationToken(token)
    if (kind !== null)
      await deps.noteToken({ kind, token, exposedBy, isOnlyNoted, ...(request && { request }) })
  }
  const secrets = new Set(seen.map(({ secret }) => secret))
  for (const owner of await findOwners([...secrets], deps)) {
    const policy = await exposurePolicy(deps.db, owner.tenantId)
    const isQuarantined = mayEnd(owner, seen, sighting, policy)
    if (!isNewExposure(owner, isQuarantined)) continue
    const { tenantId, clientId, credentialId } = owner
    deps.exposeCredential({
      ...{ tenantId, clientId, credentialId, by: exposedBy, isQuarantined },
      ...(request && { request }),
    })
  }
}

/** Whoever follows the documents of the tenant, and mistypes the path or comes too late, must not lose the secret by it. */
function mayEnd(
  { secret }: OwnedSecret,
  seen: readonly SeenSecret[],
  { by, isOnlyNoted }: Sighting,
  { quarantines, secretInUrl }: ExposurePolicy,
): boolean {
  if (isOnlyNoted || !quarantines) return false
  if (by !== 'query_string' || secretInUrl === null) return true
  return seen.some((one) => one.secret === secret && one.name !== secretInUrl)
}

/** The first exposure stays, so there may be nothing more to write. */
export const isNewExposure = (
  { exposedAt, disabledAt }: { readonly exposedAt: number | null; readonly disabledAt: number | null },
  isQuarantined: boolean,
): boolean => exposedAt === null || (isQuarantined && disabledAt === null)
