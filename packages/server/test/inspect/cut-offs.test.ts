/** What `inspect` says of a token that was cut off: by whom, when and how, as the audit chain has it. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createExposure } from '../../src/apps/expose-credential.ts'
import { inspectToken } from '../../src/inspect/inspect-token.ts'
import { replaceAtOnce } from '../../src/keys/emergency.ts'
import { removeApp, saveApp } from '../../src/store/apps.ts'
import { revoke } from '../../src/store/revocations.ts'
import { forEachStore, type StoreSuite, startTestServer, type TestServer } from '../harness.ts'
import { change, type Manager, manager } from '../management/managed.ts'
import { app, blueprint, generated, tenant } from '../oauth/sample.ts'

const sync = app('sync', { credentials: [...generated, { id: 'second', secret: 'generated' }] })
/** Tokens that name neither organization nor credential. */
const bare = { token: { claims: { sub: '${client_id}', iat: '${iat}', exp: '${exp}' } } }

interface Scene {
  readonly server: TestServer
  readonly operator: Manager
  readonly clientId: string
  readonly token: string
  inspect(): ReturnType<typeof inspectToken>
  /** Each cut-off with who made it how, or null. */
  madeBy(): Promise<readonly (readonly [kind: string, actor: string, operation: string] | null)[]>
}

forEachStore((_engine, suite: StoreSuite) => {
  const begin = async (t: TestContext, more: object = {}): Promise<Scene> => {
    const server = await startTestServer(t, suite, blueprint(tenant('acme', [sync], { ...more })))
    const operator = await manager(server)
    const [clientId] = server.credential('acme', 'sync')
    const reply = await server.token('acme', { basic: server.credential('acme', 'sync') })
    const token: string = reply.json.access_token
    const inspect = () =>
      inspectToken(token, { db: server.db, sealer: server.store.sealer, now: server.clock() })
    return {
      ...{ server, operator, clientId, token, inspect },
      async madeBy() {
        const { cutOffs } = await inspect()
        return cutOffs.map(({ kind, madeBy }) => madeBy && [kind, madeBy.actor, madeBy.operation])
      },
    }
  }

  test('issue 5: a token that its client gave back names the client, the instant and the request', async (t) => {
    const { server, token, clientId, inspect } = await begin(t)
    await server.advance(7)
    const basic = server.credential('acme', 'sync')
    const reply = await server.request({
      ...{ method: 'POST', url: '/acme/oauth2/revoke', body: { token }, basic },
    })
    assert.equal(reply.status, 200)
    const { cutOffs, problems } = await inspect()
    assert.deepEqual(problems, ['It is revoked: it was given back or cut off by itself.'])
    const [{ kind, madeBy } = assert.fail()] = cutOffs
    assert.deepEqual(
      [cutOffs.length, kind, madeBy?.actor, madeBy?.happenedAt],
      [1, 'token', `client ${clientId}`, server.clock()],
    )
    assert.match(madeBy?.requestId ?? '', /^[0-9a-f-]{36}$/)
  })

  for (const [what, kind, operation, method, pathOf, body] of [
    ['its app', 'app', 'updateApp', 'PATCH', (id: string) => `/apps/${id}`, { disabled: true }],
    ['its app', 'app', 'removeApp', 'DELETE', (id: string) => `/apps/${id}`, undefined],
    ['its app', 'app', 'revokeTokensOfApp', 'POST', (id: string) => `/apps/${id}/revocations`, undefined],
    [
      ...['its secret', 'credential', 'updateCredential', 'PATCH'],
      ...[(id: string) => `/apps/${id}/credentials/main`, { disabled: true }],
    ],
    [
      ...['its secret', 'credential', 'removeCredential', 'DELETE'],
      ...[(id: string) => `/apps/${id}/credentials/main`, undefined],
    ],
    [
      ...['its organization', 'organization', 'updateOrganization', 'PATCH'],
      ...[() => '/organizations/customer', { disabled: true }],
    ],
    ['its tenant', 'tenant', 'updateTenant', 'PATCH', () => '', { disabled: true }],
    ['its tenant', 'tenant', 'revokeTokensOfTenant', 'POST', () => '/revocations', undefined],
    ['its keys', 'key', 'rotateSigningKeys', 'POST', () => '/signing-keys/rotate', { emergency: true }],
  ] as readonly (readonly [string, string, string, string, (id: string) => string, unknown])[])
    test(`issue 5: of a token that ended with ${what} it says who did it (${operation})`, async (t) => {
      const { server, operator, clientId, madeBy } = await begin(t)
      const path = `/tenants/acme${pathOf(clientId)}`
      await server.advance(3)
      const reply = await (method === 'PATCH'
        ? change(operator, path, body as object)
        : operator.call(method, path, { body }))
      assert.ok(reply.status < 300, reply.text)
      assert.deepEqual(await madeBy(), [[kind, `app ${operator.clientId}`, operation]])
    })

  test('issue 5: an app that went with its organization is named in that record, also for tokens that do not name it', async (t) => {
    const { operator, madeBy, clientId } = await begin(t, { dialect: bare })
    assert.equal((await operator.call('DELETE', '/tenants/acme/organizations/customer')).status, 204)
    assert.deepEqual(await madeBy(), [['app', `app ${operator.clientId}`, 'removeOrganization']])
    const { json } = await operator.call('GET', '/tenants/acme/audit-records')
    const [{ before }] = json.items.filter(
      ({ action }: { action: string }) => action === 'removeOrganization',
    )
    assert.deepEqual([before.apps, before.memberships], [[clientId], []])
  })

  test('issue 5: a secret that others have seen, and a key replaced on the server, are told as well', async (t) => {
    const { server, clientId, madeBy } = await begin(t)
    const { db, store } = server
    const exposure = { tenantId: 'acme', clientId, credentialId: 'main', by: 'plain_http' } as const
    await createExposure({ db, onExposed() {} })({ ...exposure, isQuarantined: true })
    assert.deepEqual(await madeBy(), [['credential', 'server', 'exposeCredential']])
    const { sealer } = store
    const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes))
    const by = 'command keys rotate (ada)'
    await server.advance(1)
    await replaceAtOnce({ db, sealer, random, clock: server.clock, by, onEvent() {} }, 'acme', {})
    assert.deepEqual(await madeBy(), [
      ['credential', 'server', 'exposeCredential'],
      ['key', by, 'revokeSigningKey'],
    ])
  })

  test('issue 5: the first cut-off that ended the token is told, not an earlier or a later one of the same app', async (t) => {
    const { server, operator, clientId } = await begin(t)
    const cut = () => operator.call('POST', `/tenants/acme/apps/${clientId}/revocations`)
    await server.advance(2)
    await cut()
    await server.advance(2)
    const reply = await server.token('acme', { basic: server.credential('acme', 'sync') })
    const inspect = async () => {
      const deps = { db: server.db, sealer: server.store.sealer, now: server.clock() }
      return (await inspectToken(reply.json.access_token, deps)).cutOffs
    }
    assert.deepEqual(await inspect(), [])
    await server.advance(2)
    const at = server.clock()
    await cut()
    await server.advance(2)
    await cut()
    assert.deepEqual(
      (await inspect()).map(({ madeBy }) => madeBy?.happenedAt),
      [at],
    )
  })

  test('issue 5: what has been swept since is still told, and what the chain does not know is said to be unknown', async (t) => {
    const { server, operator, clientId, inspect, madeBy } = await begin(t)
    const { db } = server
    await operator.call('DELETE', `/tenants/acme/apps/${clientId}`)
    await db.write((tx) => tx.kysely.deleteFrom('revocations').execute())
    assert.deepEqual(await madeBy(), [['app', `app ${operator.clientId}`, 'removeApp']])
    await db.write((tx) => tx.kysely.deleteFrom('audit_records').execute())
    const { cutOffs, isGood } = await inspect()
    assert.deepEqual([isGood, cutOffs], [false, [{ kind: 'app', subject: clientId, madeBy: null }]])
  })

  test('issue 5: a newer app under the client id of one that is gone is not taken for the app of its tokens', async (t) => {
    const { server, operator, clientId, inspect } = await begin(t)
    await server.advance(2)
    await operator.call('DELETE', `/tenants/acme/apps/${clientId}`)
    await server.advance(10)
    await server.db.write((tx) =>
      saveApp(tx, 'acme', {
        ...{ clientId, id: 'newer', organizationId: 'customer', name: 'Newer', settings: {} },
      }),
    )
    const { app: found, problems, isGood, cutOffs } = await inspect()
    assert.deepEqual(
      [isGood, found, problems],
      [
        false,
        null,
        ['Its app no longer exists: the app that has its client id now was made after the token.'],
      ],
    )
    assert.equal(cutOffs[0]?.madeBy?.operation, 'removeApp')
  })

  test('issue 5: changes by commands that say nothing of themselves are found too, and an expired token says both', async (t) => {
    const { server, clientId, inspect, madeBy } = await begin(t)
    const { db } = server
    await db.write((tx) => revoke(tx, 'acme', { kind: 'app', subjectId: clientId }), 'command apply (ada)')
    assert.deepEqual(await madeBy(), [['app', 'command apply (ada)', 'revoke']])
    await server.advance(600)
    const { problems, nextSteps } = await inspect()
    assert.deepEqual([problems.length, nextSteps.length], [2, 2])
    assert.match(problems[0] ?? '', /^It expired at /)
    await db.write((tx) => removeApp(tx, 'acme', clientId))
    assert.equal((await madeBy()).length, 1)
  })
})
