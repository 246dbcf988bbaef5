/** What may be forgotten of revocations and changes, and what may not. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { rotateTenant } from '../../src/keys/rotation.ts'
import { createRevocations, type RevocationsOptions } from '../../src/revocation/revocations.ts'
import { sweepEnded } from '../../src/revocation/sweep.ts'
import type { Database } from '../../src/store/database.ts'
import { listRevocations, type NewRevocation, revoke, takeRevocations } from '../../src/store/revocations.ts'
import { listSigningKeys, moveSigningKey } from '../../src/store/signing-keys.ts'
import { createDirectory } from '../../src/tenants/directory.ts'
import { forEachStore, oneStore, startTestServer, type TestServer } from '../harness.ts'
import { turnsDuring } from '../turns.ts'
import { assertInactive, introspect, resourceServer, revokeToken, tokenOf } from './ends.ts'
import { assertExchanged, files, idp, jwtType, startExchange } from './exchanges.ts'
import { app, blueprint, type Part, restApi, tenant } from './sample.ts'

const endless = { dialect: { token: { claims: { sub: '${client_id}', iat: '${iat}' } } } }
const text = blueprint(tenant('acme', [app('sync')]), tenant('endless', [app('sync')], endless))

const opaque = { apis: [{ ...restApi, token_format: 'opaque' }] }
const acmeWith = (settings: Part) =>
  blueprint(tenant('acme', [app('sync', { client_id: 'sync' }), resourceServer], settings))

const day = 86_400

function sweeperOf(t: TestContext, { db, store }: Pick<TestServer, 'db' | 'store'>) {
  const directory = createDirectory({ ...store, random: () => Buffer.alloc(32), clientCacheEntries: 10 })
  const load: RevocationsOptions['load'] = (tenantId, take) => takeRevocations(db, tenantId, take)
  const revocations = createRevocations({ changes: db.changes, load })
  t.after(() => {
    directory.close()
    revocations.close()
  })
  return { revocations, sweep: (now: number) => sweepEnded({ db, directory, revocations }, now) }
}

const cut = ({ db }: TestServer, subject: NewRevocation) => db.write((tx) => revoke(tx, 'acme', subject))
const left = async ({ db }: TestServer, tenantId = 'acme') => (await listRevocations(db, tenantId)).length

/** As the chore does, which looks at every tenant that has changed. */
const rotate = ({ store, clock, db }: TestServer) =>
  rotateTenant({ ...store, db, random: (n) => Buffer.alloc(n, 1), clock, onEvent: () => {} }, 'acme')

async function retireKeys({ db }: TestServer): Promise<void> {
  for (const { kid, state } of await listSigningKeys(db, 'acme'))
    await db.write((tx) => moveSigningKey(tx, 'acme', kid, state, 'retired'))
}

forEachStore((_engine, suite) => {
  test('product 4: a cut-off is kept as long as a token may live, for ever where tokens have no end', async (t) => {
    const server = await startTestServer(t, suite, text)
    const { db, clock } = server
    const { sweep, revocations } = sweeperOf(t, server)
    const start = clock()
    for (const id of ['acme', 'endless'])
      await db.write((tx) => revoke(tx, id, { kind: 'app', subjectId: 'gone' }))
    const cutOffs = await revocations.ofTenant('acme')
    const facts = { issuedAt: start, clientId: 'gone' }
    assert.equal(cutOffs.hits(facts), 'app')
    const both = async () => [await left(server), await left(server, 'endless')]
    // A day that a token lives, and one that a token of an outside issuer may be old.
    await sweep(start + 2 * day)
    assert.deepEqual(await both(), [1, 1])
    await sweep(start + 2 * day + 301)
    assert.deepEqual(await both(), [0, 1])
    assert.equal((await revocations.ofTenant('acme')).hits(facts), null)
    await sweep(start + 1e9)
    assert.deepEqual(await both(), [0, 1])
  })

  for (const format of [{}, opaque]) {
    const name = format === opaque ? 'opaque' : 'JWT'

    test(`product 4: lowered lifetimes bring no revoked ${name} back`, async (t) => {
      const long = { maximum_access_token_seconds: 10 * day, access_token_seconds: 10 * day }
      const server = await startTestServer(t, suite, acmeWith({ ...format, ...long }))
      const { sweep } = sweeperOf(t, server)
      const start = server.clock()
      const [token, single] = [await tokenOf(server), await tokenOf(server)]
      await rotate(server)
      await revokeToken(server, single)
      await cut(server, { kind: 'app', subjectId: 'sync' })
      const short = { maximum_access_token_seconds: 600, access_token_seconds: 600 }
      await server.apply(acmeWith({ ...format, ...short }))
      await rotate(server)
      await server.advance(9 * day)
      await sweep(server.clock())
      assert.equal(await left(server), 2)
      for (const one of [token, single]) assertInactive(await introspect(server, one))
      await sweep(start + 11 * day + 301)
      assert.equal(await left(server), 0)
    })

    test(`product 4: leaving a dialect whose tokens never end brings no revoked ${name} back`, async (t) => {
      const claims = { iss: '${issuer}', sub: '${client_id}', iat: '${iat}' }
      const server = await startTestServer(t, suite, acmeWith({ ...format, dialect: { token: { claims } } }))
      const { sweep } = sweeperOf(t, server)
      const [token, single] = [await tokenOf(server), await tokenOf(server)]
      await rotate(server)
      await revokeToken(server, single)
      await cut(server, { kind: 'app', subjectId: 'sync' })
      await server.apply(acmeWith(format))
      await rotate(server)
      await server.advance(100 * day)
      await sweep(server.clock())
      assert.equal(await left(server), 2)
      for (const one of [token, single]) assertInactive(await introspect(server, one))
    })
  }

  test('product 4: an opaque token outlives the key of its time, and so does its cut-off', async (t) => {
    const long = { maximum_access_token_seconds: 10 * day, access_token_seconds: 10 * day }
    const server = await startTestServer(t, suite, acmeWith({ ...opaque, ...long }))
    const { sweep } = sweeperOf(t, server)
    const start = server.clock()
    const token = await tokenOf(server)
    await rotate(server)
    await cut(server, { kind: 'app', subjectId: 'sync' })
    await retireKeys(server)
    await server.apply(acmeWith({ ...opaque, maximum_access_token_seconds: 600, access_token_seconds: 600 }))
    await server.advance(9 * day)
    await sweep(server.clock())
    assertInactive(await introspect(server, token))
    assert.equal(await left(server), 1)
    await sweep(start + 10 * day + 301)
    assert.equal(await left(server), 0)
  })

  test('product 4: an opaque token without end outlives the key of its time, and so does its cut-off', async (t) => {
    const server = await startTestServer(t, suite, acmeWith({ ...opaque, ...endless }))
    const { sweep } = sweeperOf(t, server)
    await tokenOf(server)
    await rotate(server)
    await cut(server, { kind: 'app', subjectId: 'sync' })
    await retireKeys(server)
    await server.apply(acmeWith(opaque))
    await sweep(server.clock() + 100 * day)
    assert.equal(await left(server), 1)
  })

  test('trust F39: who was cut off does not come back by what an outside issuer has said before', async (t) => {
    const exchanging = await startExchange(t, { tenant: { maximum_access_token_seconds: 600 } }, suite)
    const { server, exchange, assertion, bear } = exchanging
    const { sweep } = sweeperOf(t, server)
    const brought = { subject_token_type: jwtType, resource: files }
    const exp = server.clock() + day
    const [outside, unused] = [await assertion({ exp }), await assertion({ exp })]
    assertExchanged(await exchange(outside, brought))
    await cut(server, { kind: 'user', subjectId: `${idp}#alice` })
    for (const seconds of [1_000, day - 3_000, 2_030]) {
      await server.advance(seconds)
      await sweep(server.clock())
      assert.equal(await left(server), 1)
      assert.equal((await exchange(outside, brought)).status, 400)
      assert.equal((await bear(unused)).status, 400)
    }
  })
})

const tenantIds = Array.from({ length: 20 }, (_, index) => `shop-${index}`)
const manyTenants = blueprint(...tenantIds.map((id) => tenant(id, [app('sync')])))

test('product 4: a sweep asks for the write lock only where there is something to sweep', async (t) => {
  const server = await startTestServer(t, oneStore, manyTenants)
  const { store } = server
  const subject = { kind: 'app', subjectId: 'gone' } as const
  for (const id of ['shop-7', 'shop-12']) await server.db.write((tx) => revoke(tx, id, subject))
  let writes = 0
  const counted: Database['write'] = (work, by) => {
    writes += 1
    return server.db.write(work, by)
  }
  const db = new Proxy(server.db, {
    get: (of, name) => (name === 'write' ? counted : Reflect.get(of, name)),
  })
  const { sweep } = sweeperOf(t, { db, store })
  await sweep(server.clock() + 10 * day)
  assert.deepEqual([await left(server, 'shop-7'), await left(server, 'shop-12')], [0, 0])
  // The third forgets changes.
  assert.equal(writes, 3)
})

test('product 4: a sweep gives requests their turn between any two tenants', async (t) => {
  const server = await startTestServer(t, oneStore, manyTenants)
  const { sweep } = sweeperOf(t, server)
  // The first compiles the tenants, and waits for their keys anyway.
  await sweep(server.clock())
  const turns = await turnsDuring(() => sweep(server.clock()))
  assert.ok(turns >= tenantIds.length, `${turns} turns`)
})
