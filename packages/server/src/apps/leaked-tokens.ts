/** A token of client registration that others have seen: whose it is, and its end, unless the tenant wants it noted alone. */

import type { RegistrationTokenKind } from '@sallyport/protocol'
import type { Actor, NewAuditRecord } from '../store/audit-records.ts'
import type { Database, WriteTransaction } from '../store/database.ts'
import type { ExposedBy } from '../store/exposure.ts'
import { findTenantByDigest } from '../store/leaked-secrets.ts'
import { saveNotice } from '../store/notices.ts'
import { findRegistrationTokenByDigest, removeRegistrationToken } from '../store/registration-tokens.ts'
import { endRegistrationAccess, findRegistrationByDigest } from '../store/registrations.ts'
import { writeTenant } from '../store/tenants.ts'
import { quarantines } from './expose-credential.ts'
import { digestOfRegistrationToken } from './registration.ts'

interface TokenLeak {
  readonly kind: RegistrationTokenKind
  readonly token: string
  /** Where it was found, as it may be kept. */
  readonly url?: string | undefined
  readonly exposedBy: ExposedBy
  /** Whatever its tenant wants. */
  readonly isOnlyNoted?: boolean | undefined
  /** For the audit chain. */
  readonly by: Actor
}

interface LeakedInitialToken {
  readonly kind: 'initial'
  readonly tenantId: string
  readonly organizationId: string
  readonly tokenId: string
  readonly exposed: TokenExposed
}

interface LeakedOwnToken {
  readonly kind: 'registration'
  readonly tenantId: string
  readonly clientId: string
  readonly exposed: TokenExposed
}

export type LeakedToken = LeakedInitialToken | LeakedOwnToken
export type TokenExposed = 'flagged' | 'removed'

/** With blanks, which no credential's id has. */
export const ownTokenName = 'registration access token'

interface Found {
  readonly tenantId: string
  readonly digest: Uint8Array
  readonly exposed: TokenExposed
  readonly leak: TokenLeak
}

/** Null for one that is none, or no longer. */
export async function reportLeakedToken(db: Database, leak: TokenLeak): Promise<LeakedToken | null> {
  const digest = digestOfRegistrationToken(leak.token)
  const tenantId = await findTenantByDigest(db, leak.kind, digest)
  if (tenantId === null) return null
  // Then nobody registers, changes or removes in between.
  return writeTenant(db, tenantId, async (tx) => {
    const isRemoved = leak.isOnlyNoted !== true && (await quarantines(tx, tenantId))
    const exposed = isRemoved ? 'removed' : 'flagged'
    const end = leak.kind === 'initial' ? endInitialToken : endOwnToken
    return end(tx, { tenantId, digest, exposed, leak })
  })
}

async function endInitialToken(tx: WriteTransaction, found: Found): Promise<LeakedToken | null> {
  const { tenantId, digest, exposed } = found
  const given = await findRegistrationTokenByDigest(tx, tenantId, digest)
  if (given === null) return null
  const { id: tokenId, organizationId, name, registrations, registered } = given
  if (exposed === 'removed') await removeRegistrationToken(tx, tenantId, tokenId)
  record(tx, found, {
    ...{ action: 'exposeRegistrationToken', target: `registration token ${tokenId}` },
    before: JSON.stringify({ organization: organizationId, name, registrations, registered }),
  })
  return { kind: 'initial', tenantId, organizationId, tokenId, exposed }
}

async function endOwnToken(tx: WriteTransaction, found: Found): Promise<LeakedToken | null> {
  const { tenantId, digest, exposed, leak } = found
  const registration = await findRegistrationByDigest(tx, tenantId, digest)
  if (registration === null) return null
  const { clientId, tokenId, described } = registration
  if (exposed === 'removed') await endRegistrationAccess(tx, tenantId, clientId)
  record(tx, found, {
    ...{ action: 'exposeRegistration', target: `app ${clientId}` },
    before: JSON.stringify({ registration_token: tokenId, registration: described }),
  })
  await saveNotice(tx, {
    ...{ tenantId, clientId, credentialId: ownTokenName, kind: 'exposed' },
    detail: {
      ...{ by: leak.exposedBy, quarantined: exposed === 'removed' },
      ...(leak.url !== undefined && { url: leak.url }),
    },
  })
  return { kind: 'registration', tenantId, clientId, exposed }
}

/** Not where it was found: whoever reports it writes that. */
const record = (
  tx: WriteTransaction,
  { tenantId, exposed, leak }: Found,
  what: Pick<NewAuditRecord, 'action' | 'target' | 'before'>,
) =>
  tx.audit({
    ...{ tenantId, actor: leak.by, ...what },
    after: JSON.stringify({ exposed_by: leak.exposedBy, removed: exposed === 'removed' }),
  })
