/** Requests for keys (000-01, 000-02): an organization asks, and the provider's people make its app, or say why not. */

import { type Static, Type } from 'typebox'
import { AppSettings } from '../../apps/settings.ts'
import { AppEntry, pickSettings, type TenantEntry } from '../../blueprint/schema.ts'
import { blueprintWords } from '../../blueprint/words.ts'
import type { WriteTransaction } from '../../store/database.ts'
import {
  addKeyRequest,
  type Decision,
  decideKeyRequest,
  findKeyRequest,
  type KeyRequestRecord,
  listKeyRequests,
  removeKeyRequest,
} from '../../store/key-requests.ts'
import { selectOrganization } from '../../store/organizations.ts'
import { checkAppPrivileges } from '../app-privileges.ts'
import { checkKeyRequestCount } from '../bounds.ts'
import { afterByTime, keyByTime } from '../by-time.ts'
import type { Caller } from '../caller.ts'
import { tenantEntry } from '../declared.ts'
import { explained } from '../explained.ts'
import { checkFreeAppId } from '../free-app-id.ts'
import { newId } from '../new-id.ts'
import { type From, list, type OperationDeps, read, write } from '../operation.ts'
import { refuseWith } from '../problem.ts'
import { closed, Instant, Name, OrNull } from '../shapes.ts'
import { newClientId, saveCheckedApp } from './apps.ts'
import { findOrganization } from './organizations.ts'
import { findTenant } from './tenants.ts'

const Sentences = Type.String({ minLength: 1, maxLength: 2000, description: 'text, 1 to 2000 characters' })
const states = ['asked', 'approved', 'refused'] as const

const words = {
  ...blueprintWords.app,
  app_name: ['What the program is called'],
  purpose: ['What it is for'],
  answer: ['What whoever asked is told'],
} as const
const NewKeyRequest = Type.Object(explained({ app_name: Name, purpose: Sentences }, words), closed)
const Approval = Type.Object(
  explained(
    {
      ...{ id: AppEntry.properties.id, name: Type.Optional(Name), ...AppSettings.properties },
      answer: Type.Optional(Sentences),
    },
    { ...words, name: [blueprintWords.app.name[0], 'as it was asked for'] },
  ),
  closed,
)
const Refusal = Type.Object(explained({ answer: Sentences }, words), closed)
const KeyRequestShape = Type.Object({
  ...{ id: Type.String(), organization: Type.String(), state: Type.Enum(states) },
  ...{ app_name: Name, purpose: Sentences, asked_by: Type.String() },
  ...{ decided_by: OrNull(Type.String()), decided_at: OrNull(Instant), answer: OrNull(Sentences) },
  /** Of the app that the approval has made; it has no credential yet. */
  client_id: OrNull(Type.String()),
  created_at: Instant,
})

const show = (row: KeyRequestRecord) => ({
  ...{ id: row.id, organization: row.organizationId, state: row.state },
  ...{ app_name: row.appName, purpose: row.purpose, asked_by: row.askedBy },
  ...{ decided_by: row.decidedBy, decided_at: row.decidedAt, answer: row.answer },
  ...{ client_id: row.clientId, created_at: row.createdAt },
})

type InTenant = { readonly tenant: string; readonly key_request: string }

/** As the provider sees it: it lies in the tenant, so that no member of the organization decides what it has asked itself. */
async function findAsked({ tenant, key_request: id }: InTenant, from: From) {
  const row = await findKeyRequest(from, tenant, id)
  const place = { tenantId: tenant, organizationId: null }
  return row && { place, name: `key request ${row.id}`, value: show(row), row }
}

async function findOwn(params: InTenant & { readonly organization: string }, from: From) {
  const found = await findOrganization(params, from)
  const asked = found && (await findAsked(params, from))
  return asked && asked.row.organizationId === params.organization ? { ...asked, place: found.place } : null
}

async function ask(
  tx: WriteTransaction,
  { actor }: Caller,
  place: { readonly tenant: string; readonly organization: string },
  { app_name: appName, purpose }: Static<typeof NewKeyRequest>,
  { effects }: OperationDeps,
) {
  await checkKeyRequestCount(tx, place.tenant, place.organization)
  const id = newId('req', effects.random)
  const request = { id, organizationId: place.organization, appName, purpose, askedBy: actor }
  await addKeyRequest(tx, place.tenant, request)
  const row = await findKeyRequest(tx, place.tenant, id)
  if (row === null) throw new Error(`Key request ${id} was saved and is gone.`)
  return show(row)
}

async function decide(tx: WriteTransaction, tenantId: string, id: string, decision: Decision) {
  const row = await decideKeyRequest(tx, tenantId, id, decision)
  if (row === null) refuseDecided()
  return row
}

function refuseDecided(): never {
  refuseWith('conflict', { detail: 'Somebody has decided it already; read it again.' })
}

/** Who decides gives an app no more than who makes one. */
async function checkGiven(
  tx: WriteTransaction,
  caller: Caller,
  { id: tenantId, plans = [] }: TenantEntry,
  organizationId: string,
  after: AppSettings,
): Promise<void> {
  const owner = await selectOrganization(tx, tenantId, organizationId)
  const plan = plans.find(({ id }) => id === owner?.planId) ?? null
  checkAppPrivileges(caller, { place: { tenantId, organizationId }, before: {}, after, plan })
}

/** The decision comes first, so that of several only the one who wins makes an app. */
async function approve(
  tx: WriteTransaction,
  caller: Caller,
  { tenant: tenantId, key_request: requestId }: InTenant,
  { id, name, answer, ...settings }: Static<typeof Approval>,
  { effects }: OperationDeps,
) {
  const entry = await tenantEntry(tx, tenantId)
  if (entry === null) refuseWith('not_found')
  const clientId = newClientId(entry, effects.random)
  const decision = { state: 'approved' as const, decidedBy: caller.actor, answer: answer ?? null, clientId }
  const row = await decide(tx, tenantId, requestId, decision)
  await checkFreeAppId(tx, entry, id)
  const { organizationId } = row
  await checkGiven(tx, caller, entry, organizationId, pickSettings(AppSettings, settings))
  const app = { ...settings, name: name ?? row.appName }
  const made = await saveCheckedApp(tx, entry, { clientId, id, organizationId }, app, null)
  const body = show(row)
  return { body, after: { ...body, app: made } }
}

const example = { app_name: 'Billing sync', purpose: 'Books every invoice in our ledger each night.' }
const shown = {
  ...{ id: 'req_5f0c2b7e9a1d4c3b8e6f7a90', organization: 'globex', state: 'asked', ...example },
  ...{ asked_by: 'app 9d1c', decided_by: null, decided_at: null, answer: null, client_id: null },
  created_at: 1_800_000_000,
}
const decided = { decided_by: 'app 77aa', decided_at: 1_800_000_600 }
const approval = { id: 'billing-sync', scopes: { rest: ['invoices/read'] }, answer: 'Welcome.' }

export const keyRequestOperations = [
  list({
    id: 'listKeyRequests',
    command: 'key-requests list',
    path: '/tenants/{tenant}/key-requests',
    about: 'What the organizations of a tenant have asked for; who has waited longest comes first.',
    permission: 'read_apps',
    query: Type.Object({
      state: Type.Optional(Type.Enum(states, { description: `one of ${states.join(', ')}` })),
      organization: Type.Optional(Type.String({ description: 'only those of this organization' })),
    }),
    output: KeyRequestShape,
    example: { answer: shown },
    find: findTenant,
    run: async ({ params: { tenant }, query: { state, organization } }, page, from) => {
      const query = { limit: page.limit, after: afterByTime(page), state, organizationId: organization }
      return (await listKeyRequests(from, tenant, query)).map(show)
    },
    keyOf: keyByTime,
  }),
  read({
    id: 'readKeyRequest',
    command: 'key-requests show',
    path: '/tenants/{tenant}/key-requests/{key_request}',
    about: 'One request for keys, and what became of it.',
    permission: 'read_apps',
    output: KeyRequestShape,
    example: { answer: shown },
    find: findAsked,
    run: async ({ target }) => target.value,
  }),
  write({
    id: 'approveKeyRequest',
    command: 'key-requests approve',
    method: 'POST',
    status: 200,
    path: '/tenants/{tenant}/key-requests/{key_request}/approve',
    about: 'Say yes: this makes the app in the organization, which then makes its own credentials.',
    permission: 'decide_key_requests',
    body: Approval,
    output: KeyRequestShape,
    problems: ['conflict'],
    example: {
      body: approval,
      answer: { ...shown, ...decided, state: 'approved', answer: 'Welcome.', client_id: '5f0c2b7e' },
    },
    find: findAsked,
    run: ({ params, body, caller }, tx, deps) => approve(tx, caller, params, body, deps),
  }),
  write({
    id: 'refuseKeyRequest',
    command: 'key-requests refuse',
    method: 'POST',
    status: 200,
    path: '/tenants/{tenant}/key-requests/{key_request}/refuse',
    about: 'Say no, and why.',
    permission: 'decide_key_requests',
    body: Refusal,
    output: KeyRequestShape,
    problems: ['conflict'],
    example: {
      body: { answer: 'Ask again with a contract.' },
      answer: { ...shown, ...decided, state: 'refused', answer: 'Ask again with a contract.' },
    },
    find: findAsked,
    async run({ params: { tenant, key_request: id }, body: { answer }, caller: { actor } }, tx) {
      const decision = { state: 'refused' as const, decidedBy: actor, answer, clientId: null }
      return { body: show(await decide(tx, tenant, id, decision)) }
    },
  }),
  list({
    id: 'listKeyRequestsOfOrganization',
    command: 'organizations key-requests',
    path: '/tenants/{tenant}/organizations/{organization}/key-requests',
    about: 'What an organization has asked for.',
    permission: 'read_apps',
    output: KeyRequestShape,
    example: { answer: shown },
    find: findOrganization,
    run: async ({ params: { tenant, organization: organizationId } }, page, from) => {
      const query = { limit: page.limit, after: afterByTime(page), organizationId }
      return (await listKeyRequests(from, tenant, query)).map(show)
    },
    keyOf: keyByTime,
  }),
  read({
    id: 'readKeyRequestOfOrganization',
    command: 'organizations key-request',
    path: '/tenants/{tenant}/organizations/{organization}/key-requests/{key_request}',
    about: 'One request of an organization, with the answer.',
    permission: 'read_apps',
    output: KeyRequestShape,
    example: { answer: shown },
    find: findOwn,
    run: async ({ target }) => target.value,
  }),
  write({
    id: 'createKeyRequest',
    command: 'key-requests create',
    method: 'POST',
    status: 201,
    path: '/tenants/{tenant}/organizations/{organization}/key-requests',
    about: 'Ask the provider for keys: what the program is called, and what it is for.',
    permission: 'request_keys',
    body: NewKeyRequest,
    output: KeyRequestShape,
    problems: ['conflict'],
    example: { body: example, answer: shown },
    find: findOrganization,
    async run({ params, body, caller }, tx, deps) {
      const made = await ask(tx, caller, params, body, deps)
      const root = `/tenants/${params.tenant}/organizations/${params.organization}`
      return { body: made, location: `${root}/key-requests/${made.id}`, name: `key request ${made.id}` }
    },
  }),
  write({
    id: 'removeKeyRequest',
    command: 'key-requests remove',
    method: 'DELETE',
    status: 204,
    path: '/tenants/{tenant}/organizations/{organization}/key-requests/{key_request}',
    about: 'Take a request back that nobody has decided yet; decided ones stay.',
    permission: 'request_keys',
    output: null,
    problems: ['conflict'],
    example: { answer: null },
    find: findOwn,
    async run({ params: { tenant, key_request: id } }, tx) {
      if (!(await removeKeyRequest(tx, tenant, id))) refuseDecided()
      return { body: null, after: null }
    },
  }),
]
