/** Registration tokens (RFC 7591 §1.2): with one, programs register themselves as apps of an organization. Shown once. */

import { formatRegistrationToken } from '@sallyport/protocol'
import { type Static, Type } from 'typebox'
import { digestOfRegistrationToken } from '../../apps/registration.ts'
import type { WriteTransaction } from '../../store/database.ts'
import {
  addRegistrationToken,
  findRegistrationToken,
  listRegistrationTokens,
  type RegistrationTokenRecord,
  removeRegistrationToken,
} from '../../store/registration-tokens.ts'
import { checkAppPrivileges } from '../app-privileges.ts'
import { permissionsAt, requirePermission, systemTenantId } from '../authorize.ts'
import { checkRegistrationTokenCount } from '../bounds.ts'
import { afterByTime, keyByTime } from '../by-time.ts'
import type { Caller } from '../caller.ts'
import { checkApp, tenantEntry } from '../declared.ts'
import { explained } from '../explained.ts'
import { newId } from '../new-id.ts'
import { type From, list, type OperationDeps, read, type Written, write } from '../operation.ts'
import { refuseWith } from '../problem.ts'
import {
  checkWithinPlan,
  type KeptTerms,
  type RegistrationTerms,
  registrationTerms,
} from '../registration-terms.ts'
import { closed, Instant, Name } from '../shapes.ts'
import { planOf } from './apps.ts'
import { findOrganization } from './organizations.ts'

const defaultSeconds = 86_400

const NewRegistrationToken = Type.Object(
  explained(
    {
      name: Name,
      registrations: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 1000, description: 'a whole number, 1 to 1000; 1 unless given' }),
      ),
      expires_in_seconds: Type.Optional(
        Type.Integer({
          minimum: 60,
          maximum: 31_536_000,
          description: 'whole seconds, 60 to 31536000 (a year); 86400 (a day) unless given',
        }),
      ),
      ...registrationTerms,
    },
    {
      name: ['What people call it'],
      registrations: ['How many apps can be registered with it'],
      expires_in_seconds: ['How long it is good'],
      client_authentication: ['How its apps may show who they are', 'all that the tenant takes'],
      scopes: ['What its apps can have at most, by API', 'nothing'],
      sender_constraint: ['What every app must bind its tokens to'],
    },
  ),
  closed,
)
const RegistrationTokenShape = Type.Object({
  ...{ id: Type.String(), organization: Type.String(), name: Name },
  ...{ registrations: Type.Integer(), registered: Type.Integer(), ...registrationTerms },
  ...{ expires_at: Instant, created_at: Instant },
  /** In the one answer that made it. */
  token: Type.Optional(Type.String()),
})

const show = (row: RegistrationTokenRecord) => {
  const { is_granted: _, ...terms } = row.terms as KeptTerms
  return {
    ...{ id: row.id, organization: row.organizationId, name: row.name },
    ...{ registrations: row.registrations, registered: row.registered, ...terms },
    ...{ expires_at: row.expiresAt, created_at: row.createdAt },
  }
}

type Found = NonNullable<Awaited<ReturnType<typeof findOrganization>>>
type InToken = { readonly tenant: string; readonly organization: string; readonly registration_token: string }

async function findToken(params: InToken, from: From) {
  const found = await findOrganization(params, from)
  const row = found && (await findRegistrationToken(from, params.tenant, params.registration_token))
  if (!row || row.organizationId !== params.organization) return null
  return { place: found.place, name: `registration token ${row.id}`, value: show(row), row }
}

/** An app with all of it must be one that could be made here. */
async function checkTerms(
  tx: WriteTransaction,
  caller: Caller,
  { place, row: organization }: Found,
  terms: RegistrationTerms,
): Promise<KeptTerms> {
  const entry = await tenantEntry(tx, place.tenantId ?? '')
  if (entry === null) refuseWith('not_found')
  const plan = planOf(entry, organization)
  const [defaultApi] = Object.keys(terms.scopes ?? {})
  checkApp(entry, {
    ...terms,
    id: 'registered',
    name: 'Registered',
    ...(defaultApi && { default_api: defaultApi }),
  })
  checkAppPrivileges(caller, { place, before: {}, after: terms, plan })
  checkWithinPlan(terms, plan)
  const granting = 'grant_app_privileges'
  const isGranted = permissionsAt(caller, place).has(granting) && caller.scopes.has(granting)
  return { ...terms, is_granted: isGranted }
}

async function create(
  tx: WriteTransaction,
  caller: Caller,
  found: Found,
  {
    name,
    registrations = 1,
    expires_in_seconds: seconds = defaultSeconds,
    ...wanted
  }: Static<typeof NewRegistrationToken>,
  { effects: { random } }: OperationDeps,
): Promise<Written> {
  const tenantId = found.place.tenantId ?? ''
  if (tenantId === systemTenantId)
    refuseWith('conflict', { detail: 'Apps that manage are made by operators, never by themselves.' })
  // What it makes has credentials too.
  requirePermission(caller, 'manage_api_credentials', found.place)
  await checkRegistrationTokenCount(tx, tenantId, found.row.id)
  const terms = await checkTerms(tx, caller, found, wanted)
  const id = newId('reg', random)
  const token = formatRegistrationToken('initial', random(32))
  const made = { id, organizationId: found.row.id, name, terms, registrations, expiresAt: tx.now + seconds }
  await addRegistrationToken(tx, tenantId, { ...made, digest: digestOfRegistrationToken(token) })
  const after = show({ ...made, registered: 0, createdAt: tx.now })
  return {
    body: { ...after, token },
    after,
    location: `/tenants/${tenantId}/organizations/${found.row.id}/registration-tokens/${id}`,
    name: `registration token ${id}`,
    isSecret: true,
  }
}

const root = '/tenants/{tenant}/organizations/{organization}/registration-tokens'
const example = { name: 'Build machines', registrations: 20, scopes: { rest: ['invoices/read'] } }
const shown = {
  ...{ id: 'reg_5f0c2b7e9a1d4c3b8e6f7a90', organization: 'globex', ...example, registered: 3 },
  ...{ expires_at: 1_800_086_400, created_at: 1_800_000_000 },
}

export const registrationTokenOperations = [
  list({
    id: 'listRegistrationTokens',
    command: 'registration-tokens list',
    path: root,
    about:
      'The tokens that programs of an organization can register apps with; used and expired ones stand there too.',
    permission: 'read_apps',
    output: RegistrationTokenShape,
    example: { answer: shown },
    find: findOrganization,
    run: async ({ params: { tenant, organization: organizationId } }, page, from) => {
      const query = { limit: page.limit, after: afterByTime(page), organizationId }
      return (await listRegistrationTokens(from, tenant, query)).map(show)
    },
    keyOf: keyByTime,
  }),
  read({
    id: 'readRegistrationToken',
    command: 'registration-tokens show',
    path: `${root}/{registration_token}`,
    about: 'One of them and how many apps it has made, never the token itself.',
    permission: 'read_apps',
    output: RegistrationTokenShape,
    example: { answer: shown },
    find: findToken,
    run: async ({ target }) => target.value,
  }),
  write({
    id: 'createRegistrationToken',
    command: 'registration-tokens create',
    method: 'POST',
    status: 201,
    path: root,
    about:
      'Let programs register themselves as apps of an organization (RFC 7591), so many and until then; the token is shown in this one answer.',
    permission: 'manage_apps',
    body: NewRegistrationToken,
    output: RegistrationTokenShape,
    problems: ['conflict', 'secret_shown_once'],
    example: { body: example, answer: { ...shown, registered: 0, token: 'sp_iat_… (shown once)' } },
    find: findOrganization,
    run: ({ target, body, caller }, tx, deps) => create(tx, caller, target, body, deps),
  }),
  write({
    id: 'removeRegistrationToken',
    command: 'registration-tokens remove',
    method: 'DELETE',
    status: 204,
    path: `${root}/{registration_token}`,
    about: 'Take a registration token back: it makes no app any more; those that it has made stay.',
    permission: 'manage_apps',
    output: null,
    example: { answer: null },
    find: findToken,
    async run({ params: { tenant }, target: { row } }, tx) {
      await removeRegistrationToken(tx, tenant, row.id)
      return { body: null, after: null }
    },
  }),
]
