/** Which endpoints a token opens, as `inspect` tells it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspectToken } from '../../src/inspect/inspect-token.ts'
import { removeApi } from '../../src/store/apis.ts'
import { oneStore, startTestServer, type TestServer } from '../harness.ts'
import { app, blueprint, organization, restApi, tenant } from '../oauth/sample.ts'

const endpoints = [
  { method: 'GET', path: '/orders/{order}', scope: 'orders:read' },
  { method: 'POST', path: '/orders', scope: 'orders:write' },
  { method: 'GET', path: '/storage/disks', scope: 'storage:disk:read' },
  { method: 'PUT', path: '/storage', scope: 'storage' },
]
const scopes = Object.fromEntries(
  [...endpoints.map(({ scope }) => scope), 'storage:*'].map((scope) => [scope, scope]),
)
const api = { ...restApi, scopes, endpoints }
const granted = { scopes: { rest: ['orders:read', 'storage:*'] } }
/** Tokens that do not say which API they are for, and list their scopes. */
const silent = { token: { claims: { sub: '${client_id}', iat: '${iat}', exp: '${exp}', can: '${scopes}' } } }

const reportOf = async (server: TestServer, tenantId: string, now = server.clock()) => {
  const reply = await server.token(tenantId, { basic: server.credential(tenantId, 'sync') })
  assert.equal(reply.status, 200, reply.text)
  const token: string = reply.json.access_token
  const again = () => inspectToken(token, { db: server.db, sealer: server.store.sealer, now })
  return { report: await again(), again }
}

const opened = (report: Awaited<ReturnType<typeof inspectToken>>) =>
  report.endpoints.map(({ method, path, isOpen }) => `${isOpen ? '+' : '-'} ${method} ${path}`)

const verdicts = ['+ GET /orders/{order}', '- POST /orders', '+ GET /storage/disks', '- PUT /storage']

test('issue 5, 003-02: each endpoint of the API is opened by a scope of the token or by its wildcard, or lacks one', async (t) => {
  const text = blueprint(tenant('acme', [app('sync', granted)], { apis: [api] }))
  const { report, again } = await reportOf(await startTestServer(t, oneStore, text), 'acme')
  assert.deepEqual([report.apiId, report.kind, opened(report)], ['rest', 'access_token', verdicts])
  assert.deepEqual(report.endpoints[1], {
    ...{ apiId: 'rest', method: 'POST', path: '/orders', scope: 'orders:write', isOpen: false },
  })
  assert.deepEqual((await again()).scopes, ['orders:read', 'storage:*'])
})

test('issue 5: of a scope that the app is granted and its plan bars the plan is named', async (t) => {
  const plans = [{ id: 'free', price: 'free', scopes: { rest: ['orders:read'] } }]
  const buyer = app('sync', { scopes: { rest: ['orders:write'] } })
  const organizations = [organization('customer', [buyer], { plan: 'free' })]
  const text = blueprint(tenant('acme', [], { apis: [api], plans, organizations }))
  const { report } = await reportOf(await startTestServer(t, oneStore, text), 'acme')
  assert.deepEqual(
    report.endpoints.map(({ scope, outsidePlan }) => [scope, outsidePlan]),
    [
      ['orders:read', undefined],
      ['orders:write', 'free'],
      ['storage:disk:read', undefined],
      ['storage', undefined],
    ],
  )
})

test('issue 5: a token that names no API, in a dialect that lists its scopes, is held against every API', async (t) => {
  const text = blueprint(tenant('acme', [app('sync', granted)], { apis: [api], dialect: silent }))
  const { report } = await reportOf(await startTestServer(t, oneStore, text), 'acme')
  assert.deepEqual([report.apiId, opened(report)], [null, verdicts])
})

test('issue 5: a token for an API that is gone is not good, as it is for introspection, and opens nothing', async (t) => {
  const text = blueprint(tenant('acme', [app('sync', granted)], { apis: [api] }))
  const server = await startTestServer(t, oneStore, text)
  const { again } = await reportOf(server, 'acme')
  await server.db.write((tx) => removeApi(tx, 'acme', 'rest'))
  const report = await again()
  assert.deepEqual(
    [report.problems, report.endpoints, report.app?.id],
    [['The API that it was for no longer exists.'], [], 'sync'],
  )
})
