/** Every verdict of `inspect`: on tokens that the token endpoint really gave out, on strangers', and on what is no token. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { inspectToken } from '../../src/inspect/inspect-token.ts'
import type { TokenReport } from '../../src/inspect/token-report.ts'
import { removeApp } from '../../src/store/apps.ts'
import { removeCredential, saveCredential } from '../../src/store/credentials.ts'
import { revoke } from '../../src/store/revocations.ts'
import { listSigningKeys, moveSigningKey } from '../../src/store/signing-keys.ts'
import { forEachStore, type StoreSuite, startTestServer, type TestServer } from '../harness.ts'
import { app, blueprint, organization, restApi, tenant } from '../oauth/sample.ts'

const variable = (name: string) => `\${${name}}`

const plain = tenant('plain', [app('sync')])
/** As document 000: HS512 under a key of the API's own. */
const hmac = tenant('hmac', [app('sync')], { apis: [{ ...restApi, signing_algorithm: 'HS512' }] })
/** As document 003: no kid, no exp, and the client only in `sub`. */
const bare = tenant('bare', [app('sync')], {
  dialect: {
    token: {
      header: { alg: variable('alg'), typ: 'JWT' },
      claims: { sub: variable('client_id'), iat: variable('iat') },
    },
  },
})
/** A token that names neither its client nor its secret, and whose `sub` is somebody else. */
const nameless = tenant('nameless', [app('sync')], {
  dialect: { token: { claims: { sub: variable('organization.id'), exp: variable('exp') } } },
})
/** The same facts under names of its own. */
const renamed = tenant('renamed', [app('sync')], {
  dialect: {
    token: { claims: { cid: variable('client_id'), key: variable('credential_id'), exp: variable('exp') } },
  },
})

forEachStore((_engine, store: StoreSuite) => {
  const prepare = (t: TestContext): Promise<TestServer> =>
    startTestServer(t, store, blueprint(plain, hmac, bare, nameless, renamed))

  const tokenOf = async (server: TestServer, tenantId: string): Promise<string> => {
    const reply = await server.token(tenantId, { basic: server.credential(tenantId, 'sync') })
    assert.equal(reply.status, 200, reply.text)
    return reply.json.access_token
  }

  const inspect = (server: TestServer, text: string): Promise<TokenReport> =>
    inspectToken(text, { db: server.db, sealer: server.store.sealer, now: server.clock() })

  /** What is wrong with it; nothing for a good one. */
  const problemsOf = async (server: TestServer, text: string): Promise<readonly string[]> => {
    const { isGood, problems } = await inspect(server, text)
    assert.equal(isGood, problems.length === 0)
    return problems
  }

  test('issue 2, how it must feel: a good token is good, with its tenant, key, app and claims', async (t) => {
    const server = await prepare(t)
    const report = await inspect(server, await tokenOf(server, 'plain'))
    const [clientId] = server.credential('plain', 'sync')
    assert.deepEqual([report.isGood, report.problems, report.tenantId], [true, [], 'plain'])
    assert.equal(report.kid, report.header?.kid)
    assert.deepEqual(report.app, { clientId, id: 'sync', name: 'The sync', organizationId: 'customer' })
    assert.equal(report.claims?.client_id, clientId)
  })

  test('000: an HS512 token, whose key is published nowhere, is verified on the server itself', async (t) => {
    const server = await prepare(t)
    const token = await tokenOf(server, 'hmac')
    const report = await inspect(server, token)
    assert.deepEqual([report.isGood, report.header?.alg, report.tenantId], [true, 'HS512', 'hmac'])
    const altered = `${token.slice(0, -6)}AAAAAA`
    assert.match((await problemsOf(server, altered))[0] ?? '', /was altered or cut/)
  })

  test('003-07, 003-09: a token without kid and exp is good, and its app is known by the claim its dialect fills', async (t) => {
    const server = await prepare(t)
    const report = await inspect(server, await tokenOf(server, 'bare'))
    assert.deepEqual([report.isGood, report.claims?.exp, report.header?.kid], [true, undefined, undefined])
    assert.equal(report.app?.id, 'sync')
  })

  test('issue 2: a token that names no app has nothing against it, and its sub is not taken for one', async (t) => {
    const server = await prepare(t)
    const report = await inspect(server, await tokenOf(server, 'nameless'))
    assert.deepEqual([report.problems, report.app], [[], null])
  })

  test('issue 2: a dialect that names client and credential otherwise is still read', async (t) => {
    const server = await prepare(t)
    const token = await tokenOf(server, 'renamed')
    const [clientId] = server.credential('renamed', 'sync')
    assert.equal((await inspect(server, token)).app?.clientId, clientId)
    await server.db.write((tx) => removeCredential(tx, 'renamed', clientId, 'main'))
    assert.deepEqual(await problemsOf(server, token), ['The secret it was got with no longer exists.'])
  })

  test('RFC 7519 §4.1.4: a token is expired on its exp, not one second later', async (t) => {
    const server = await prepare(t)
    const token = await tokenOf(server, 'plain')
    await server.advance(599)
    assert.deepEqual(await problemsOf(server, token), [])
    await server.advance(1)
    assert.match((await problemsOf(server, token))[0] ?? '', /^It expired at 20\d\d-\d\d-\d\dT.*Z\.$/)
  })

  test('issue 2: a token from the future says so', async (t) => {
    const server = await prepare(t)
    const token = await tokenOf(server, 'plain')
    const before = { db: server.db, sealer: server.store.sealer, now: server.clock() - 61 }
    assert.match((await inspectToken(token, before)).problems[0] ?? '', /^It was issued in the future/)
  })

  test('issue 2: a token that was altered or cut is told from one of another server', async (t) => {
    const server = await prepare(t)
    const [header, , signature] = (await tokenOf(server, 'plain')).split('.')
    const claims = Buffer.from(JSON.stringify({ sub: 'somebody', exp: 9_999_999_999 })).toString('base64url')
    for (const altered of [`${header}.${claims}.${signature}`, `${header}.${claims}.`]) {
      const report = await inspect(server, altered)
      assert.match(report.problems[0] ?? '', /^The signature is wrong: it names key .* of tenant plain/)
      assert.deepEqual([report.tenantId, report.app, report.claims?.sub], [null, null, 'somebody'])
    }
    const { privateKey } = await generateKeyPair('ES256')
    const foreign = (kid?: string) =>
      new SignJWT({ sub: 'x' }).setProtectedHeader({ alg: 'ES256', ...(kid && { kid }) }).sign(privateKey)
    assert.deepEqual(await problemsOf(server, await foreign('theirs')), [
      'It is from elsewhere (this server has no key of that id), or of another database: name it with --config or --data.',
    ])
    assert.match(
      (await problemsOf(server, await foreign()))[0] ?? '',
      /^No key of this server made its signature/,
    )
  })

  test('RFC 8725 §3.1: an unsigned token is not good, whatever it claims', async (t) => {
    const server = await prepare(t)
    const [clientId] = server.credential('plain', 'sync')
    const unsigned = new UnsecuredJWT({ sub: clientId, client_id: clientId }).encode()
    assert.deepEqual(await problemsOf(server, unsigned), ['Nobody signed it: its header names no algorithm.'])
  })

  test('issue 2: a token signed with a public key as an HMAC secret is not good', async (t) => {
    const server = await prepare(t)
    await tokenOf(server, 'plain')
    const [key] = await listSigningKeys(server.db, 'plain')
    const confused = await new SignJWT({ sub: 'x' })
      .setProtectedHeader({ alg: 'HS512', kid: key?.kid ?? '' })
      .sign(Buffer.from(JSON.stringify(key?.publicJwk)))
    assert.match((await problemsOf(server, confused))[0] ?? '', /^The signature is wrong/)
  })

  test('003-02: the token of a deleted app, a disabled app or a removed secret is not good, and says which', async (t) => {
    const server = await prepare(t)
    const { db } = server
    const token = await tokenOf(server, 'plain')
    const [clientId] = server.credential('plain', 'sync')
    const credential = { id: 'main', format: 'sha256', verifier: Buffer.alloc(32), pepperVersion: null }
    await db.write((tx) => saveCredential(tx, 'plain', clientId, { ...credential, disabledAt: tx.now }))
    assert.deepEqual(await problemsOf(server, token), ['The secret it was got with is disabled.'])
    await db.write((tx) => removeCredential(tx, 'plain', clientId, 'main'))
    assert.deepEqual(await problemsOf(server, token), ['The secret it was got with no longer exists.'])
    await db.write((tx) => removeApp(tx, 'plain', clientId))
    assert.deepEqual(await problemsOf(server, token), ['Its app no longer exists.'])
  })

  test('issue 2: what is switched off above a token is named: app, organization, tenant', async (t) => {
    const server = await prepare(t)
    const { db } = server
    const token = await tokenOf(server, 'plain')
    const off = (table: 'apps' | 'organizations' | 'tenants', column: 'tenant_id' | 'id') =>
      db.write((tx) =>
        tx.kysely.updateTable(table).set({ disabled_at: tx.now }).where(column, '=', 'plain').execute(),
      )
    await off('apps', 'tenant_id')
    await off('organizations', 'tenant_id')
    await off('tenants', 'id')
    assert.deepEqual(await problemsOf(server, token), [
      'Its tenant is disabled.',
      'Its app is disabled.',
      'Its organization is disabled.',
    ])
  })

  test('issue 4: an opaque token is read, and a revoked one says so', async (t) => {
    const hidden = tenant('hidden', [app('sync')], { apis: [{ ...restApi, token_format: 'opaque' }] })
    const server = await startTestServer(t, store, blueprint(hidden))
    const token = await tokenOf(server, 'hidden')
    const report = await inspect(server, token)
    assert.deepEqual(
      [report.isGood, report.tenantId, report.kid, report.header],
      [true, 'hidden', null, null],
    )
    await server.db.write((tx) => revoke(tx, 'hidden', { kind: 'tenant', subjectId: 'hidden' }))
    assert.deepEqual(await problemsOf(server, token), [
      'It is revoked: all tokens of its tenant were revoked after it was issued.',
    ])
    await server.advance(600)
    assert.match((await problemsOf(server, token))[0] ?? '', /^It expired at /)
  })

  test('issue 2: a token under a retired key says so', async (t) => {
    const server = await prepare(t)
    const token = await tokenOf(server, 'plain')
    const [key] = await listSigningKeys(server.db, 'plain')
    await server.db.write((tx) => moveSigningKey(tx, 'plain', key?.kid ?? '', 'active', 'retired'))
    assert.deepEqual(await problemsOf(server, token), ['Its signing key is retired.'])
  })

  test('issue 2: organizations of one app id in two customers are not mixed up', async (t) => {
    const two = tenant('two', [], {
      organizations: [organization('one', [app('sync')]), organization('other', [app('sync-2')])],
    })
    const server = await startTestServer(t, store, blueprint(two))
    const reply = await server.token('two', { basic: server.credential('two', 'sync-2') })
    assert.equal((await inspect(server, reply.json.access_token)).app?.organizationId, 'other')
  })
})
