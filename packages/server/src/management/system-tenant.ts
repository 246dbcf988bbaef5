/** The tenant whose apps manage all others: an ordinary one, made once, with one API and the permissions as its scopes. */

import { addSecret, type MadeSecret, type SecretDeps } from '../apps/secrets.ts'
import type { AppSettings } from '../apps/settings.ts'
import { saveApi } from '../store/apis.ts'
import { findAppById, saveApp } from '../store/apps.ts'
import type { Actor } from '../store/audit-records.ts'
import type { WriteTransaction } from '../store/database.ts'
import { findMembership, type MembershipPlace, saveMembership } from '../store/memberships.ts'
import { saveOrganization, selectOrganization } from '../store/organizations.ts'
import { addTenant, lockTenants, selectTenant, selectTenantParts } from '../store/tenants.ts'
import { managementApiId } from './authenticate.ts'
import { operatorsId, systemTenantId } from './authorize.ts'
import { permissionNames, permissions } from './permissions.ts'

/** A name and not a URL, so that it stays when the server moves. */
const managementAudience = 'urn:sallyport:management'

/** Makes it, or brings its scopes up to date with this release. */
export async function ensureSystemTenant(tx: WriteTransaction, by: Actor = 'server'): Promise<void> {
  const record = (action: string, target: string) =>
    tx.audit({ tenantId: systemTenantId, actor: by, action, target })
  if ((await selectTenant(tx.kysely, systemTenantId)) === null) {
    const isMade = await addTenant(tx, systemTenantId, {
      ...{ name: 'Sallyport', environment: 'live' },
      // A stolen management token is a stolen server.
      settings: { access_token_seconds: 600 },
    })
    if (isMade) record('createTenant', `tenant ${systemTenantId}`)
  }
  const scopes = Object.fromEntries(permissionNames.map((name) => [name, permissions[name].about]))
  const { apis } = await selectTenantParts(tx.kysely, systemTenantId)
  const known = apis.find(({ id }) => id === managementApiId)
  if (JSON.stringify(known?.settings) !== JSON.stringify({ scopes })) {
    await saveApi(tx, systemTenantId, {
      id: managementApiId,
      audience: managementAudience,
      settings: { scopes },
    })
    record(known === undefined ? 'createApi' : 'updateApi', `api ${managementApiId}`)
  }
  if ((await selectOrganization(tx, systemTenantId, operatorsId)) === null) {
    await saveOrganization(tx, systemTenantId, { id: operatorsId, name: 'Operators', settings: {} })
    record('createOrganization', `organization ${operatorsId}`)
  }
}

export interface NewOperator {
  /** The app's id in the system tenant. */
  readonly id: string
  readonly roles: readonly string[]
  /** Where it has them: the system tenant as a whole is the whole server. */
  readonly place: MembershipPlace
  /** Who makes it. */
  readonly by?: Actor
}

/**
 * An app that manages: made with a first secret, or given one more. Its scopes are all there are, because its roles say what
 * it may do; who wants less of a token asks for less.
 */
export async function addOperator(
  tx: WriteTransaction,
  { id, roles, place, by = 'server' }: NewOperator,
  newClientId: () => string,
  deps: SecretDeps,
): Promise<MadeSecret> {
  await lockTenants(tx, [systemTenantId, place.tenantId])
  await ensureSystemTenant(tx, by)
  const known = await findAppById(tx, systemTenantId, id)
  const settings: AppSettings = { scopes: { [managementApiId]: [...permissionNames] } }
  const app = known ?? { clientId: newClientId(), settings }
  if (known === null)
    await saveApp(tx, systemTenantId, {
      ...{ clientId: app.clientId, id, organizationId: operatorsId, name: id, settings },
    })
  const member = `app ${app.clientId}`
  const before = await findMembership(tx, place, member)
  await saveMembership(tx, place, member, roles)
  const secret = { tenantId: systemTenantId, environment: 'live', app, expiresAt: null } as const
  const made = await addSecret(tx, secret, deps)
  const state = { id, organization: place.organizationId }
  tx.audit({
    ...{ tenantId: place.tenantId, actor: by, action: 'addOperator', target: member },
    before: before && JSON.stringify({ ...state, roles: before.roles }),
    after: JSON.stringify({ ...state, roles, credential: made.credentialId, is_new_app: known === null }),
  })
  return made
}
