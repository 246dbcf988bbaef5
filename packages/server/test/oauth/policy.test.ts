/** Where guards ask for endpoints and limits: what there is for whom, how soon, and what nobody else gets. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AppSettings } from '../../src/apps/settings.ts'
import { saveApp } from '../../src/store/apps.ts'
import { saveOrganization } from '../../src/store/organizations.ts'
import { savePlan } from '../../src/store/plans.ts'
import { forEachStore, startTestServer, startTwoServers, type TestServer } from '../harness.ts'
import { assertError, assertInvalidClient, assertUnavailable } from './answers.ts'
import { resourceServer } from './ends.ts'
import { lateFeed } from './late-feed.ts'
import { app, blueprint, organization, type Part, restApi, tenant } from './sample.ts'

const perMinute = (requests: number) => ({ requests, window_seconds: 60 })
const read = { method: 'GET', path: '/orders/{order}', scope: 'read', limit: perMinute(100) }
const write = { method: 'POST', path: '/orders', scope: 'write' }
const rest: Part = { ...restApi, endpoints: [read, write] }
const secret: Part = {
  ...{ id: 'secret', audience: 'https://secret.acme.example', scopes: { see: 'See' } },
  endpoints: [{ method: 'GET', path: '/plans', scope: 'see' }],
}
const plans = [
  { id: 'free', price: 'free', limits: [perMinute(10), { endpoint: 'POST /orders', ...perMinute(2) }] },
  {
    id: 'paid',
    price: 'paid',
    limits: [
      { api: 'secret', ...perMinute(7) },
      { api: 'rest', ...perMinute(100) },
    ],
  },
]
const organizations = [
  organization('customer', [app('sync'), app('other', { limits: [perMinute(1)] }), resourceServer], {
    plan: 'free',
  }),
  organization('globex', [app('pay')], { plan: 'paid' }),
  organization('planless', [app('bare')]),
]
const text = blueprint(
  tenant('acme', [], { apis: [rest, secret], plans, organizations }),
  tenant('umbrella', [app('sync'), resourceServer]),
)
const path = '/acme/oauth2/policy'

const ask = (server: TestServer, query = '', headers = {}) =>
  server.request({ url: path + query, basic: server.credential('acme', 'api'), headers })

const clientId = (server: TestServer, appId: string) => server.credential('acme', appId)[0]

async function limitsOf(server: TestServer, appId: string): Promise<string[]> {
  const id = clientId(server, appId)
  const { status, json, text: body } = await ask(server, `?app=${id}`)
  assert.equal(status, 200, body)
  assert.equal(json.client_id, id)
  return json.limits.map((one: Record<string, unknown>) =>
    [one.api, one.endpoint, one.requests, one.window_seconds].join(' '),
  )
}

const restLimits = (get: number, post: number) => [
  `rest GET /orders/{order} ${get} 60`,
  `rest POST /orders ${post} 60`,
]

forEachStore((_engine, suite) => {
  test('product: an API gets its own endpoints with the scope and the limit of each, and no other’s', async (t) => {
    const server = await startTestServer(t, suite, text)
    const reply = await ask(server)
    assert.equal(reply.status, 200, reply.text)
    assert.equal(reply.headers['Cache-Control'], 'no-store')
    assert.deepEqual(reply.json, {
      apis: [{ api: 'rest', audience: 'https://api.acme.example', endpoints: [read, write] }],
    })
  })

  test('003-20: of an app there is told what differs from the endpoints: its own, else its plan’s, else nothing', async (t) => {
    const server = await startTestServer(t, suite, text)
    assert.deepEqual(await limitsOf(server, 'sync'), restLimits(10, 2))
    assert.deepEqual(await limitsOf(server, 'other'), restLimits(1, 1))
    assert.deepEqual(await limitsOf(server, 'pay'), ['rest POST /orders 100 60'])
    assert.deepEqual(await limitsOf(server, 'bare'), [])
    assert.deepEqual((await ask(server, '?app=nobody')).json, { client_id: 'nobody', limits: [] })
  })

  test('product: a change of plan, subscription or app counts in the very next answer, and so does its tag', async (t) => {
    const server = await startTestServer(t, suite, text)
    const query = `?app=${clientId(server, 'sync')}`
    const { headers } = await ask(server, query)
    const known = { 'if-none-match': headers.ETag ?? '' }
    const unchanged = await ask(server, query, known)
    assert.deepEqual([unchanged.status, unchanged.text], [304, ''])

    const settings = { price: 'free' as const, limits: [perMinute(11)] }
    await server.db.write((tx) => savePlan(tx, 'acme', { id: 'free', settings, blueprint: null }))
    assert.equal((await ask(server, query, known)).status, 200)
    assert.deepEqual(await limitsOf(server, 'sync'), restLimits(11, 11))

    const customer = { id: 'customer', name: 'The customer', settings: {}, planId: 'paid' }
    await server.db.write((tx) => saveOrganization(tx, 'acme', customer))
    assert.deepEqual(await limitsOf(server, 'sync'), ['rest POST /orders 100 60'])

    const own: AppSettings = { limits: [perMinute(3)] }
    await server.db.write((tx) =>
      saveApp(tx, 'acme', {
        ...{ clientId: clientId(server, 'sync'), id: 'sync', name: 'Sync', organizationId: 'customer' },
        ...{ settings: own, disabledAt: null, blueprint: null },
      }),
    )
    assert.deepEqual(await limitsOf(server, 'sync'), restLimits(3, 3))
  })

  test('product 3: a process that has not heard of a change yet finds it before it answers', async (t) => {
    const [one, elsewhere] = await startTwoServers(t, suite, text)
    assert.deepEqual(await limitsOf(elsewhere, 'sync'), restLimits(10, 2))
    const settings = { price: 'free' as const, limits: [perMinute(11)] }
    await one.db.write((tx) => savePlan(tx, 'acme', { id: 'free', settings, blueprint: null }))
    assert.deepEqual(await limitsOf(elsewhere, 'sync'), restLimits(11, 11))
  })

  test('trust 19: endpoints and limits are for the resource servers of the tenant alone', async (t) => {
    const server = await startTestServer(t, suite, text)
    const by = (tenantId: string, appId: string, headers = {}) =>
      server.request({ url: path, basic: server.credential(tenantId, appId), headers })
    assertError(await by('acme', 'sync'), 'unauthorized_client')
    assertInvalidClient(await by('umbrella', 'api'))
    assertInvalidClient(await server.request({ url: path }))
    assertInvalidClient(await server.request({ url: path, headers: { 'if-none-match': '*' } }))
    // A client id in a URL is a credential where none must be.
    assertError(await ask(server, '?client_id=x'), 'invalid_request')
    const foreign = await ask(server, `?app=${server.credential('umbrella', 'sync')[0]}`)
    assert.deepEqual(foreign.json.limits, [])
  })

  test('trust 114: with the database gone nothing is told that guards would keep', async (t) => {
    let late = 0
    const server = await startTestServer(
      t,
      suite,
      text,
      {},
      lateFeed(() => late),
    )
    assert.equal((await ask(server)).status, 200)
    late = 10
    assertUnavailable(await ask(server))
    assertUnavailable(await ask(server, `?app=${clientId(server, 'sync')}`))
  })
})
