/** The borders between tenants and between APIs, in full: whoever asks about or ends a token that is not its own learns and ends nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../../test/property.ts'
import { removeApp, saveApp } from '../../src/store/apps.ts'
import {
  forEachStore,
  oneStore,
  startTestServer,
  type TestReply,
  type TestRequest,
  type TestServer,
} from '../harness.ts'
import { assertInvalidClient, freshAddress } from './answers.ts'
import { assertActive, assertInactive, introspect, resourceServer, tokenOf } from './ends.ts'
import { app, blueprint, restApi, tenant } from './sample.ts'

const billing = { id: 'billing', audience: 'https://billing.acme.example', scopes: { read: 'Read' } }
const apis = [restApi, billing]
// The same ids, names and audiences everywhere: only the tenant tells them apart.
const apps = [
  app('sync', { client_id: 'sync' }),
  app('other', { client_id: 'other' }),
  app('payer', { client_id: 'payer', scopes: { billing: ['read'] } }),
  { ...resourceServer, client_id: 'api' },
  app('billing-api', { client_id: 'billing-api', scopes: {}, introspects: ['billing'] }),
]
const opaqueApis = apis.map((api) => ({ ...api, token_format: 'opaque' }))
const text = blueprint(
  tenant('acme', apps, { apis }),
  tenant('neighbour', apps, { apis }),
  tenant('opaque', apps, { apis: opaqueApis }),
  tenant('opaque-neighbour', apps, { apis: opaqueApis }),
)
const tenantIds = ['acme', 'neighbour', 'opaque', 'opaque-neighbour']
const callers = ['sync', 'other', 'payer', 'api', 'billing-api']

const post = (server: TestServer, url: string, more: Omit<TestRequest, 'url'>): Promise<TestReply> =>
  server.request({ method: 'POST', url, clientAddress: freshAddress(), ...more })

forEachStore((_engine, suite) => {
  test('trust F19, F20: of every caller × tenant × token × endpoint only its own API is told, only its own client ends it', async (t) => {
    const server = await startTestServer(t, suite, text)
    const owners = [
      ['sync', 'api'],
      ['payer', 'billing-api'],
    ] as const
    for (const home of tenantIds) {
      for (const [owner, resource] of owners) {
        const token = await tokenOf(server, owner, home)
        for (const place of tenantIds) {
          for (const caller of callers) {
            const basic = server.credential(place, caller)
            const told = await post(server, `/${place}/oauth2/introspect`, { basic, body: { token } })
            const isTold = place === home && caller === resource
            const who = `${caller} of ${place} about ${owner} of ${home}`
            assert.equal(told.status, 200, who)
            assert.equal(told.json.active, isTold, who)
            if (!isTold) assertInactive(told)
            if (place === home && caller === owner) continue
            const ended = await post(server, `/${place}/oauth2/revoke`, { basic, body: { token } })
            // At home the token is known to be another's; elsewhere it is no token at all.
            assert.equal(ended.status, place === home ? 400 : 200, who)
            // A credential of one tenant is nothing at another, whatever its id.
            if (place === home) continue
            assertInvalidClient(
              await post(server, `/${home}/oauth2/introspect`, { basic, body: { token } }),
              `https://localhost:8443/${home}`,
            )
          }
        }
        assertActive(await introspect(server, token, { basic: server.credential(home, resource) }, home))
      }
    }
  })

  test('trust F19: an app that takes over the id of one that is gone does not inherit its tokens', async (t) => {
    const server = await startTestServer(t, suite, text)
    const token = await tokenOf(server)
    await server.db.write((tx) => removeApp(tx, 'acme', 'sync'))
    await server.advance(1)
    const again = { clientId: 'sync', id: 'sync', organizationId: 'customer', name: 'Another', settings: {} }
    await server.db.write((tx) => saveApp(tx, 'acme', again))
    assertInactive(await introspect(server, token))
  })
})

test('trust F37: what is remembered of a token is remembered of its tenant, in whatever order tenants are asked', async (t) => {
  const server = await startTestServer(t, oneStore, text)
  const homes = ['acme', 'opaque']
  const tokens = await Promise.all(
    homes.map(async (home) => ({ home, token: await tokenOf(server, 'sync', home) })),
  )
  const question = fc.record({
    asked: fc.constantFrom(...tokens),
    place: fc.constantFrom(...tenantIds),
    caller: fc.constantFrom('api', 'billing-api'),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(question, { maxLength: 20 }), async (questions) => {
      for (const { asked, place, caller } of questions) {
        const basic = server.credential(place, caller)
        const reply = await post(server, `/${place}/oauth2/introspect`, {
          basic,
          body: { token: asked.token },
        })
        assert.equal(reply.json.active, asked.home === place && caller === 'api')
      }
    }),
    { numRuns: 30 },
  )
})

test('trust F36: no header makes a dead token live or a stranger known', async (t) => {
  const server = await startTestServer(t, oneStore, text)
  const token = await tokenOf(server)
  await server.advance(600)
  const names = [
    ...[
      'accept',
      'accept-language',
      'user-agent',
      'cookie',
      'origin',
      'referer',
      'forwarded',
      'x-forwarded-for',
    ],
    ...[
      'x-forwarded-host',
      'x-forwarded-proto',
      'x-original-url',
      'x-http-method-override',
      'client-cert',
      'via',
    ],
    ...[
      'last-event-id',
      'if-none-match',
      'expect',
      'grant_type',
      'dpop',
      'x-real-ip',
      'x-forwarded-client-cert',
    ],
  ]
  const header = fc.tuple(fc.constantFrom(...names), fc.string({ maxLength: 60 }))
  await fc.assert(
    fc.asyncProperty(fc.array(header, { maxLength: 6 }), async (pairs) => {
      const headers = Object.fromEntries(pairs)
      const body = { token }
      const asked = await post(server, '/acme/oauth2/introspect', {
        ...{ basic: server.credential('acme', 'api'), body },
        headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      })
      assert.equal(asked.status, 200)
      if (!headers.accept?.includes('introspection+jwt')) assert.equal(asked.text, '{"active":false}')
      const stranger = await post(server, '/acme/oauth2/introspect', { headers, body })
      assert.ok(stranger.status === 401 || stranger.status === 400, stranger.text)
    }),
    { numRuns: 200 },
  )
})
