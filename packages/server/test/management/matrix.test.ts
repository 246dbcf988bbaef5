// Issue 5, 2; trust F19: every operation × every role × every place, own and foreign, against what the table says.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wholeServer } from '../../src/management/authorize.ts'
import type { Operation } from '../../src/management/operation.ts'
import { operations } from '../../src/management/operations.ts'
import {
  type BuiltInRole,
  builtInRoles,
  type Permission,
  permissions,
} from '../../src/management/permissions.ts'
import type { MembershipPlace } from '../../src/store/memberships.ts'
import { forEachStore, type TestServer } from '../harness.ts'
import { everyThing } from './every-thing.ts'
import {
  type Answer,
  callApi,
  type Manager,
  manager,
  organizationPlace,
  startManaged,
  tenantPlace,
} from './managed.ts'

const roles = Object.keys(builtInRoles) as BuiltInRole[]

const places = {
  server: wholeServer,
  'its tenant': tenantPlace('acme'),
  'its organization': organizationPlace('acme', 'customer'),
  'another organization of its tenant': organizationPlace('acme', 'globex'),
  'another tenant': tenantPlace('umbrella'),
  'an organization of another tenant': organizationPlace('umbrella', 'customer'),
} as const satisfies Record<string, MembershipPlace>
type PlaceName = keyof typeof places

/** Where the things of an operation lie, as its path says. */
function reachOf({ path }: Operation): 'server' | 'tenant' | 'organization' {
  if (!path.includes('{tenant}')) return 'server'
  return /\{(?:organization|app)\}/.test(path) ? 'organization' : 'tenant'
}

/** Which members know that there is anything there at all. */
const whoSees: Readonly<Record<ReturnType<typeof reachOf>, readonly PlaceName[]>> = {
  server: ['server'],
  tenant: ['server', 'its tenant'],
  organization: ['server', 'its tenant', 'its organization'],
}
const ofTheTenant: readonly PlaceName[] = ['its organization', 'another organization of its tenant']

/** A role brings what can be given at a place, whatever else it holds. */
function isGivenAt(permission: Permission, place: PlaceName): boolean {
  const { reach } = permissions[permission]
  if (place === 'server') return true
  return places[place].organizationId === null ? reach !== 'server' : reach === 'organization'
}

function expected(operation: Operation, role: BuiltInRole, place: PlaceName): 'allowed' | 403 | 404 {
  const { permission, isShared } = operation
  if (permission === null) return 'allowed'
  const sees = [...whoSees[reachOf(operation)], ...(isShared ? ofTheTenant : [])]
  if (!sees.includes(place)) return 404
  const held: readonly string[] = builtInRoles[role].permissions
  return held.includes(permission) && isGivenAt(permission, place) ? 'allowed' : 403
}

/**
 * Nothing is done: a body that cannot be read is refused only after the caller has been let in, and nobody learns of it
 * before.
 */
function knock(
  { method, path }: Operation,
  params: Readonly<Record<string, string>>,
  caller: Manager,
): Promise<Answer> {
  const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value =
      (path.includes('{organization}') ? params[`organization ${name}`] : undefined) ?? params[name]
    assert.ok(value !== undefined, `every-thing.ts has no ${name}`)
    return encodeURIComponent(value)
  })
  const unreadable = { body: 'unreadable', headers: { 'content-type': 'text/plain' } }
  return caller.call(method, url, method === 'GET' ? {} : unreadable)
}

const outcomeOf = ({ status }: Answer): 'allowed' | number =>
  [200, 400, 415].includes(status) ? 'allowed' : status

async function managers(
  server: TestServer,
): Promise<readonly (readonly [BuiltInRole, PlaceName, Manager])[]> {
  const made: (readonly [BuiltInRole, PlaceName, Manager])[] = []
  for (const role of roles) {
    for (const [name, place] of Object.entries(places))
      made.push([role, name as PlaceName, await manager(server, [role], place)])
  }
  return made
}

forEachStore((_engine, suite) => {
  test('trust F19, 159: every operation × every role × own and foreign places answers as the table says', async (t) => {
    const server = await startManaged(t, suite)
    const params = await everyThing(server)
    for (const [role, place, caller] of await managers(server)) {
      for (const operation of operations) {
        const answer = await knock(operation, params, caller)
        const who = `${role} of ${place}: ${operation.id}`
        assert.equal(outcomeOf(answer), expected(operation, role, place), `${who} ${answer.text}`)
      }
    }
  })

  test('trust 157: whatever the roles, a token without the scope of an operation is refused it by name', async (t) => {
    const server = await startManaged(t, suite)
    const params = await everyThing(server)
    const weak = await manager(server, ['operator'], wholeServer, 'read_audit')
    for (const operation of operations) {
      const { permission, id } = operation
      if (permission === null || permission === 'read_audit') continue
      const answer = await knock(operation, params, weak)
      assert.equal(answer.status, 403, id)
      assert.equal(answer.json.code, 'insufficient_scope', id)
      assert.match(answer.headers['WWW-Authenticate'] ?? '', /error="insufficient_scope"/)
      assert.match(answer.headers['WWW-Authenticate'] ?? '', new RegExp(`scope="${permission}"`))
    }
  })

  test('trust 159: what another tenant has is answered as what nobody has, to the byte but for the request id', async (t) => {
    const server = await startManaged(t, suite)
    const params = await everyThing(server)
    const stranger = await manager(server, ['tenant_admin'], places['another tenant'])
    for (const operation of operations.filter(({ path }) => path.includes('{tenant}'))) {
      const real = await knock(operation, params, stranger)
      const unknown = Object.fromEntries(Object.keys(params).map((name) => [name, 'nobody-has-this']))
      const none = await knock(operation, unknown, stranger)
      const without = ({ text, json }: Answer) => text.replace(json.request_id, '')
      assert.equal(real.status, 404, operation.id)
      assert.equal(without(real), without(none), operation.id)
    }
  })

  test('trust 156: without a token, or with one that is none, every operation is refused before anything else', async (t) => {
    const server = await startManaged(t, suite)
    for (const { method, path, id } of operations) {
      const none = await callApi(server, null, method, path)
      assert.equal(none.status, 401, id)
      assert.match(none.headers['WWW-Authenticate'] ?? '', /^Bearer realm="sallyport management", DPoP /)
      const garbage = await callApi(server, 'garbage', method, path)
      assert.equal(garbage.status, 401, id)
      assert.match(garbage.headers['WWW-Authenticate'] ?? '', /error="invalid_token"/)
    }
  })

  test('trust F20: who knocks at a border is in the audit chain of the tenant behind it', async (t) => {
    const server = await startManaged(t, suite)
    const stranger = await manager(server, ['tenant_admin'], places['another tenant'])
    const refused = await stranger.call('GET', '/tenants/acme')
    const operator = await manager(server)
    const { json } = await operator.call('GET', '/tenants/acme/audit-records')
    const byStranger = (one: { actor: string }) => one.actor === `app ${stranger.clientId}`
    const [{ action, outcome, request_id }] = json.items.filter(byStranger)
    assert.deepEqual([action, outcome, request_id], ['readTenant', 'refused', refused.json.request_id])
  })
})

test('issue 5, 2: a permission that a role of organizations brings can be held in one', () => {
  for (const role of ['organization_admin', 'developer', 'api_credentials_manager'] as const) {
    for (const name of builtInRoles[role].permissions) assert.equal(permissions[name].reach, 'organization')
  }
})

test('issue 5, 1: operations have names, commands and paths of their own', () => {
  for (const name of ['id', 'command'] as const) {
    const names = operations.map((operation) => operation[name])
    assert.equal(new Set(names).size, names.length, name)
  }
  const routes = operations.map(({ method, path }) => `${method} ${path.replaceAll(/\{\w+\}/g, '{}')}`)
  assert.equal(new Set(routes).size, routes.length)
})
