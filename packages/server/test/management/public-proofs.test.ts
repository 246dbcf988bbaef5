// Trust part 1, row 39; issue 3: what lets a workload in stands where an auditor looks, and a rule that lets in too many says so.
import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { forEachStore, type TestServer } from '../harness.ts'
import { type Manager, manager, startManaged, tenantPlace } from './managed.ts'

const forms = ['private_key_jwt', 'client_secret_basic', 'federation', 'self_signed_tls_client_auth']

async function newApp(operator: Manager): Promise<string> {
  const made = await operator.call('POST', '/tenants/acme/organizations/customer/apps', {
    body: { id: 'prover', name: 'Prover', client_authentication: forms },
  })
  assert.equal(made.status, 201, made.text)
  return `/tenants/acme/apps/${made.json.client_id}/credentials`
}

const github = { issuer: 'https://token.actions.githubusercontent.com', preset: 'github' }

function proofs() {
  const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
  const { crv, kty, x, y } = jwk
  const thumbprint = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url')
  const rule = { ...github, subject: 'repo:acme/shop:ref:refs/heads/main', claims: { repository_id: '7' } }
  return {
    key: {
      sent: { public_key: { ...jwk, kid: 'one' } },
      shown: { public_key: { thumbprint, kty, crv, kid: 'one' } },
    },
    keys: { sent: { jwks_uri: 'https://keys.example/jwks.json' } },
    certificate: { sent: { certificate: { sha256: Buffer.alloc(32, 1).toString('base64url') } } },
    rule: { sent: { federation: rule } },
  } as Readonly<Record<string, { readonly sent: object; readonly shown?: object }>>
}

async function lastRecord(server: TestServer, action: string) {
  const auditor = await manager(server, ['auditor'], tenantPlace('acme'))
  const records = await auditor.call('GET', `/tenants/acme/audit-records?action=${action}&limit=1`)
  return records.json.items[0]
}

const pick = (from: object, like: object): object =>
  Object.fromEntries(Object.entries(from).filter(([name]) => Object.hasOwn(like, name)))

forEachStore((_engine, suite) => {
  test('F39: an auditor reads which key, key set, certificate or rule a credential is, in answers and in records', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const path = await newApp(operator)
    for (const [id, { sent, shown = sent }] of Object.entries(proofs())) {
      const made = await operator.call('POST', path, { body: { id, ...sent } })
      assert.equal(made.status, 201, made.text)
      const auditor = await manager(server, ['auditor'], tenantPlace('acme'))
      const read = await auditor.call('GET', `${path}/${id}`)
      const listed = await auditor.call('GET', path)
      const inList = listed.json.items.find((one: { readonly id: string }) => one.id === id)
      const { after } = await lastRecord(server, 'createCredential')
      for (const held of [made.json, read.json, inList, after]) assert.deepEqual(pick(held, shown), shown)
      const removed = await operator.call('DELETE', `${path}/${id}`)
      assert.equal(removed.status, 204, removed.text)
      assert.deepEqual(pick((await lastRecord(server, 'removeCredential')).before, shown), shown)
    }
  })

  test('of a secret nothing is shown: neither what was generated, nor the hash that somebody brought, nor ours of it', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const path = await newApp(operator)
    const digest = Buffer.alloc(32, 7).toString('base64url')
    await operator.call('POST', path, { body: { id: 'main', secret: 'generated' } })
    await operator.call('POST', path, { body: { id: 'old', secret: { hash: `sha256:${digest}` } } })
    const rows = await server.db.kysely.selectFrom('credentials').select('verifier').execute()
    const listed = await operator.call('GET', path)
    const names = [
      'id',
      'kind',
      'standing',
      'disabled',
      'expires_at',
      'last_used_at',
      'exposed_at',
      'exposed_by',
    ]
    for (const item of listed.json.items)
      assert.deepEqual(Object.keys(item), [...names, 'blueprint', 'created_at', 'updated_at'])
    const { text } = await operator.call('GET', '/tenants/acme/audit-records')
    const hidden = rows.map(({ verifier }) => Buffer.from(verifier).toString('base64url'))
    for (const secret of [digest, ...hidden]) assert.ok(!(listed.text + text).includes(secret))
  })

  test('the answer that made a rule which lets in too many says so, as apply does; a narrow one has no warnings', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const path = await newApp(operator)
    const create = (id: string, subject: string) =>
      operator.call('POST', path, { body: { id, federation: { ...github, subject } } })
    const broad = await create('broad', 'repo:*/shop:ref:refs/heads/main')
    assert.equal(broad.status, 201, broad.text)
    assert.match(broad.json.warnings.join(' '), /^Any repository on GitHub may match: /)
    assert.equal((await operator.call('GET', `${path}/broad`)).json.warnings, undefined)
    const narrow = await create('narrow', 'repo:acme/shop:ref:refs/heads/main')
    assert.deepEqual([narrow.status, narrow.json.warnings], [201, undefined])
  })
})
