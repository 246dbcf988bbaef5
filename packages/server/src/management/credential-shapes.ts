/** What the management API takes and tells of a credential. */

import { Type } from 'typebox'
import { standingOf } from '../apps/secrets.ts'
import { formOfFormat } from '../blueprint/proof.ts'
import { PublicProof, publicProofOf } from '../blueprint/public-proof.ts'
import { CredentialEntry, proofForms } from '../blueprint/schema.ts'
import { blueprintWords } from '../blueprint/words.ts'
import type { CredentialRecord } from '../store/credentials.ts'
import { explained } from './explained.ts'
import { closed, Instant, managed, OrNull } from './shapes.ts'

const { id, public_key, jwks_uri, certificate, federation } = CredentialEntry.properties
const ExpiresAt = Type.Optional(OrNull(Instant))

/** Less than in a blueprint: a caller has no files on the server, and what is kept is there already. */
const NewSecret = Type.Union(
  [
    Type.Literal('generated'),
    Type.Object({ hash: Type.String({ pattern: '^[\\x21-\\x7e]{1,1024}$' }) }, closed),
  ],
  { description: 'generated, or {"hash": …}' },
)
export const defaultOverlapSeconds = 604_800
const words = {
  ...blueprintWords.credential,
  id: [blueprintWords.credential.id[0], 'made up'],
  disabled: ['Whether it is switched off: the tokens that were got with it are then dead at once', '`false`'],
  overlap_seconds: [
    'How long the secrets that are good now stay good beside the new one; 0 ends them at once',
    `${defaultOverlapSeconds} (7 days)`,
  ],
} as const
export const NewCredential = Type.Object(
  explained(
    {
      id: Type.Optional(id),
      ...{ secret: Type.Optional(NewSecret), public_key, jwks_uri, certificate, federation },
      expires_at: ExpiresAt,
    },
    words,
  ),
  closed,
)
export const ChangedCredential = Type.Object(
  explained({ expires_at: ExpiresAt, disabled: Type.Optional(Type.Boolean()) }, words),
  closed,
)
export const NewRotation = Type.Object(
  explained(
    {
      id: Type.Optional(id),
      overlap_seconds: Type.Optional(
        Type.Integer({ minimum: 0, maximum: 31_536_000, description: 'whole seconds, 0 to 31536000' }),
      ),
      expires_at: ExpiresAt,
    },
    { ...words, expires_at: ['From when on the new one is refused', 'never'] },
  ),
  closed,
)
export const CredentialShape = Type.Object({
  id,
  kind: Type.Enum([...proofForms]),
  standing: Type.Enum(['good', 'expired', 'disabled', 'quarantined']),
  disabled: Type.Boolean(),
  expires_at: OrNull(Instant),
  last_used_at: OrNull(Instant),
  exposed_at: OrNull(Instant),
  exposed_by: OrNull(Type.String()),
  ...PublicProof,
  ...managed,
  /** In the one answer that made it. */
  warnings: Type.Optional(Type.Array(Type.String())),
  client_id: Type.Optional(Type.String()),
  client_secret: Type.Optional(Type.String()),
})

export const RotatedShape = Type.Object({
  ...CredentialShape.properties,
  /** The secrets that this has given an end, and who declares them. */
  ends: Type.Array(Type.Object({ id, expires_at: Instant, blueprint: OrNull(Type.String()) })),
})

/** With its standing at `now`, in epoch seconds. */
export const showCredential = (row: CredentialRecord, now: number) => ({
  ...{ id: row.id, kind: formOfFormat(row.format), standing: standingOf(row, now) },
  ...{ disabled: row.disabledAt !== null, expires_at: row.expiresAt, last_used_at: row.lastUsedAt },
  ...{ exposed_at: row.exposedAt, exposed_by: row.exposedBy },
  ...publicProofOf(row.format, row.publicProof),
  ...{ blueprint: row.blueprint, created_at: row.createdAt, updated_at: row.updatedAt },
})

/** For the audit chain too: it does not change by itself. */
export const credentialState = (row: CredentialRecord) => ({
  ...showCredential(row, row.updatedAt),
  last_used_at: null,
})
