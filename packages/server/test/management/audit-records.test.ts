// Issue 5, 3: the audit records of a tenant and of the server, asked for by who, what, which and when.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { operations } from '../../src/management/operations.ts'
import { pathTarget } from '../../src/management/path-target.ts'
import { forEachStore, oneStore } from '../harness.ts'
import { everyThing } from './every-thing.ts'
import { assertProblem, type Manager, manager, startManaged, tenantPlace } from './managed.ts'

const acme = '/tenants/acme'

interface Shown {
  readonly actor: string
  readonly action: string
  readonly target: string
  readonly happened_at: number
}

async function recordsOf(caller: Manager, query: string, path = acme): Promise<readonly Shown[]> {
  const answer = await caller.call('GET', `${path}/audit-records?${query}`)
  assert.equal(answer.status, 200, answer.text)
  return answer.json.items
}

const organization = (id: string) => ({ body: { id, name: id } })

forEachStore((_engine, suite) => {
  test('issue 5, 3: records are found by actor, target, action and time, alone and together', async (t) => {
    const server = await startManaged(t, suite)
    const [first, second] = [await manager(server), await manager(server)]
    await server.advance(100)
    const early = server.clock()
    await first.call('POST', `${acme}/organizations`, organization('one'))
    await second.call('POST', `${acme}/organizations`, organization('two'))
    await server.advance(100)
    const late = server.clock()
    await first.call('DELETE', `${acme}/organizations/one`)
    const found = async (query: string, path?: string) =>
      (await recordsOf(first, query, path))
        // Where a moment has passed, the server may have made itself a key.
        .filter(({ actor }) => actor !== 'server')
        .map(({ action, target }) => `${action} ${target}`)
    const actor = encodeURIComponent(`app ${first.clientId}`)
    const made = ['createOrganization organization two', 'createOrganization organization one']
    const removed = 'removeOrganization organization one'
    assert.deepEqual(await found(`actor=${actor}`), [removed, made[1]])
    assert.deepEqual(await found('target=organization%20one'), [removed, made[1]])
    assert.deepEqual(await found('action=createOrganization'), made)
    assert.deepEqual(await found(`since=${late}`), [removed])
    assert.deepEqual(await found(`since=${early}&until=${late}`), made)
    assert.deepEqual(await found(`until=${late}&actor=${actor}`), [made[1]])
    assert.deepEqual(await found(`since=${late + 1}`), [])
    assert.deepEqual(await found(`until=${early}&action=createOrganization`), [])
    assert.deepEqual(await found('target=organization%20one', ''), [removed, made[1]])
    assertProblem(await first.call('GET', `${acme}/audit-records?since=yesterday`), 400, 'invalid_query')
  })

  test('issue 5, 3: a filter shows nobody more: neither another tenant, nor an earlier one of the name', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const auditor = await manager(server, ['auditor'], tenantPlace('acme'))
    await operator.call('POST', '/tenants/umbrella/organizations', organization('hidden'))
    assert.deepEqual(await recordsOf(auditor, 'target=organization%20hidden'), [])
    assert.deepEqual(await recordsOf(auditor, 'since=0&action=createOrganization'), [])
    await operator.call('POST', `${acme}/organizations`, organization('past'))
    await server.advance(10)
    assert.equal((await operator.call('DELETE', acme)).status, 204)
    const body = { id: 'acme', name: 'Acme', environment: 'test' }
    assert.equal((await operator.call('POST', '/tenants', { body })).status, 201)
    assert.deepEqual(await recordsOf(operator, 'since=0&target=organization%20past'), [])
  })

  test('issue 5, 3: what was done in a tenant that is gone is found by its id among those of the whole server', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    await operator.call('DELETE', acme)
    assertProblem(await operator.call('GET', `${acme}/audit-records`), 404, 'not_found')
    const answer = await operator.call('GET', '/audit-records?tenant=acme')
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.json.items[0]?.action, 'removeTenant')
    assert.ok(answer.json.items.every(({ tenant }: { tenant: string }) => tenant === 'acme'))
    const admin = await manager(server, ['tenant_admin'], tenantPlace('umbrella'))
    assertProblem(await admin.call('GET', '/audit-records?tenant=umbrella'), 404, 'not_found')
  })

  test('issue 5, 3: a page of filtered records goes on where it ended', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    for (const id of ['one', 'two', 'three'])
      await operator.call('POST', `${acme}/organizations`, organization(id))
    const query = `action=createOrganization&since=${server.clock()}&limit=2`
    const { json } = await operator.call('GET', `${acme}/audit-records?${query}`)
    const rest = await recordsOf(operator, `${query}&cursor=${json.next_cursor}`)
    assert.deepEqual(
      [...json.items, ...rest].map(({ target }) => target),
      ['organization three', 'organization two', 'organization one'],
    )
  })
})

/** What these do is told of the whole, and of the issuer by its name; the path has the tenant, and an id. */
const namedOtherwise: ReadonlySet<string> = new Set([
  ...['rotateSigningKeys', 'readTrustedIssuer', 'updateTrustedIssuer', 'removeTrustedIssuer'],
  'readMe',
])

test('trust F20: what was refused is named as what was done: a noun and its id', async (t) => {
  const server = await startManaged(t, oneStore)
  const params = await everyThing(server)
  for (const { id, path, find } of operations) {
    if (namedOtherwise.has(id)) continue
    const isInside = path.includes('{organization}')
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => [
      name,
      (isInside ? params[`organization ${name}`] : undefined) ?? params[name] ?? '',
    ])
    const asked = Object.fromEntries(named)
    assert.equal(pathTarget(asked), (await find(asked, server.db))?.name, id)
  }
  const [clientId] = server.credential('acme', 'sync')
  const stranger = await manager(server, ['tenant_admin'], tenantPlace('umbrella'))
  await stranger.call('DELETE', `${acme}/apps/${clientId}/credentials/main`)
  const [record] = await recordsOf(await manager(server), `actor=app%20${stranger.clientId}`)
  assert.equal(record?.target, `credential ${clientId} main`)
})
