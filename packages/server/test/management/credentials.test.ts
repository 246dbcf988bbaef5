// Documents 002 and 004: credentials are managed by those who have the role for it, and a secret is shown once.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { disableCredential } from '../../src/store/credential-terms.ts'
import { listCredentials } from '../../src/store/credentials.ts'
import { exposeCredential } from '../../src/store/exposure.ts'
import { lockTenant } from '../../src/store/tenants.ts'
import { forEachStore, type TestServer } from '../harness.ts'
import { overtaken } from '../store/overtaken.ts'
import { assertProblem, manager, organizationPlace, startManaged } from './managed.ts'

const customer = organizationPlace('acme', 'customer')

const credentialsOf = (server: TestServer, app: string): string => {
  const [clientId] = server.credential('acme', app)
  return `/tenants/acme/apps/${clientId}/credentials`
}

forEachStore((_engine, suite) => {
  test('002-03: who has the role "Manage api credentials" makes and removes them, and who has not is refused', async (t) => {
    const server = await startManaged(t, suite)
    const path = credentialsOf(server, 'sync')
    const body = { id: 'extra', secret: 'generated' }
    const allowed = await manager(server, ['api_credentials_manager'], customer)
    assert.equal((await allowed.call('POST', path, { body })).status, 201)
    assert.equal((await allowed.call('DELETE', `${path}/extra`)).status, 204)
    for (const role of ['developer', 'auditor', 'staff']) {
      const refused = await manager(server, [role], customer)
      assertProblem(await refused.call('POST', path, { body }), 403, 'forbidden')
    }
  })

  test('002-04: the first admin of an organization has that role, in its organization and no other', async (t) => {
    const server = await startManaged(t, suite)
    const admin = await manager(server, ['organization_admin'], customer)
    const body = { secret: 'generated' }
    assert.equal((await admin.call('POST', credentialsOf(server, 'sync'), { body })).status, 201)
    assertProblem(await admin.call('POST', credentialsOf(server, 'pay'), { body }), 404, 'not_found')
    const { json } = await admin.call('GET', '/me')
    assert.ok(json.memberships[0].permissions.includes('manage_api_credentials'))
  })

  test('004-01: a secret is shown once, listed without it, rotated with an overlap, given an end and revoked', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const path = credentialsOf(server, 'sync')
    const [clientId, old] = server.credential('acme', 'sync')
    const rotated = await operator.call('POST', path.replace('/credentials', '/rotate-secret'), {
      body: { id: 'second', overlap_seconds: 60 },
    })
    assert.equal(rotated.status, 201, rotated.text)
    assert.deepEqual(rotated.json.ends, [{ id: 'main', expires_at: server.clock() + 60, blueprint: 'tests' }])
    const fresh: string = rotated.json.client_secret
    const asks = async (secret: string) => (await server.token('acme', { basic: [clientId, secret] })).status
    assert.deepEqual([await asks(old), await asks(fresh)], [200, 200])
    await server.advance(61)
    assert.deepEqual([await asks(old), await asks(fresh)], [401, 200])
    const later = await manager(server)
    const listed = await later.call('GET', path)
    assert.deepEqual(
      listed.json.items.map(({ id, kind }: { id: string; kind: string }) => [id, kind]),
      [
        ['main', 'secret'],
        ['second', 'secret'],
      ],
    )
    assert.ok(!listed.text.includes('sp_'))
    const { etag = '' } = await later.call('GET', `${path}/second`)
    const ended = await later.call('PATCH', `${path}/second`, {
      body: { expires_at: server.clock() + 10 },
      headers: { 'if-match': etag },
    })
    assert.equal(ended.status, 200, ended.text)
    await server.advance(11)
    assert.equal(await asks(fresh), 401)
  })

  test('issue 4.5: whoever sets the end of a secret that is quarantined meanwhile does not make it good again', async (t) => {
    const server = await startManaged(t, suite)
    const { db } = server
    const admin = await manager(server, ['organization_admin'], customer)
    const [clientId] = server.credential('acme', 'sync')
    const path = `${credentialsOf(server, 'sync')}/main`
    const { etag = '' } = await admin.call('GET', path)
    const main = { tenantId: 'acme', clientId, credentialId: 'main' }
    const setEnd = () =>
      admin.call('PATCH', path, {
        body: { expires_at: server.clock() + 100_000 },
        headers: { 'if-match': etag },
      })
    const told = await overtaken(
      db,
      async (tx) => {
        await lockTenant(tx, 'acme')
        await exposeCredential(tx, { ...main, by: 'leak_report', isQuarantined: true })
      },
      setEnd,
    )
    assertProblem(told, 412, 'precondition_failed')
    assert.equal((await admin.call('GET', path)).json.standing, 'quarantined')
  })

  test('issue 4.5: a change of its end alone says nothing of whether a credential is out of use', async (t) => {
    const server = await startManaged(t, suite)
    const { db } = server
    const operator = await manager(server)
    const [clientId] = server.credential('acme', 'sync')
    const path = `${credentialsOf(server, 'sync')}/main`
    const { etag = '' } = await operator.call('GET', path)
    const body = { expires_at: server.clock() + 100_000 }
    // By somebody who has not locked the tenant.
    await overtaken(
      db,
      (tx) => disableCredential(tx, 'acme', clientId, 'main', true),
      () => operator.call('PATCH', path, { body, headers: { 'if-match': etag } }),
    )
    const [main] = await listCredentials(db, 'acme', clientId)
    assert.notEqual(main?.disabledAt, null)
  })

  test('issue 5, 1: keys, key sets, certificates, federation and the hashes of others are credentials too', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const made = await operator.call('POST', '/tenants/acme/organizations/customer/apps', {
      body: {
        id: 'prover',
        name: 'Prover',
        client_authentication: ['private_key_jwt', 'client_secret_basic'],
      },
    })
    const path = `/tenants/acme/apps/${made.json.client_id}/credentials`
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const publicJwk = publicKey.export({ format: 'jwk' })
    const create = (body: object) => operator.call('POST', path, { body })
    const key = await create({ id: 'key', public_key: publicJwk })
    assert.deepEqual([key.status, key.json.kind], [201, 'public_key'], key.text)
    assertProblem(await create({ id: 'again', public_key: { ...publicJwk, kid: 'k' } }), 409, 'conflict')
    const hash = await create({
      id: 'old',
      secret: { hash: `sha256:${Buffer.alloc(32, 7).toString('base64url')}` },
    })
    assert.equal(hash.status, 201, hash.text)
    const keys = await create({ id: 'set', jwks_uri: 'https://keys.example/jwks.json' })
    assert.deepEqual([keys.status, keys.json.kind], [201, 'jwks_uri'], keys.text)
    for (const [body, code] of [
      [{ public_key: privateKey.export({ format: 'jwk' }) }, 400],
      [{ public_key: publicJwk, secret: 'generated' }, 400],
      [{ certificate: { san_dns: 'a.example' } }, 400],
      [{ secret: { from_file: '/etc/passwd' } }, 400],
      [{ public_key: { from_file: '/etc/passwd' } }, 400],
      [{ secret: { from_env: 'HOME' } }, 400],
      [{ secret: 'kept' }, 400],
      [{ secret: 'sp_test_mine' }, 400],
      [{}, 400],
    ] as const) {
      const refused = await create(body)
      assert.equal(refused.status, code, `${JSON.stringify(body)} ${refused.text}`)
      assert.ok(!refused.text.includes('/etc/passwd') && !refused.text.includes('sp_test_mine'), refused.text)
    }
  })
})
