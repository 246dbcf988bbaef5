/** An app that has registered itself as it stands now, whatever its organization or the provider have made of it since. */

import { isMembers, parseRegistrationToken, refuse } from '@sallyport/protocol'
import { digestOfRegistrationToken, type OfClient, type RegisteredApp } from '../../apps/registration.ts'
import type { AppSettings } from '../../apps/settings.ts'
import type { TenantEntry } from '../../blueprint/schema.ts'
import { type AppRecord, findAppByClientId } from '../../store/apps.ts'
import { listCredentials, listProofs } from '../../store/credentials.ts'
import { type OrganizationRecord, selectOrganization } from '../../store/organizations.ts'
import { findRegistrationByToken, type RegistrationRecord } from '../../store/registrations.ts'
import { selectTenant } from '../../store/tenants.ts'
import { tenantEntry } from '../declared.ts'
import type { From } from '../operation.ts'
import { refuseToken } from './refusals.ts'

export interface Found {
  readonly registration: RegistrationRecord
  readonly row: AppRecord
}

/** Throws `invalid_token`, the same for an unknown client and for the token of another. */
export async function findOwn(from: From, { tenantId, clientId, token }: OfClient): Promise<Found> {
  if (parseRegistrationToken(token) !== 'registration') return refuseToken('none by its looks')
  const digest = digestOfRegistrationToken(token)
  const registration = await findRegistrationByToken(from, tenantId, clientId, digest)
  const row = registration && (await findAppByClientId(from, tenantId, clientId))
  return row ? { registration, row } : refuseToken('no registration of that client, or not its token')
}

export interface Owner {
  readonly entry: TenantEntry
  readonly organization: OrganizationRecord
}

/** Whom an app belongs to; null where tenant or organization are out of use. */
export async function findOwner(from: From, tenantId: string, organizationId: string): Promise<Owner | null> {
  const tenant = await selectTenant(from.kysely, tenantId)
  const organization = await selectOrganization(from, tenantId, organizationId)
  const entry = await tenantEntry(from, tenantId)
  if (tenant === null || organization === null || entry === null) return null
  return tenant.disabledAt !== null || organization.disabledAt !== null ? null : { entry, organization }
}

/** RFC 7592 §2: who was cut off does not let itself in again, nor sees what it could be. */
export async function findUsableOwner(from: From, tenantId: string, { row }: Found): Promise<Owner> {
  const owner = row.disabledAt === null ? await findOwner(from, tenantId, row.organizationId) : null
  return owner ?? refuse('access_denied', 'app, organization or tenant is disabled', cutOff)
}

const cutOff = 'This client was taken out of use. Ask whoever runs this server.'

export async function registeredApp(
  from: From,
  tenantId: string,
  { row, registration: { described, createdAt } }: Found,
  clientSecret: string | null = null,
): Promise<RegisteredApp> {
  const { clientId, name } = row
  const proofs = await listProofs(from, tenantId, clientId)
  const disabled = await disabledCredentials(from, tenantId, clientId)
  return {
    ...{ clientId, name, settings: row.settings as AppSettings },
    proofs: proofs.filter(({ id }) => !disabled.has(id)),
    described: isMembers(described) ? described : {},
    ...{ createdAt, clientSecret },
  }
}

export async function disabledCredentials(
  from: From,
  tenantId: string,
  clientId: string,
): Promise<ReadonlySet<string>> {
  const rows = await listCredentials(from, tenantId, clientId)
  return new Set(rows.filter(({ disabledAt }) => disabledAt !== null).map(({ id }) => id))
}
