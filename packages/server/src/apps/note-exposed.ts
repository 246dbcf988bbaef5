/** A secret or a token in a request where others could read it, known by nothing but itself. */

import { parseRegistrationToken } from '@sallyport/protocol'
import type { ExposedBy, NewExposure } from '../store/exposure.ts'
import { quarantines } from './expose-credential.ts'
import type { NoteExposedToken } from './expose-token.ts'
import { findOwners, type OwnerDeps } from './secret-owners.ts'

/** Resolves when it is known whether it is one of ours; what is done about it follows. */
export type NoteExposed = (secret: string, by: ExposedBy) => Promise<void>

export interface NoteExposedDeps extends OwnerDeps {
  /** Returns at once. */
  readonly exposeCredential: (exposure: NewExposure) => void
  readonly noteToken: NoteExposedToken
}

export const createExposureNoting =
  (deps: NoteExposedDeps): NoteExposed =>
  async (secret, by) => {
    const kind = parseRegistrationToken(secret)
    if (kind !== null) return deps.noteToken({ kind, token: secret, exposedBy: by })
    for (const { tenantId, clientId, credentialId, exposedAt, disabledAt } of await findOwners(
      secret,
      deps,
    )) {
      const isQuarantined = await quarantines(deps.db, tenantId)
      if (isNewExposure({ exposedAt, disabledAt }, isQuarantined))
        deps.exposeCredential({ tenantId, clientId, credentialId, by, isQuarantined })
    }
  }

/** The first exposure stays, so there may be nothing more to write. */
export const isNewExposure = (
  { exposedAt, disabledAt }: { readonly exposedAt: number | null; readonly disabledAt: number | null },
  isQuarantined: boolean,
): boolean => exposedAt === null || (isQuarantined && disabledAt === null)
