/** Organizations: the customers of a tenant, each on a plan of it. */

import { type Static, Type } from 'typebox'
import { OrganizationEntry, pickSettings } from '../../blueprint/schema.ts'
import { blueprintWords } from '../../blueprint/words.ts'
import { listClientIds } from '../../store/apps.ts'
import type { WriteTransaction } from '../../store/database.ts'
import { listMembershipsAt } from '../../store/memberships.ts'
import {
  type OrganizationRecord,
  pageOfOrganizations,
  removeOrganization,
  saveOrganization,
  selectOrganization,
} from '../../store/organizations.ts'
import { OrganizationSettings } from '../../tenants/settings.ts'
import { operatorsId, systemTenantId } from '../authorize.ts'
import { checkOrganization, tenantEntry } from '../declared.ts'
import { explained } from '../explained.ts'
import { keepOperatorsOf } from '../last-operator.ts'
import { recordsElsewhere, removeRoles, saidMemberships } from '../lost-memberships.ts'
import { type From, list, read, type Target, write } from '../operation.ts'
import { refuseWith } from '../problem.ts'
import { closed, managed, OrNull } from '../shapes.ts'
import { findTenant } from './tenants.ts'

const { id, name, plan } = OrganizationEntry.properties
const words = {
  ...blueprintWords.organization,
  disabled: [
    'Whether it is switched off: its apps then get no token, and those that they have are dead at once',
    '`false`',
  ],
} as const
const settable = explained(
  { name, plan, ...OrganizationSettings.properties, disabled: Type.Optional(Type.Boolean()) },
  words,
)
const NewOrganization = Type.Object({ ...explained({ id }, words), ...settable }, closed)
const ChangedOrganization = Type.Object(settable, closed)
const OrganizationShape = Type.Object({
  ...{ id, ...settable, plan: OrNull(Type.String()), disabled: Type.Boolean() },
  ...managed,
})

const show = (row: OrganizationRecord) => ({
  ...{ id: row.id, name: row.name, plan: row.planId },
  ...(row.settings as OrganizationSettings),
  disabled: row.disabledAt !== null,
  ...{ blueprint: row.blueprint, created_at: row.createdAt, updated_at: row.updatedAt },
})

type InOrganization = { readonly tenant: string; readonly organization: string }

/** The organization that a path names, as the place of what lies in it. */
export async function findOrganization(
  { tenant, organization }: InOrganization,
  from: From,
): Promise<(Target & { readonly row: OrganizationRecord }) | null> {
  const row = await selectOrganization(from, tenant, organization)
  if (row === null) return null
  return { place: { tenantId: tenant, organizationId: row.id }, name: `organization ${row.id}`, row }
}

async function findWhole(params: InOrganization, from: From) {
  const found = await findOrganization(params, from)
  return found && { ...found, value: show(found.row) }
}

async function save(
  tx: WriteTransaction,
  tenantId: string,
  organizationId: string,
  body: Static<typeof ChangedOrganization>,
  before: OrganizationRecord | null,
): Promise<object> {
  const { disabled = false, ...rest } = body
  const tenant = await tenantEntry(tx, tenantId)
  if (tenant === null) refuseWith('not_found')
  checkOrganization(tenant, { ...rest, id: organizationId })
  await saveOrganization(tx, tenantId, {
    ...{ id: organizationId, name: rest.name, planId: rest.plan ?? null },
    settings: pickSettings(OrganizationSettings, rest),
    disabledAt: disabled ? (before?.disabledAt ?? tx.now) : null,
    blueprint: before?.blueprint ?? null,
  })
  const row = await selectOrganization(tx, tenantId, organizationId)
  if (row === null) throw new Error(`Organization ${organizationId} was saved and is gone.`)
  return show(row)
}

/** What ends with it, for the audit chain. */
async function belongings(tx: WriteTransaction, tenantId: string, organizationId: string) {
  const members = await listMembershipsAt(tx, { tenantId, organizationId })
  return {
    apps: await listClientIds(tx, tenantId, organizationId),
    memberships: members.map(({ member, roles }) => ({ member, roles })),
  }
}

/** Without the apps of some organizations nobody could manage this server any more. */
async function keepOperators(tx: WriteTransaction, tenant: string, organization: string): Promise<void> {
  if (tenant === systemTenantId && organization === operatorsId)
    refuseWith('conflict', { detail: 'The organization of the operators stays.' })
  await keepOperatorsOf(tx, tenant, organization)
}

const example = { id: 'globex', name: 'Globex', plan: 'free' }
const shown = {
  ...example,
  disabled: false,
  blueprint: null,
  created_at: 1_800_000_000,
  updated_at: 1_800_000_000,
}

export const organizationOperations = [
  list({
    id: 'listOrganizations',
    command: 'organizations list',
    path: '/tenants/{tenant}/organizations',
    about: 'The customers of a tenant.',
    permission: 'read_organizations',
    output: OrganizationShape,
    example: { answer: shown },
    find: findTenant,
    run: async ({ params: { tenant } }, page, from) =>
      (await pageOfOrganizations(from, tenant, page)).map(show),
    keyOf: (item) => item.id,
  }),
  read({
    id: 'readOrganization',
    command: 'organizations show',
    path: '/tenants/{tenant}/organizations/{organization}',
    about: 'One customer.',
    permission: 'read_organizations',
    output: OrganizationShape,
    example: { answer: shown },
    find: findWhole,
    run: async ({ target }) => target.value,
  }),
  write({
    id: 'createOrganization',
    command: 'organizations create',
    method: 'POST',
    status: 201,
    path: '/tenants/{tenant}/organizations',
    about: 'Make a customer.',
    permission: 'manage_organizations',
    body: NewOrganization,
    output: OrganizationShape,
    problems: ['conflict'],
    example: { body: example, answer: shown },
    find: findTenant,
    async run({ params: { tenant }, body: { id: organization, ...body } }, tx) {
      if ((await selectOrganization(tx, tenant, organization)) !== null)
        refuseWith('conflict', { detail: `There is an organization ${organization}.` })
      const made = await save(tx, tenant, organization, body, null)
      const location = `/tenants/${tenant}/organizations/${organization}`
      return { body: made, location, name: `organization ${organization}` }
    },
  }),
  write({
    id: 'updateOrganization',
    command: 'organizations update',
    method: 'PATCH',
    status: 200,
    path: '/tenants/{tenant}/organizations/{organization}',
    about: 'Change a customer, its plan too; disabled, the tokens of all its apps are dead at once.',
    permission: 'manage_organizations',
    body: ChangedOrganization,
    output: OrganizationShape,
    problems: ['conflict'],
    example: { body: { plan: 'paid' }, answer: { ...shown, plan: 'paid' } },
    find: findWhole,
    async run({ params: { tenant, organization }, body, target }, tx) {
      if (body.disabled === true) await keepOperators(tx, tenant, organization)
      return { body: await save(tx, tenant, organization, body, target.row) }
    },
  }),
  write({
    id: 'removeOrganization',
    command: 'organizations remove',
    method: 'DELETE',
    status: 204,
    path: '/tenants/{tenant}/organizations/{organization}',
    about: 'Remove a customer with all its apps; their tokens are dead at once.',
    permission: 'manage_organizations',
    output: null,
    example: { answer: null },
    find: findWhole,
    async run({ params: { tenant, organization }, target }, tx) {
      await keepOperators(tx, tenant, organization)
      const { apps, memberships } = await belongings(tx, tenant, organization)
      const lost = tenant === systemTenantId ? await removeRoles(tx, apps) : []
      await removeOrganization(tx, tenant, organization)
      const before = { ...target.value, apps, memberships: [...memberships, ...saidMemberships(lost)] }
      return { body: null, before, elsewhere: recordsElsewhere(tenant, lost), after: null }
    },
  }),
]
