/** Plans of a tenant, and the one that an organization is on. */

import { type Static, Type } from 'typebox'
import { PlanEntry, pickSettings, type TenantEntry } from '../../blueprint/schema.ts'
import { blueprintWords } from '../../blueprint/words.ts'
import type { WriteTransaction } from '../../store/database.ts'
import { type OrganizationRecord, saveOrganization } from '../../store/organizations.ts'
import { findPlan, type PlanRow, pageOfPlans, removePlan, savePlan } from '../../store/plans.ts'
import { Identifier, type OrganizationSettings, PlanSettings } from '../../tenants/settings.ts'
import { permissionsAt } from '../authorize.ts'
import type { Caller } from '../caller.ts'
import { checkPart } from '../check-part.ts'
import { checkOrganization, tenantEntry } from '../declared.ts'
import { explained } from '../explained.ts'
import { checkLeavingPlan } from '../leave-plan.ts'
import { type From, list, type Place, read, write } from '../operation.ts'
import { refuseWith } from '../problem.ts'
import { closed, managed, OrNull } from '../shapes.ts'
import { findOrganization } from './organizations.ts'
import { findTenant } from './tenants.ts'

const NewPlan = Type.Object(explained(PlanEntry.properties, blueprintWords.plan), closed)
const ChangedPlan = Type.Object(explained(PlanSettings.properties, blueprintWords.plan), closed)
const PlanShape = Type.Object({ ...PlanEntry.properties, ...managed })

const show = (row: PlanRow) => ({
  id: row.id,
  ...(row.settings as PlanSettings),
  ...{ blueprint: row.blueprint, created_at: row.createdAt, updated_at: row.updatedAt },
})

async function findWhole({ tenant, plan }: { readonly tenant: string; readonly plan: string }, from: From) {
  const row = await findPlan(from, tenant, plan)
  if (row === null) return null
  const place = { tenantId: tenant, organizationId: null }
  return { place, name: `plan ${row.id}`, value: show(row), row }
}

async function entryOf(tx: WriteTransaction, tenantId: string): Promise<TenantEntry> {
  return (await tenantEntry(tx, tenantId)) ?? refuseWith('not_found')
}

async function save(
  tx: WriteTransaction,
  tenantId: string,
  planId: string,
  body: Static<typeof ChangedPlan>,
  before: PlanRow | null,
): Promise<object> {
  const tenant = await entryOf(tx, tenantId)
  const others = (tenant.plans ?? []).filter((one) => one.id !== planId)
  checkPart(tenant, { ...tenant, plans: [...others, { ...body, id: planId }] }, ['plans', others.length])
  const blueprint = before?.blueprint ?? null
  await savePlan(tx, tenantId, { id: planId, settings: pickSettings(PlanSettings, body), blueprint })
  const row = await findPlan(tx, tenantId, planId)
  if (row === null) throw new Error(`Plan ${planId} was saved and is gone.`)
  return show(row)
}

const SubscriptionShape = Type.Object({ organization: Type.String(), plan: OrNull(Type.String()) })

async function findSubscription(
  params: { readonly tenant: string; readonly organization: string },
  from: From,
) {
  const found = await findOrganization(params, from)
  return found && { ...found, value: { organization: found.row.id, plan: found.row.planId } }
}

/** Who sets plans anyway needs nobody's yes, but a token that may. */
const mayDecide = (caller: Caller, place: Place): boolean =>
  caller.scopes.has('manage_organizations') && permissionsAt(caller, place).has('manage_organizations')

/** By the organization's own people. */
async function checkOwnMove(
  tx: WriteTransaction,
  { id: tenantId, plans = [] }: TenantEntry,
  organization: OrganizationRecord,
  planId: string,
): Promise<void> {
  const planOf = (name: string | null) => plans.find(({ id }) => id === name) ?? null
  const to = planOf(planId) ?? refuseWith('not_found')
  if (to.approval === true)
    refuseWith('conflict', {
      detail: `Plan ${planId} needs the provider’s approval: ask its people, who can set it for organization ${organization.id}.`,
    })
  const from = planOf(organization.planId)
  // Its people have not chosen it: it may be there to hold them down.
  if (from?.approval === true)
    refuseWith('conflict', {
      detail: `Plan ${from.id} is left with the provider’s approval: ask its people, who can set another for organization ${organization.id}.`,
    })
  await checkLeavingPlan(tx, { tenantId, organization, from, to })
}

const example = {
  ...{ id: 'paid', price: 'paid' as const, approval: true, scopes: { rest: ['invoices/read'] } },
  limits: [{ api: 'rest', requests: 6_000, window_seconds: 60 }],
}
const shown = { ...example, blueprint: null, created_at: 1_800_000_000, updated_at: 1_800_000_000 }

export const planOperations = [
  list({
    id: 'listPlans',
    command: 'plans list',
    path: '/tenants/{tenant}/plans',
    about: 'The plans of a tenant.',
    permission: 'read_plans',
    isShared: true,
    output: PlanShape,
    example: { answer: shown },
    find: findTenant,
    run: async ({ params: { tenant } }, page, from) => (await pageOfPlans(from, tenant, page)).map(show),
    keyOf: (item) => item.id,
  }),
  read({
    id: 'readPlan',
    command: 'plans show',
    path: '/tenants/{tenant}/plans/{plan}',
    about: 'One plan.',
    permission: 'read_plans',
    isShared: true,
    output: PlanShape,
    example: { answer: shown },
    find: findWhole,
    run: async ({ target }) => target.value,
  }),
  write({
    id: 'createPlan',
    command: 'plans create',
    method: 'POST',
    status: 201,
    path: '/tenants/{tenant}/plans',
    about: 'Make a plan.',
    permission: 'manage_plans',
    body: NewPlan,
    output: PlanShape,
    problems: ['conflict'],
    example: { body: example, answer: shown },
    find: findTenant,
    async run({ params: { tenant }, body: { id: planId, ...body } }, tx) {
      if ((await findPlan(tx, tenant, planId)) !== null)
        refuseWith('conflict', { detail: `There is a plan ${planId} in this tenant.` })
      const made = await save(tx, tenant, planId, body, null)
      return { body: made, location: `/tenants/${tenant}/plans/${planId}`, name: `plan ${planId}` }
    },
  }),
  write({
    id: 'updatePlan',
    command: 'plans update',
    method: 'PATCH',
    status: 200,
    path: '/tenants/{tenant}/plans/{plan}',
    about: 'Change a plan, at once for every organization on it.',
    permission: 'manage_plans',
    body: ChangedPlan,
    output: PlanShape,
    example: { body: { approval: false }, answer: { ...shown, approval: false } },
    find: findWhole,
    run: async ({ params: { tenant, plan }, body, target: { row } }, tx) => ({
      body: await save(tx, tenant, plan, body, row),
    }),
  }),
  write({
    id: 'removePlan',
    command: 'plans remove',
    method: 'DELETE',
    status: 204,
    path: '/tenants/{tenant}/plans/{plan}',
    about: 'Remove a plan that no organization is on.',
    permission: 'manage_plans',
    output: null,
    problems: ['conflict'],
    example: { answer: null },
    find: findWhole,
    async run({ params: { tenant, plan } }, tx) {
      await removePlan(tx, tenant, plan)
      return { body: null, after: null }
    },
  }),
  write({
    id: 'subscribe',
    command: 'organizations subscribe',
    method: 'POST',
    status: 200,
    path: '/tenants/{tenant}/organizations/{organization}/subscription',
    about: 'Move an organization to another plan, as its own people may where the plan needs no approval.',
    permission: 'request_keys',
    body: Type.Object(explained({ plan: Identifier }, { plan: ['The plan to move to'] }), closed),
    output: SubscriptionShape,
    problems: ['conflict'],
    example: { body: { plan: 'paid' }, answer: { organization: 'globex', plan: 'paid' } },
    find: findSubscription,
    async run({ params: { tenant }, body: { plan }, target: { row, place }, caller }, tx) {
      const entry = await entryOf(tx, tenant)
      checkOrganization(entry, { id: row.id, name: row.name, plan })
      if (row.planId !== plan && !mayDecide(caller, place)) await checkOwnMove(tx, entry, row, plan)
      await saveOrganization(tx, tenant, {
        ...{ id: row.id, name: row.name, planId: plan, settings: row.settings as OrganizationSettings },
        ...{ disabledAt: row.disabledAt, blueprint: row.blueprint },
      })
      return { body: { organization: row.id, plan } }
    },
  }),
]
