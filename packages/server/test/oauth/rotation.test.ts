// Issue 4, item 5: several secrets of one app live side by side, so that a change of secret is no outage.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { addSecret, rotateSecret } from '../../src/apps/secrets.ts'
import { findAppById } from '../../src/store/apps.ts'
import { listCredentials, removeCredential } from '../../src/store/credentials.ts'
import { StoreConflict } from '../../src/store/database.ts'
import { forEachStore, startTestServer, type TestServer } from '../harness.ts'
import { assertInvalidClient, assertToken, freshAddress } from './answers.ts'
import { assertActive, assertInactive, introspect, resourceServer, tokenOf } from './ends.ts'
import { app, blueprint, tenant } from './sample.ts'

const text = blueprint(
  tenant('acme', [
    app('sync'),
    app('mac', { client_authentication: ['client_secret_basic', 'client_secret_jwt'] }),
    resourceServer,
  ]),
)
const day = 86_400

async function secretOf(server: TestServer, appId: string, credentialId?: string) {
  const record = await findAppById(server.db, 'acme', appId)
  assert.ok(record)
  return {
    ...{ tenantId: 'acme', environment: 'test' as const, app: record, credentialId },
    expiresAt: null,
  }
}

const depsOf = ({ store }: TestServer) => ({ ...store, random: randomBytes })

forEachStore((engine, suite) => {
  test(`issue 4.5: ${engine}: through a rotation the old secret and the new one work, then the new one, and no token dies`, async (t) => {
    const server = await startTestServer(t, suite, text)
    const old = server.credential('acme', 'sync')
    const before = await tokenOf(server)
    const secret = await secretOf(server, 'sync')
    const { made, ending } = await server.db.write((tx) => rotateSecret(tx, secret, 7 * day, depsOf(server)))
    const end = server.clock() + 7 * day
    assert.deepEqual(
      ending.map(({ credential, expiresAt }) => [credential.id, expiresAt]),
      [['main', end]],
    )
    const fresh = [made.clientId, made.clientSecret] as const
    const ask = (basic: readonly [string, string]) =>
      server.token('acme', { basic, clientAddress: freshAddress() })
    assertToken(await ask(old))
    const ofNew = assertToken(await ask(fresh))
    await server.advance(7 * day - 1)
    const last = assertToken(await ask(old))
    await server.advance(1)
    assertInvalidClient(await ask(old))
    assertToken(await ask(fresh))
    // What was got with the old one in its last second outlives it.
    assertActive(await introspect(server, last))
    assert.notEqual(ofNew, before)
  })

  test(`issue 4.5: ${engine}: a rotation shortens lives and never lengthens one, and an overlap of nothing ends them now`, async (t) => {
    const server = await startTestServer(t, suite, text)
    const deps = depsOf(server)
    const soon = { ...(await secretOf(server, 'sync', 'soon')), expiresAt: server.clock() + day }
    await server.db.write((tx) => addSecret(tx, soon, deps))
    const secret = await secretOf(server, 'sync', 'second')
    await server.db.write((tx) => rotateSecret(tx, secret, 7 * day, deps))
    const [clientId] = server.credential('acme', 'sync')
    const ends = async () =>
      Object.fromEntries(
        (await listCredentials(server.db, 'acme', clientId)).map(({ id, expiresAt }) => [id, expiresAt]),
      )
    assert.deepEqual(await ends(), {
      main: server.clock() + 7 * day,
      second: null,
      soon: server.clock() + day,
    })
    await server.db.write(async (tx) => rotateSecret(tx, { ...secret, credentialId: 'third' }, 0, deps))
    const now = server.clock()
    assert.deepEqual(await ends(), { main: now, second: now, soon: now, third: null })
    assertInvalidClient(await server.token('acme', { basic: server.credential('acme', 'sync') }))
    // Whoever is expired already keeps that end.
    await server.advance(5)
    await server.db.write(async (tx) => rotateSecret(tx, { ...secret, credentialId: 'fourth' }, day, deps))
    assert.deepEqual(await ends(), {
      ...{ main: now, second: now, soon: now },
      ...{ third: now + 5 + day, fourth: null },
    })
  })

  test(`issue 4.5: ${engine}: no secret is made under a name that the app has, and the blueprint lets the others be`, async (t) => {
    const server = await startTestServer(t, suite, text)
    const secret = await secretOf(server, 'sync', 'main')
    await assert.rejects(
      server.db.write((tx) => addSecret(tx, secret, depsOf(server))),
      StoreConflict,
    )
    const made = await server.db.write((tx) =>
      addSecret(tx, { ...secret, credentialId: 'second' }, depsOf(server)),
    )
    await server.apply(text)
    assertToken(await server.token('acme', { basic: [made.clientId, made.clientSecret] }))
  })

  test(`issue 4.5: ${engine}: removing a credential kills its tokens and no others; a new one of the same name lives`, async (t) => {
    const server = await startTestServer(t, suite, text)
    const secret = await secretOf(server, 'sync', 'second')
    const make = () => server.db.write((tx) => addSecret(tx, secret, depsOf(server)))
    const ask = async ({ clientId, clientSecret }: Awaited<ReturnType<typeof make>>) =>
      assertToken(await server.token('acme', { basic: [clientId, clientSecret] }))
    const made = await make()
    const [ofMain, ofSecond] = [await tokenOf(server), await ask(made)]
    await server.db.write((tx) => removeCredential(tx, 'acme', made.clientId, 'second'))
    assertInactive(await introspect(server, ofSecond))
    assertActive(await introspect(server, ofMain))
    // Once everybody has heard of the end.
    await server.advance(6)
    assertActive(await introspect(server, await ask(await make())))
  })

  test(`RFC 7523 §2.2: ${engine}: a secret that is added to an app with client_secret_jwt is kept sealed for it`, async (t) => {
    const server = await startTestServer(t, suite, text)
    const secret = await secretOf(server, 'mac', 'second')
    const { clientId } = await server.db.write((tx) => addSecret(tx, secret, depsOf(server)))
    const rows = await server.db.kysely
      .selectFrom('credentials')
      .select(['id', 'sealed_secret as sealed'])
      .where('client_id', '=', clientId)
      .orderBy('id')
      .execute()
    assert.deepEqual(
      rows.map(({ id, sealed }) => [id, sealed !== null]),
      [
        ['main', true],
        ['second', true],
      ],
    )
  })
})
