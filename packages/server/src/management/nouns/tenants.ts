/** Tenants: made and removed by operators, set by their own admins. */

import { isDeepStrictEqual } from 'node:util'
import { type Static, Type } from 'typebox'
import { authoritiesFault, readAuthorityText } from '../../blueprint/certificates.ts'
import { pickSettings, TenantEntry } from '../../blueprint/schema.ts'
import { blueprintWords } from '../../blueprint/words.ts'
import type { WriteTransaction } from '../../store/database.ts'
import {
  addTenant,
  listTenants,
  type NewTenant as NewTenantRow,
  removeTenant,
  replaceHosts,
  saveTenant,
  selectHostHolders,
  selectTenant,
  selectTenantParts,
  type TenantRow,
} from '../../store/tenants.ts'
import { TenantSettings } from '../../tenants/settings.ts'
import { requirePermission, systemTenantId } from '../authorize.ts'
import type { Caller } from '../caller.ts'
import { checkPair } from '../check-pair.ts'
import { checkDeclared, tenantEntryWithApps } from '../declared.ts'
import { explained } from '../explained.ts'
import { type From, list, read, serverPlace, type Target, write } from '../operation.ts'
import { refuseWith } from '../problem.ts'
import { checkReachable, findGood, type UrlsInBody, urlsOfIssuer } from '../reachable.ts'
import { closed, managed } from '../shapes.ts'

const { id, name, environment, hosts } = TenantEntry.properties
const words = {
  ...blueprintWords.tenant,
  disabled: [
    'Whether it is switched off: it then answers nobody, and its tokens are dead at once',
    '`false`',
  ],
} as const
const settable = explained(
  { name, hosts, ...TenantSettings.properties, disabled: Type.Optional(Type.Boolean()) },
  words,
)
const fixed = explained({ id, environment }, words)

const NewTenant = Type.Object({ ...fixed, ...settable }, closed)
// Its environment stays: its secrets say which it is.
const ChangedTenant = Type.Object(settable, closed)
const TenantShape = Type.Object({
  ...{ ...fixed, ...settable, disabled: Type.Boolean() },
  ...managed,
})

async function show({ kysely }: From, row: TenantRow): Promise<object> {
  const parts = await selectTenantParts(kysely, row.id)
  return {
    ...{ id: row.id, name: row.name, environment: row.environment, hosts: parts.hosts },
    ...(row.settings as object),
    disabled: row.disabledAt !== null,
    ...{ blueprint: row.blueprint, created_at: row.createdAt, updated_at: row.updatedAt },
  }
}

/** The tenant that a path names, as the place of what lies in it. */
export async function findTenant(
  { tenant }: { readonly tenant: string },
  from: From,
): Promise<Target | null> {
  const row = await selectTenant(from.kysely, tenant)
  return row === null ? null : { place: { tenantId: row.id, organizationId: null }, name: `tenant ${row.id}` }
}

const findWhole = async ({ tenant }: { readonly tenant: string }, from: From) => {
  const row = await selectTenant(from.kysely, tenant)
  if (row === null) return null
  const place = { tenantId: row.id, organizationId: null }
  return { place, name: `tenant ${row.id}`, value: await show(from, row), row }
}

const server = async (): Promise<Target> => ({ place: serverPlace, name: 'server' })

/** The row as a body says it; `before` is what stays where the body says nothing. */
const rowOf = (
  { now }: WriteTransaction,
  body: Static<typeof ChangedTenant>,
  environment: TenantRow['environment'],
  before: TenantRow | null,
): NewTenantRow => ({
  ...{ name: body.name, environment },
  settings: pickSettings(TenantSettings, body),
  disabledAt: body.disabled === true ? (before?.disabledAt ?? now) : null,
  blueprint: before?.blueprint ?? null,
})

/** Beside its row. */
async function saveRest(
  tx: WriteTransaction,
  tenantId: string,
  body: Static<typeof ChangedTenant>,
): Promise<object> {
  const { hosts = [] } = body
  await checkFreeHosts(tx, tenantId, hosts)
  await replaceHosts(tx, tenantId, hosts)
  const row = await selectTenant(tx.kysely, tenantId)
  if (row === null) throw new Error(`Tenant ${tenantId} was saved and is gone.`)
  return show(tx, row)
}

/** Throws `conflict` for a host of another tenant. */
async function checkFreeHosts(
  tx: WriteTransaction,
  tenantId: string,
  hosts: readonly string[],
): Promise<void> {
  const holders = await selectHostHolders(tx.kysely, hosts)
  for (const [host, holder] of holders)
    if (holder !== tenantId)
      refuseWith('conflict', { detail: `The host ${host} belongs to tenant ${holder}.` })
}

/** Where a tenant is reached, whose name its tokens bear, and whether it is switched off, the server's operators say. */
function checkTenantPrivileges(
  caller: Caller,
  row: TenantRow,
  before: Static<typeof ChangedTenant>,
  after: Static<typeof ChangedTenant>,
): void {
  const isMoved = !isDeepStrictEqual(before.hosts ?? [], after.hosts ?? [])
  const isNamed = before.token_issuer !== after.token_issuer
  const isBack = row.disabledAt !== null && after.disabled !== true
  if (isMoved || isNamed || isBack) requirePermission(caller, 'create_tenants', serverPlace)
  if (row.id !== systemTenantId) return
  const odd = Object.keys(after).find((name) => !ofSystem.has(name) && (name !== 'hosts' || isMoved))
  if (odd !== undefined)
    refuseWith('conflict', {
      detail: `With ${odd} of its own the system tenant could let nobody in any more.`,
    })
}

/** What may be set on the tenant that everybody manages by. */
const ofSystem: ReadonlySet<string> = new Set([
  ...['name', 'disabled', 'access_token_seconds', 'key_rotation_days', 'signing_algorithm'],
  'secret_expiry_warning_days',
])

function urlsOfIssuers({ trusted_issuers: issuers = [] }: Static<typeof ChangedTenant>): UrlsInBody {
  const urls = issuers.map((one, index) => urlsOfIssuer(one, `/trusted_issuers/${index}`))
  return Object.assign({}, ...urls) as UrlsInBody
}

function checkAuthorities({ certificate_authorities: certificates }: Static<typeof ChangedTenant>): void {
  if (certificates === undefined) return
  const unread = certificates.map(readAuthorityText).find((read) => 'found' in read)
  const fault = unread !== undefined && 'found' in unread ? unread : authoritiesFault(certificates)
  if (fault) refuseWith('invalid_body', { misfits: [{ pointer: '/certificate_authorities', ...fault }] })
}

const example = {
  id: 'acme',
  name: 'Acme',
  environment: 'live' as const,
  access_token_seconds: 600,
  hosts: ['auth.acme.example'],
}
const shown = {
  ...example,
  disabled: false,
  blueprint: null,
  created_at: 1_800_000_000,
  updated_at: 1_800_000_000,
}

export const tenantOperations = [
  list({
    id: 'listTenants',
    command: 'tenants list',
    path: '/tenants',
    about: 'Every tenant of the server.',
    permission: 'create_tenants',
    output: TenantShape,
    example: { answer: shown },
    find: server,
    run: async (_call, page, from) =>
      Promise.all((await listTenants(from, page)).map((row) => show(from, row))),
    keyOf: (item) => (item as { readonly id: string }).id,
  }),
  read({
    id: 'readTenant',
    command: 'tenants show',
    path: '/tenants/{tenant}',
    about: 'A tenant and how it is set.',
    permission: 'read_tenants',
    output: TenantShape,
    example: { answer: shown },
    find: findWhole,
    run: async ({ target }) => target.value,
  }),
  write({
    id: 'createTenant',
    command: 'tenants create',
    method: 'POST',
    status: 201,
    path: '/tenants',
    about: 'Make a tenant, with a signing key of its own.',
    permission: 'create_tenants',
    body: NewTenant,
    output: TenantShape,
    problems: ['conflict'],
    example: { body: example, answer: shown },
    find: server,
    prepare: ({ body }, _from, deps) => findGood(urlsOfIssuers(body), deps),
    async run({ body, caller, prepared }, tx) {
      checkReachable(urlsOfIssuers(body), prepared)
      await checkPair(tx, caller, body, undefined)
      checkAuthorities(body)
      checkDeclared(body, [])
      // Nobody can lock what is not there: of two who make one at once the second is told here.
      if (!(await addTenant(tx, body.id, rowOf(tx, body, body.environment, null))))
        refuseWith('conflict', { detail: `There is a tenant ${body.id}.` })
      const made = await saveRest(tx, body.id, body)
      return { body: made, location: `/tenants/${body.id}`, name: `tenant ${body.id}`, tenantId: body.id }
    },
  }),
  write({
    id: 'updateTenant',
    command: 'tenants update',
    method: 'PATCH',
    status: 200,
    path: '/tenants/{tenant}',
    about: 'Change how a tenant is set; disabled, its tokens are dead at once.',
    permission: 'manage_tenants',
    body: ChangedTenant,
    output: TenantShape,
    problems: ['conflict'],
    example: { body: { access_token_seconds: 300 }, answer: { ...shown, access_token_seconds: 300 } },
    find: findWhole,
    prepare: ({ body, target: { value } }, _from, deps) =>
      findGood(urlsOfIssuers(body), deps, urlsOfIssuers(value as Static<typeof ChangedTenant>)),
    async run({ body, target: { row, value }, caller, prepared }, tx) {
      const before = value as Static<typeof ChangedTenant>
      checkReachable(urlsOfIssuers(body), prepared)
      checkTenantPrivileges(caller, row, before, body)
      await checkPair(tx, caller, { ...body, environment: row.environment }, before.pair)
      const apps = (body.trusted_issuers ?? []).flatMap((one) => one.apps)
      const entry = await tenantEntryWithApps(tx, row.id, apps)
      if (entry === null) refuseWith('not_found')
      if (row.id === systemTenantId && body.disabled === true)
        refuseWith('conflict', {
          detail: 'Disabled, the system tenant would let nobody in to enable it again.',
        })
      const { apis = [], plans = [], organizations = [] } = entry
      checkAuthorities(body)
      // The id stands, and that of the system tenant is one that nobody else may take.
      const { environment } = row
      checkDeclared({ ...body, environment, id: 'checked', apis, plans, organizations }, [])
      await saveTenant(tx, row.id, rowOf(tx, body, environment, row))
      return { body: await saveRest(tx, row.id, body) }
    },
  }),
  write({
    id: 'removeTenant',
    command: 'tenants remove',
    method: 'DELETE',
    status: 204,
    path: '/tenants/{tenant}',
    about: 'Remove a tenant with everything it owns; its tokens are dead at once.',
    permission: 'create_tenants',
    output: null,
    problems: ['conflict'],
    example: { answer: null },
    find: findWhole,
    async run({ params: { tenant } }, tx) {
      if (tenant === systemTenantId)
        refuseWith('conflict', {
          detail: 'Without the system tenant nobody could manage this server any more.',
        })
      await removeTenant(tx, tenant)
      return { body: null, after: null }
    },
  }),
]
