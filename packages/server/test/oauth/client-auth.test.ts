// trust.md part 2 B and part 1: who is asking, and the one answer for everybody who has not proven it.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { forEachStore, type StoreSuite, startTestServer } from '../harness.ts'
import { ask, assertError, assertInvalidClient, assertToken, grant } from './answers.ts'
import { saveClient } from './rows.ts'
import { app, blueprint, tenant } from './sample.ts'
import { claimsOf } from './signed.ts'

const wrong = `sp_test_${'x'.repeat(49)}`

async function start(t: TestContext, suite: StoreSuite) {
  const apps = [
    app('sync'),
    app('basic-only', { client_authentication: ['client_secret_basic'] }),
    app('post-only', { client_authentication: ['client_secret_post'] }),
    app('public', { client_id: 'public', client_authentication: ['none'], credentials: [] }),
  ]
  const server = await startTestServer(
    t,
    suite,
    blueprint(tenant('acme', apps), tenant('other', [app('sync')])),
  )
  const sync = server.credential('acme', 'sync')
  const [clientId, clientSecret] = sync
  return { server, sync, clientId, clientSecret }
}

forEachStore((_engine, suite) => {
  test('trust 24: without credentials there is no client', async (t) => {
    const { server, clientId, clientSecret } = await start(t, suite)
    assertInvalidClient(await ask(server, {}))
    assertInvalidClient(await ask(server, { body: { ...grant, client_id: clientId } }))
    assertInvalidClient(await ask(server, { body: { ...grant, client_id: 'nobody' } }))
    assertInvalidClient(await ask(server, { body: { ...grant, client_secret: clientSecret } }))
  })

  test('trust 26-27: an unknown client and a wrong secret get the same bytes', async (t) => {
    const { server, clientId, clientSecret } = await start(t, suite)
    const replies = [
      await ask(server, { basic: ['nobody', clientSecret] }),
      await ask(server, { basic: [clientId, wrong] }),
      await ask(server, { basic: [clientId, clientSecret.slice(0, -1)] }),
      await ask(server, { basic: [clientId, `${clientSecret}x`] }),
      await ask(server, { basic: [clientId, clientSecret.toUpperCase()] }),
      await ask(server, { basic: [clientId.toUpperCase(), clientSecret] }),
      await ask(server, { basic: [clientId, `${clientSecret}\0`] }),
    ]
    for (const reply of replies) {
      assertInvalidClient(reply)
      assert.deepEqual(reply, replies[0])
    }
  })

  test('trust 33: a wrong secret in the body is answered like one in the header', async (t) => {
    const { server, clientId, clientSecret } = await start(t, suite)
    for (const secret of [wrong, ' ', `${clientSecret} `, `"${clientSecret}"`]) {
      assertInvalidClient(
        await ask(server, { body: { ...grant, client_id: clientId, client_secret: secret } }),
      )
    }
    assertToken(await ask(server, { body: { ...grant, client_id: clientId, client_secret: clientSecret } }))
  })

  test('trust 34: two methods in one request are refused, both right or not', async (t) => {
    const { server, sync, clientId, clientSecret } = await start(t, suite)
    const other = server.credential('acme', 'basic-only')
    const bodies = [
      { client_id: clientId, client_secret: clientSecret },
      { client_secret: clientSecret },
      { client_id: other[0], client_secret: other[1] },
      { client_id: clientId, client_secret: wrong },
    ]
    for (const body of bodies) {
      assertError(await ask(server, { basic: sync, body: { ...grant, ...body } }), 'invalid_request')
    }
  })

  test('RFC 6749 §2.3.1: naming the client again in the body is allowed, naming another is not', async (t) => {
    const { server, sync, clientId } = await start(t, suite)
    assertToken(await ask(server, { basic: sync, body: { ...grant, client_id: clientId } }))
    assertToken(await ask(server, { basic: sync, body: { ...grant, client_id: '' } }))
    for (const other of ['nobody', server.credential('acme', 'basic-only')[0], clientId.toUpperCase()]) {
      assertInvalidClient(await ask(server, { basic: sync, body: { ...grant, client_id: other } }))
    }
  })

  test('trust 41: a client registered for one method cannot use another', async (t) => {
    const { server } = await start(t, suite)
    const onlyBasic = server.credential('acme', 'basic-only')
    const onlyPost = server.credential('acme', 'post-only')
    const inBody = ([client_id, client_secret]: readonly [string, string]) => ({
      body: { ...grant, client_id, client_secret },
    })
    assertToken(await ask(server, { basic: onlyBasic }))
    assertInvalidClient(await ask(server, inBody(onlyBasic)))
    assertToken(await ask(server, inBody(onlyPost)))
    assertInvalidClient(await ask(server, { basic: onlyPost }))
  })

  test('trust 76: a public client is known by name and still gets nothing here', async (t) => {
    const { server, clientSecret } = await start(t, suite)
    const named = { ...grant, client_id: 'public' }
    assertError(await ask(server, { body: named }), 'unauthorized_client')
    assertInvalidClient(await ask(server, { body: { ...named, client_secret: clientSecret } }))
    assertInvalidClient(await ask(server, { basic: ['public', clientSecret] }))
  })

  test('trust F20, 002-05, 002-07: credentials of one tenant are nothing in another', async (t) => {
    const { server, sync } = await start(t, suite)
    const other = server.credential('other', 'sync')
    assertInvalidClient(await ask(server, { basic: sync }, 'other'), 'https://localhost:8443/other')
    assertInvalidClient(await ask(server, { basic: other }))
    // The same client id in both, each with its own secret.
    await saveClient(server, 'acme', 'same-name', 'secret-of-same-name-at-acme')
    await saveClient(server, 'other', 'same-name', 'secret-of-same-name-at-other')
    assertToken(await ask(server, { basic: ['same-name', 'secret-of-same-name-at-acme'] }))
    assertInvalidClient(await ask(server, { basic: ['same-name', 'secret-of-same-name-at-other'] }))
    assertToken(await ask(server, { basic: ['same-name', 'secret-of-same-name-at-other'] }, 'other'))
  })

  test('settled: the order of checks is grant type, client, what the client may, target, scope', async (t) => {
    const { server, sync } = await start(t, suite)
    const lists: [Readonly<Record<string, string>>, string][] = [
      [{ scope: 'no', resource: 'no' }, 'invalid_request'],
      [{ grant_type: 'no', scope: 'no', resource: 'no' }, 'unsupported_grant_type'],
    ]
    for (const [body, error] of lists) assertError(await ask(server, { body }), error)
    assertInvalidClient(await ask(server, { body: { ...grant, scope: 'no', resource: 'no' } }))
    assertError(
      await ask(server, { basic: sync, body: { ...grant, scope: 'no', resource: 'no' } }),
      'invalid_target',
    )
    assertError(await ask(server, { basic: sync, body: { ...grant, scope: 'no' } }), 'invalid_scope')
  })

  test('trust F24: no parameter and no header reaches what only the server decides', async (t) => {
    const { server, sync, clientId } = await start(t, suite)
    const internal = {
      ...{
        tenant_id: 'other',
        tenant: 'other',
        client: 'x',
        iss: 'https://evil.example',
        sub: 'root',
        aud: 'x',
      },
      ...{
        exp: '9999999999',
        expires_in: '9999999',
        iat: '0',
        jti: 'x',
        org_id: 'x',
        cred: 'x',
        scopes: 'admin',
      },
      ...{
        'scopes[]': 'admin',
        roles: 'admin',
        is_disabled: 'false',
        token_type: 'x',
        now: '0',
        userId: 'root',
      },
      ...{ 'client.isDisabled': 'false', alg: 'none', kid: 'x', typ: 'JWT', token: 'x' },
    }
    const reply = await ask(server, {
      basic: sync,
      body: { ...grant, ...internal },
      headers: { 'x-client-id': 'x', 'x-tenant': 'other', 'x-forwarded-user': 'root', iss: 'x' },
    })
    assertToken(reply)
    assert.deepEqual(
      { ...claimsOf(reply), jti: 0 },
      {
        ...{ iss: 'https://localhost:8443/acme', sub: clientId, aud: 'https://api.acme.example' },
        ...{ exp: server.clock() + 600, iat: server.clock(), jti: 0, client_id: clientId },
        ...{ scope: 'read write', org_id: 'customer', cred: 'main' },
      },
    )
    assert.equal(reply.json.expires_in, 600)
  })
})
