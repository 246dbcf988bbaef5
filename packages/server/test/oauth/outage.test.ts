// product.md decision 8 and trust.md R4, R5: what goes on while the database is gone, and for how long.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { forEachStore, startTestServer, type TestReply } from '../harness.ts'
import { withoutPostgres } from '../postgres.ts'
import {
  assertError,
  assertInvalidClient,
  assertToken,
  assertUnavailable,
  freshAddress,
  grant,
} from './answers.ts'
import { app, blueprint, tenant } from './sample.ts'
import { startStoppable, untilBack } from './stoppable.ts'

const fiveMinutes = 5 * 60
const apps = [app('sync'), app('other'), app('late')]
const text = blueprint(
  tenant('acme', apps, { hosts: ['acme.localhost'] }),
  tenant('careful', [app('sync')], { outage_grace_seconds: 0 }),
  tenant('short', [app('sync')], { outage_grace_seconds: 30 }),
  tenant('never-asked', [app('sync')]),
)

test('trust R4, R5, 119: with PostgreSQL gone, who is known gets tokens for the grace and keys for ever; then it heals', {
  skip: withoutPostgres,
}, async (t) => {
  const { postgres, clock, server } = await startStoppable(t, text)
  const sync = server.credential('acme', 'sync')
  const ask = (tenantId: string, basic = server.credential(tenantId, 'sync')) =>
    server.token(tenantId, { basic, clientAddress: freshAddress() })
  const get = (path: string, host = 'localhost:8443') => server.request({ url: path, host })
  const documents = [
    ['/acme/oauth2/jwks'],
    ['/acme/.well-known/openid-configuration'],
    ['/.well-known/oauth-authorization-server/acme'],
    ['/oauth2/jwks', 'acme.localhost:8443'],
    // An address by which nobody has registered the server: path tenants answer there too.
    ['/acme/oauth2/jwks', '127.0.0.1:8443'],
  ] as const
  const published = async () => {
    const replies = []
    for (const [path, host] of documents) replies.push(await get(path, host))
    return replies
  }
  for (const id of ['acme', 'careful', 'short']) assertToken(await ask(id))
  const before = await published()
  for (const reply of before) assert.equal(reply.status, 200)

  await postgres.stop()
  await t.test('trust R4: a known app gets a JWT, and at every host that was asked before', async () => {
    for (let time = 0; time < 20; time += 1) {
      assert.equal(decodeJwt(assertToken(await ask('acme', sync))).sub, sync[0])
    }
    const atHost = {
      method: 'POST',
      host: 'acme.localhost:8443',
      url: '/oauth2/token',
      body: grant,
      basic: sync,
    }
    assertToken(await server.request(atHost))
  })

  await t.test('trust 119: metadata and keys are served from memory', async () => {
    assert.deepEqual(await published(), before)
    const etag = before[0]?.headers.ETag ?? ''
    const reply = await server.request({ url: '/acme/oauth2/jwks', headers: { 'if-none-match': etag } })
    assert.equal(reply.status, 304)
  })

  await t.test(
    'trust R4: whatever has to be looked up is 503 with Retry-After, and never a refusal',
    async () => {
      const startedAt = performance.now()
      assertUnavailable(await ask('acme', server.credential('acme', 'other')))
      assertUnavailable(await ask('acme', [sync[0], 'wrong']))
      assertUnavailable(await ask('acme', ['nobody', 'wrong']))
      assertUnavailable(await ask('never-asked'))
      assertUnavailable(await get('/unknown-tenant/oauth2/jwks'))
      // The goal is a second each; the rest is for a busy machine.
      assert.ok(performance.now() - startedAt < 10_000)
      const lost = server.logLines.filter(({ msg }) => msg === 'database lost')
      assert.equal(lost.length, 1)
      assert.match(String(lost[0]?.reason), /^PostgreSQL/)
    },
  )

  await t.test('trust 25: a URL that is refused anyway is refused as ever', async () => {
    const url = '/acme/oauth2/token?client_id=nobody&client_secret=wrong'
    assert.equal((await get(url)).status, 405)
    const repeated = { method: 'POST', url: `${url}&client_secret=wrong`, body: grant }
    assertError(await server.request(repeated), 'invalid_request')
  })

  const assertShort = (reply: TestReply) => {
    const { iat = 0, exp = 0 } = decodeJwt(assertToken(reply))
    assert.deepEqual([exp - iat, reply.json.expires_in], [fiveMinutes, fiveMinutes])
  }

  await t.test("trust R5: the grace is the tenant's, and none at all where it is zero", async () => {
    clock.advance(5)
    assertUnavailable(await ask('careful'))
    assertShort(await ask('short'))
    clock.advance(25)
    assertShort(await ask('short'))
    clock.advance(1)
    assertUnavailable(await ask('short'))
    assertShort(await ask('acme', sync))
    clock.advance(569)
    assertShort(await ask('acme', sync))
    clock.advance(1)
    assertUnavailable(await ask('acme', sync))
    assert.deepEqual(await published(), before)
  })

  await t.test('trust R4: when the database is back everything is, without a restart', async () => {
    await postgres.start()
    await untilBack(server)
    for (const id of ['acme', 'careful', 'short', 'never-asked']) {
      const reply = await ask(id)
      assertToken(reply)
      assert.equal(reply.json.expires_in, 600)
    }
    assertToken(await ask('acme', server.credential('acme', 'late')))
    assertInvalidClient(await ask('acme', [sync[0], 'wrong']))
    assert.equal((await get('/unknown-tenant/oauth2/jwks')).status, 404)
  })
})

forEachStore((_engine, suite) => {
  test('trust R5: a tenant without any grace is served while the feed is merely between two looks', async (t) => {
    const server = await startTestServer(t, suite, text)
    const basic = server.credential('careful', 'sync')
    assertToken(await server.token('careful', { basic }))
    // The next second has begun and the feed has not asked again yet: that is no outage.
    server.clock.advance(1)
    const [reply] = await Promise.all([server.token('careful', { basic })])
    assertToken(reply)
  })

  test('product decision 2: a hundred tokens write no row', async (t) => {
    const server = await startTestServer(t, suite, text)
    const { kysely } = server.db
    const basic = server.credential('acme', 'sync')
    assertToken(await server.token('acme', { basic }))
    const tables = (await kysely.introspection.getTables()).map(({ name }) => name).sort()
    assert.ok(tables.includes('signing_keys') && tables.includes('changes'))
    const rows = async () => {
      const counts: [string, unknown[]][] = []
      for (const table of tables) {
        counts.push([
          table,
          await kysely
            .selectFrom(table as 'changes')
            .selectAll()
            .execute(),
        ])
      }
      return counts
    }
    const before = await rows()
    for (let time = 0; time < 100; time += 1) assertToken(await server.token('acme', { basic }))
    assert.deepEqual(await rows(), before)
  })
})
