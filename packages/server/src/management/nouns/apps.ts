/** Apps: what an organization's programs are to a tenant. Named by client id, as every token request names them. */

import { isDeepStrictEqual } from 'node:util'
import { generateIdentifier } from '@sallyport/protocol'
import { type Static, Type } from 'typebox'
import { AppSettings } from '../../apps/settings.ts'
import { AppEntry, pickSettings, type TenantEntry } from '../../blueprint/schema.ts'
import { blueprintWords } from '../../blueprint/words.ts'
import { type AppRecord, findAppByClientId, listApps, removeApp, saveApp } from '../../store/apps.ts'
import type { WriteTransaction } from '../../store/database.ts'
import { type OrganizationRecord, selectOrganization } from '../../store/organizations.ts'
import { defaultClientIdShape, identifierBytes } from '../../tenants/client-id-shape.ts'
import { barredApis, barredSentence } from '../../tenants/plan-scopes.ts'
import { checkAppPrivileges } from '../app-privileges.ts'
import { requirePermission, systemTenantId } from '../authorize.ts'
import { checkAppCount } from '../bounds.ts'
import { checkApp, tenantEntry, tenantEntryWithApps } from '../declared.ts'
import { explained } from '../explained.ts'
import { checkFreeAppId } from '../free-app-id.ts'
import { keepOperator } from '../last-operator.ts'
import { lostMemberships, removeRoles } from '../lost-memberships.ts'
import { type From, list, read, type Target, write } from '../operation.ts'
import { refuseWith } from '../problem.ts'
import { closed, managed } from '../shapes.ts'
import { findOrganization } from './organizations.ts'
import { findTenant } from './tenants.ts'

const { id, name } = AppEntry.properties
const words = {
  ...blueprintWords.app,
  disabled: [
    'Whether it is switched off: it then gets no token, and those that it has are dead at once',
    '`false`',
  ],
} as const
const settable = explained(
  { name, ...AppSettings.properties, disabled: Type.Optional(Type.Boolean()) },
  words,
)
const NewApp = Type.Object({ ...explained({ id }, words), ...settable }, closed)
const ChangedApp = Type.Object(settable, closed)
const AppShape = Type.Object({
  client_id: Type.String(),
  ...{ id, organization: Type.String(), ...settable, disabled: Type.Boolean() },
  ...managed,
  /** In the answer that made or changed it. */
  warnings: Type.Optional(Type.Array(Type.String())),
})

export const showApp = (row: AppRecord) => ({
  ...{ client_id: row.clientId, id: row.id, organization: row.organizationId, name: row.name },
  ...(row.settings as AppSettings),
  disabled: row.disabledAt !== null,
  ...{ blueprint: row.blueprint, created_at: row.createdAt, updated_at: row.updatedAt },
})

type InApp = { readonly tenant: string; readonly app: string }

/** The app that a path names by its client id; it lies in its organization. */
export async function findApp(
  { tenant, app }: InApp,
  from: From,
): Promise<(Target & { readonly row: AppRecord }) | null> {
  const row = await findAppByClientId(from, tenant, app)
  if (row === null) return null
  return { place: { tenantId: tenant, organizationId: row.organizationId }, name: `app ${row.clientId}`, row }
}

async function findWhole(params: InApp, from: From) {
  const found = await findApp(params, from)
  return found && { ...found, value: showApp(found.row) }
}

interface Saved {
  readonly clientId: string
  readonly id: string
  readonly organizationId: string
}

/** Checked against the tenant as it is: its APIs, its plans, its policies. */
export async function saveCheckedApp(
  tx: WriteTransaction,
  tenant: TenantEntry,
  { clientId, id: appId, organizationId }: Saved,
  { disabled = false, ...body }: Static<typeof ChangedApp>,
  before: AppRecord | null,
): Promise<ReturnType<typeof showApp>> {
  const { subjects = [], actors = [] } = body.token_exchange ?? {}
  const others = [...subjects, ...actors].filter((name) => name !== appId)
  const withOthers = others.length === 0 ? tenant : await tenantEntryWithApps(tx, tenant.id, others)
  checkApp(withOthers ?? tenant, { ...body, id: appId })
  await saveApp(tx, tenant.id, {
    ...{ clientId, id: appId, organizationId, name: body.name },
    settings: settingsOf(body),
    disabledAt: disabled ? (before?.disabledAt ?? tx.now) : null,
    blueprint: before?.blueprint ?? null,
  })
  const row = await findAppByClientId(tx, tenant.id, clientId)
  if (row === null) throw new Error(`App ${appId} was saved and is gone.`)
  return showApp(row)
}

/** A new client id in the tenant's shape; only of characters that no reading of a header changes. */
export const newClientId = (tenant: TenantEntry, random: (bytes: number) => Uint8Array): string =>
  generateIdentifier(random(identifierBytes), tenant.client_id ?? defaultClientIdShape)

/** With other settings an operator's app would get no token, or one that the API does not take. */
async function checkOperatorSettings(
  tx: WriteTransaction,
  tenant: string,
  { settings, clientId }: AppRecord,
  after: AppSettings,
): Promise<void> {
  if (tenant !== systemTenantId) return
  const { sender_constraint: before, ...rest } = settings as AppSettings
  const { sender_constraint: constraint, ...wanted } = after
  if (!isDeepStrictEqual(rest, wanted))
    refuseWith('conflict', {
      detail: 'The settings of an app that manages stay as they were made, but for sender_constraint.',
    })
  // Nobody knows yet whether it can prove a key, or has a certificate and a port to show it at.
  if (constraint !== before && constraint !== undefined) await keepOperator(tx, tenant, clientId)
}

const settingsOf = (body: Static<typeof ChangedApp>): AppSettings => pickSettings(AppSettings, body)

export const planOf = ({ plans = [] }: TenantEntry, { planId }: OrganizationRecord) =>
  plans.find(({ id: planName }) => planName === planId) ?? null

/** As `sallyport apply` prints them of a blueprint; the audit chain holds the app alone. */
function saidOf(app: ReturnType<typeof showApp>, plan: ReturnType<typeof planOf>) {
  const warnings = barredApis(app.scopes ?? {}, plan).map((api) => barredSentence(plan?.id ?? '', api))
  return { body: warnings.length === 0 ? app : { ...app, warnings }, after: app }
}

const example = { id: 'billing-sync', name: 'Billing sync', scopes: { rest: ['invoices/read'] } }
const shown = {
  ...{ client_id: '5f0c2b7e9a1d4c3b8e6f7a90', organization: 'globex', ...example },
  ...{ disabled: false, blueprint: null, created_at: 1_800_000_000, updated_at: 1_800_000_000 },
}

export const appOperations = [
  list({
    id: 'listApps',
    command: 'apps list',
    path: '/tenants/{tenant}/apps',
    about: 'The apps of a tenant, in order of client id.',
    permission: 'read_apps',
    query: Type.Object({
      organization: Type.Optional(Type.String({ description: 'only the apps of this organization' })),
      id: Type.Optional(Type.String({ description: 'the one app of that id' })),
    }),
    output: AppShape,
    example: { answer: shown },
    find: findTenant,
    run: async ({ params: { tenant }, query: { organization: organizationId, id } }, page, from) =>
      (await listApps(from, tenant, { ...page, organizationId, id })).map(showApp),
    keyOf: (item) => item.client_id,
  }),
  list({
    id: 'listAppsOfOrganization',
    command: 'organizations apps',
    path: '/tenants/{tenant}/organizations/{organization}/apps',
    about: 'The apps of one organization.',
    permission: 'read_apps',
    output: AppShape,
    example: { answer: shown },
    find: findOrganization,
    run: async ({ params: { tenant, organization: organizationId } }, page, from) =>
      (await listApps(from, tenant, { ...page, organizationId })).map(showApp),
    keyOf: (item) => item.client_id,
  }),
  read({
    id: 'readApp',
    command: 'apps show',
    path: '/tenants/{tenant}/apps/{app}',
    about: 'One app, by its client id.',
    permission: 'read_apps',
    output: AppShape,
    example: { answer: shown },
    find: findWhole,
    run: async ({ target }) => target.value,
  }),
  write({
    id: 'createApp',
    command: 'apps create',
    method: 'POST',
    status: 201,
    path: '/tenants/{tenant}/organizations/{organization}/apps',
    about: 'Make an app; its client id is made up, and it has no credential yet.',
    permission: 'manage_apps',
    body: NewApp,
    output: AppShape,
    problems: ['conflict'],
    example: { body: example, answer: shown },
    find: findOrganization,
    async run(
      { params: { tenant, organization }, body: { id: appId, ...body }, target, caller },
      tx,
      { effects },
    ) {
      const entry = await tenantEntry(tx, tenant)
      if (entry === null) refuseWith('not_found')
      await checkFreeAppId(tx, entry, appId)
      await checkAppCount(tx, caller, target.place)
      const plan = planOf(entry, target.row)
      checkAppPrivileges(caller, { place: target.place, before: {}, after: settingsOf(body), plan })
      const clientId = newClientId(entry, effects.random)
      const place = { clientId, id: appId, organizationId: organization }
      const made = await saveCheckedApp(tx, entry, place, body, null)
      const location = `/tenants/${tenant}/apps/${clientId}`
      return { ...saidOf(made, plan), location, name: `app ${clientId}` }
    },
  }),
  write({
    id: 'updateApp',
    command: 'apps update',
    method: 'PATCH',
    status: 200,
    path: '/tenants/{tenant}/apps/{app}',
    about: 'Change an app; disabled, its tokens are dead at once.',
    permission: 'manage_apps',
    body: ChangedApp,
    output: AppShape,
    example: { body: { name: 'Billing' }, answer: { ...shown, name: 'Billing' } },
    find: findWhole,
    async run({ params: { tenant }, body, target: { row, place }, caller }, tx) {
      const entry = await tenantEntry(tx, tenant)
      const owner = await selectOrganization(tx, tenant, row.organizationId)
      if (entry === null || owner === null) refuseWith('not_found')
      if (body.disabled === true) await keepOperator(tx, tenant, row.clientId)
      await checkOperatorSettings(tx, tenant, row, settingsOf(body))
      const before = row.settings as AppSettings
      const plan = planOf(entry, owner)
      checkAppPrivileges(caller, { place, before, after: settingsOf(body), plan })
      // Who was cut off does not let itself in again.
      if (row.disabledAt !== null && body.disabled !== true)
        requirePermission(caller, 'grant_app_privileges', place)
      return saidOf(await saveCheckedApp(tx, entry, row, body, row), plan)
    },
  }),
  write({
    id: 'removeApp',
    command: 'apps remove',
    method: 'DELETE',
    status: 204,
    path: '/tenants/{tenant}/apps/{app}',
    about: 'Remove an app with its credentials; its tokens are dead at once.',
    permission: 'manage_apps',
    output: null,
    example: { answer: null },
    find: findWhole,
    async run({ params: { tenant, app }, target: { row, place, value }, caller }, tx) {
      await keepOperator(tx, tenant, app)
      // Made again it would not be cut off any more.
      if (row.disabledAt !== null) requirePermission(caller, 'grant_app_privileges', place)
      const lost =
        tenant === systemTenantId ? lostMemberships(tenant, value, await removeRoles(tx, [app])) : {}
      await removeApp(tx, tenant, app)
      return { body: null, ...lost, after: null }
    },
  }),
]
