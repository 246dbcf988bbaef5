/** RFC 8693: what comes out of an exchange is never more than what went in, says for whom, and dies with either. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspectToken } from '../../src/inspect/inspect-token.ts'
import { removeCredential } from '../../src/store/credentials.ts'
import { revoke } from '../../src/store/revocations.ts'
import { forEachStore } from '../harness.ts'
import {
  assertError,
  assertInvalidClient,
  assertToken,
  assertUnavailable,
  freshAddress,
  grant,
} from './answers.ts'
import { assertActive, assertInactive, assertRevoked, introspect, revokeToken } from './ends.ts'
import {
  accessTokenType,
  assertExchanged,
  assertRefusedToken,
  exchangeTenant,
  files,
  filesApi,
  idp,
  jwtType,
  rest,
  startExchange,
  tokenExchange,
  vaultApi,
} from './exchanges.ts'
import { lateFeed } from './late-feed.ts'
import { setDisabled } from './rows.ts'
import { app, blueprint, restApi } from './sample.ts'
import { claimsOf, reasonOf, sign } from './signed.ts'

forEachStore((_engine, suite) => {
  test('RFC 8693 §2.2.1, §4.1: the token speaks for its subject, says who acts, and hangs on both', async (t) => {
    const { server, of, exchange } = await startExchange(t, {}, suite)
    const subject = await of('sync')
    const reply = await exchange(subject, { scope: 'read' })
    const token = assertExchanged(reply)
    const { jti, iat } = JSON.parse(Buffer.from(subject.split('.')[1] ?? '', 'base64url').toString())
    const { derived_from: derivedFrom, ...claims } = claimsOf(reply) as Record<string, unknown>
    assert.deepEqual(
      { ...claims, jti: undefined },
      {
        iss: 'https://localhost:8443/acme',
        sub: 'sync',
        aud: rest,
        exp: iat + 600,
        iat,
        jti: undefined,
        client_id: 'broker',
        scope: 'read',
        org_id: 'customer',
        cred: 'main',
        act: { sub: 'broker' },
      },
    )
    const kid = JSON.parse(Buffer.from(subject.split('.')[0] ?? '', 'base64url').toString()).kid
    assert.deepEqual(derivedFrom, [
      {
        client_id: 'sync',
        cred: 'main',
        org_id: 'customer',
        jti,
        kid,
        iat,
        api: 'rest',
        scope: 'read write',
      },
      { client_id: 'broker', cred: 'main', org_id: 'provider', iat },
    ])
    assert.equal(reply.json.scope, 'read')
    assert.equal(reply.json.token_type, 'Bearer')
    assert.equal(reply.json.refresh_token, undefined)
    const told = await introspect(server, token)
    assertActive(told)
    assert.equal(told.json.client_id, 'broker')
    assert.deepEqual(told.json.act, { sub: 'broker' })
  })

  const ends: readonly (readonly [
    what: string,
    kind: Parameters<typeof revoke>[2]['kind'],
    subjectId: string,
  ])[] = [
    ['the app of the subject', 'app', 'sync'],
    ['the app that acts', 'app', 'broker'],
    ['the organization of the subject', 'organization', 'customer'],
    ['the organization that acts', 'organization', 'provider'],
    ['the credential of the subject', 'credential', 'sync main'],
    ['the credential that acts', 'credential', 'broker main'],
    ['the subject', 'user', 'sync'],
    ['the tenant', 'tenant', 'acme'],
  ]
  test('trust F13, F14, F21: a cut-off of whatever an exchanged token hangs on kills it, and of others does not', async (t) => {
    for (const [what, kind, subjectId] of ends) {
      const { server, of, exchange } = await startExchange(t, {}, suite)
      const token = assertExchanged(await exchange(await of('sync')))
      await server.db.write((tx) => revoke(tx, 'acme', { kind, subjectId: 'nobody' }))
      await server.db.write((tx) => revoke(tx, 'acme', { kind: 'app', subjectId: 'relay' }))
      assertActive(await introspect(server, token))
      await server.db.write((tx) => revoke(tx, 'acme', { kind, subjectId }))
      assert.equal((await introspect(server, token)).text, '{"active":false}', what)
    }
  })

  test('trust F14, F21: so does switching off or removing what it hangs on, without any cut-off', async (t) => {
    for (const [noun, id] of [
      ['app', 'sync'],
      ['app', 'broker'],
      ['organization', 'customer'],
      ['organization', 'provider'],
      ['tenant', 'acme'],
    ] as const) {
      const { server, of, exchange } = await startExchange(t, {}, suite)
      const [subject, ofApi] = [await of('sync'), server.credential('acme', 'api')]
      const token = assertExchanged(await exchange(subject))
      await setDisabled(server.db, noun, 'acme', id, server.clock())
      // The API's own app is of the provider.
      const asked = await introspect(server, token, { basic: ofApi })
      assert.ok(asked.status === 401 || asked.text === '{"active":false}', `${noun} ${id}: ${asked.text}`)
      await setDisabled(server.db, noun, 'acme', id, null)
      await server.db.write((tx) => removeCredential(tx, 'acme', 'sync', 'main'))
      assertInactive(await introspect(server, token))
    }
  })

  test('RFC 7009, trust 85: a subject token that is revoked takes along what was made of it, in any number of steps', async (t) => {
    const { server, of, exchange } = await startExchange(t, {}, suite)
    const subject = await of('sync')
    const once = assertExchanged(await exchange(subject))
    const relay = { basic: server.credential('acme', 'relay') }
    const reply = await exchange(once, { resource: files }, relay)
    const twice = assertExchanged(reply)
    assert.deepEqual(claimsOf(reply).act, { sub: 'relay', act: { sub: 'broker' } })
    assert.equal(claimsOf(reply).sub, 'sync')
    assertActive(await introspect(server, twice))
    assertRevoked(await revokeToken(server, subject))
    for (const dead of [subject, once, twice]) assertInactive(await introspect(server, dead))
    assertRefusedToken(await exchange(subject))
    assertRefusedToken(await exchange(once, {}, relay))
  })

  test('RFC 8693 §2.1: opaque tokens are exchanged and given out as JWTs are', async (t) => {
    const { server, of, exchange } = await startExchange(t, {}, suite)
    const reply = await exchange(await of('sync'), { audience: 'vault' })
    const token = assertExchanged(reply)
    assert.match(token, /^sp_at_/)
    const told = await introspect(server, token)
    assertActive(told)
    assert.deepEqual([told.json.sub, told.json.act, told.json.scope], ['sync', { sub: 'broker' }, 'open'])
    const back = await exchange(token, { resource: files })
    assert.equal(claimsOf(back).sub, 'sync')
    assertRefusedToken(await exchange(token, { subject_token_type: jwtType, resource: files }))
    assertError(
      await exchange(await of('sync'), { audience: 'vault', requested_token_type: jwtType }),
      'invalid_request',
    )
    await server.db.write((tx) => revoke(tx, 'acme', { kind: 'app', subjectId: 'sync' }))
    assertInactive(await introspect(server, token))
  })
})

test('RFC 8693 §2.1, trust F21: on its own API a token yields its own scopes or fewer, however they are asked for', async (t) => {
  const { server, exchange } = await startExchange(t)
  const basic = server.credential('acme', 'sync')
  const narrow = assertToken(await server.token('acme', { basic, body: { ...grant, scope: 'read' } }))
  assert.equal((await exchange(narrow)).json.scope, 'read')
  assertError(await exchange(narrow, { scope: 'write' }), 'invalid_scope')
  assertError(await exchange(narrow, { scope: 'read write' }), 'invalid_scope')
  assertError(await exchange(narrow, { scope: 'unknown' }), 'invalid_scope')
})

test('RFC 8693 §2.1, trust F21: no detour over another API brings back a scope that was left behind', async (t) => {
  const { server, exchange } = await startExchange(t, { policy: { targets: ['files', 'rest'] } })
  const basic = server.credential('acme', 'sync')
  const narrow = assertToken(await server.token('acme', { basic, body: { ...grant, scope: 'read' } }))
  const there = assertExchanged(await exchange(narrow, { resource: files, scope: 'list' }))
  assert.equal((await exchange(there, { resource: rest })).json.scope, 'read')
  assertError(await exchange(there, { resource: rest, scope: 'write' }), 'invalid_scope')
  const back = assertExchanged(await exchange(there, { resource: rest }))
  assertError(await exchange(back, { resource: files, scope: 'get' }), 'invalid_scope')
  assert.equal((await exchange(back, { resource: files })).json.scope, 'list')
})

test('RFC 8693 §2.1, trust 73-75: another API needs the policy, and opens what the app is granted there', async (t) => {
  const { of, exchange, server } = await startExchange(t, {
    policy: { targets: ['files'] },
    broker: { scopes: { rest: ['read'], files: ['list'], vault: ['open'] } },
  })
  const subject = await of('sync')
  const reply = await exchange(subject, { resource: files })
  assert.deepEqual([claimsOf(reply).aud, reply.json.scope], [files, 'list'])
  assertError(await exchange(subject, { resource: files, scope: 'get' }), 'invalid_scope')
  assertError(await exchange(subject, { audience: 'vault' }), 'invalid_target')
  assert.equal(reasonOf(server), 'API that the app may not get to from that of the subject token')
  assertError(await exchange(subject, { resource: 'https://unknown.example' }), 'invalid_target')
  assertError(await exchange(subject, { resource: rest, audience: files }), 'invalid_target')
  // The app is granted one of the two scopes of the subject.
  assert.equal((await exchange(subject)).json.scope, 'read')
  assertError(await exchange(subject, { scope: 'write' }), 'invalid_scope')
})

test('trust F21: the plan of the subject limits what is done in its name', async (t) => {
  const { of, exchange } = await startExchange(t, {
    tenant: { plans: [{ id: 'free', price: 'free', scopes: { rest: ['read', 'write'], files: ['list'] } }] },
    customer: { plan: 'free' },
  })
  const subject = await of('sync')
  assert.equal((await exchange(subject, { resource: files })).json.scope, 'list')
  assertError(await exchange(subject, { resource: files, scope: 'get' }), 'invalid_scope')
  assert.equal((await exchange(subject)).json.scope, 'read write')
  assert.equal((await exchange(await of('broker'), { resource: files })).json.scope, 'list get')
})

test('RFC 8693 §2.2.1: it ends with its subject token at the latest, and with that of its actor', async (t) => {
  const { server, of, exchange } = await startExchange(t, { policy: { actors: ['other'] } })
  const [subject, actor] = [await of('sync'), await of('other')]
  await server.advance(500)
  const reply = await exchange(subject)
  assert.deepEqual([reply.json.expires_in, claimsOf(reply).exp], [100, server.clock() + 100])
  const young = await of('sync')
  const old = { actor_token: actor, actor_token_type: accessTokenType }
  assert.equal((await exchange(young, old)).json.expires_in, 100)
  assert.equal((await exchange(young)).json.expires_in, 600)
  await server.advance(100)
  assertRefusedToken(await exchange(subject))
  assertRefusedToken(await exchange(young, old))
  const token = assertExchanged(await exchange(young))
  await server.advance(500)
  assertInactive(await introspect(server, token))
})

test('trust 85, F19, F20: of another tenant, expired, altered, of another kind or dead: one answer', async (t) => {
  const { server, of, exchange, key } = await startExchange(t)
  const subject = await of('sync')
  const basic = server.credential('elsewhere', 'sync')
  const foreign = assertToken(await server.token('elsewhere', { basic, clientAddress: freshAddress() }))
  const unsigned = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${subject.split('.')[1]}.`
  const idToken = await sign(
    key,
    { iss: idp, sub: 'alice', aud: 'broker', exp: server.clock() + 60 },
    { kid: 'idp' },
  )
  const bad = [
    foreign,
    unsigned,
    idToken,
    subject.slice(0, -2),
    `${subject}A`,
    'garbage',
    'a.b.c',
    'sp_at_x',
    '.',
  ]
  for (const one of bad) assertRefusedToken(await exchange(one))
  for (const type of ['id_token', 'refresh_token', 'saml2', 'id-jag', 'unknown'])
    assertError(
      await exchange(subject, { subject_token_type: `urn:ietf:params:oauth:token-type:${type}` }),
      'invalid_request',
    )
  assertExchanged(await exchange(subject))
  await server.advance(600)
  assertRefusedToken(await exchange(subject))
})

test('RFC 8693 §2.1: what must be there is, and what may not be is not', async (t) => {
  const { of, exchange } = await startExchange(t)
  const subject = await of('sync')
  for (const form of [
    { subject_token: '-' },
    { subject_token: '' },
    { subject_token_type: '-' },
    { actor_token: subject },
    { actor_token_type: accessTokenType },
    { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
    { requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag' },
  ])
    assertError(await exchange(subject, form), 'invalid_request')
  assertExchanged(await exchange(subject, { requested_token_type: accessTokenType }))
  assertExchanged(await exchange(subject, { requested_token_type: jwtType }), jwtType)
  assertExchanged(await exchange(subject, { subject_token_type: jwtType }))
})

test('trust 76, F21: it needs the grant, the tenant, a policy, and a client that proves itself', async (t) => {
  const { server, of, exchange } = await startExchange(t, {
    apps: [app('public', { client_id: 'public', client_authentication: ['none'], credentials: [] })],
  })
  const subject = await of('sync')
  assertError(
    await exchange(subject, {}, { basic: server.credential('acme', 'other') }),
    'unauthorized_client',
  )
  assertRefusedToken(await exchange(await of('other')))
  assert.match(String(reasonOf(server)), /whose tokens the app may not bring/)
  assertInvalidClient(await exchange(subject, {}, { basic: ['broker', 'wrong'] }))
  assertError(await exchange(subject, { client_id: 'public' }, { authorization: [] }), 'unauthorized_client')
  const closed = await startExchange(t, { policy: { subjects: ['other'] } })
  assertRefusedToken(await closed.exchange(await closed.of('sync')))
  assertExchanged(await closed.exchange(await closed.of('broker')))
  const open = await startExchange(t, { policy: { subjects: ['*'] } })
  assertExchanged(await open.exchange(await open.of('other')))
  const elsewhere = server.credential('elsewhere', 'sync')
  const body = { grant_type: tokenExchange, subject_token: subject, subject_token_type: accessTokenType }
  assertError(await server.token('elsewhere', { basic: elsewhere, body }), 'unsupported_grant_type')
})

test('trust F13: sallyport inspect says of an exchanged token that what it was made from is revoked', async (t) => {
  const { server, of, exchange } = await startExchange(t, { tenant: { dialect: clientAsSubject } })
  const token = assertExchanged(await exchange(await of('sync')))
  const { db, sealer } = server.store
  const inspect = () => inspectToken(token, { db, sealer, now: server.clock() })
  const good = await inspect()
  assert.deepEqual([good.isGood, good.app?.clientId], [true, 'broker'])
  await server.db.write((tx) => revoke(tx, 'acme', { kind: 'app', subjectId: 'sync' }))
  assert.deepEqual((await inspect()).problems, [
    'It is revoked: all tokens of its app were revoked after it was issued.',
  ])
})

const clientAsSubject = {
  token: { claims: { sub: '${client_id}', aud: '${audience}', exp: '${exp}', iat: '${iat}' } },
}

test('RFC 8693 §2.1, trust F21: no detour brings back more after an API has changed its audience', async (t) => {
  const policy = { targets: ['files', 'rest'] }
  const { server, key, of, exchange } = await startExchange(t, {
    sync: { scopes: { rest: ['read'] } },
    policy,
  })
  const token = assertExchanged(await exchange(await of('sync'), { resource: files }))
  const renamed = 'https://renamed.example'
  const apis = [{ ...restApi, audience: renamed }, filesApi, vaultApi]
  await server.apply(
    blueprint(exchangeTenant(key, { sync: { scopes: { rest: ['read'] } }, policy, tenant: { apis } })),
  )
  assertError(await exchange(token, { resource: renamed, scope: 'read write' }), 'invalid_scope')
  assertExchanged(await exchange(token, { resource: renamed, scope: 'read' }))
})

test('issue 4, trust F2: with the database gone nobody knows what is dead, so nothing is exchanged', async (t) => {
  let isGone = false
  const { of, exchange } = await startExchange(
    t,
    {},
    undefined,
    lateFeed(() => (isGone ? 10 : 0)),
  )
  const subject = await of('sync')
  isGone = true
  assertUnavailable(await exchange(subject))
  isGone = false
  assertExchanged(await exchange(subject))
})

test('settled, 002-14: an exchanged token is never served again, and a dialect never makes it its client’s own', async (t) => {
  const claims = { iss: '${issuer}', sub: '${client_id}', aud: '${audience}', exp: '${exp}', iat: '${iat}' }
  const { server, of, exchange } = await startExchange(t, {
    tenant: {
      token_reuse: true,
      dialect: {
        token: { header: { alg: '${alg}', typ: 'JWT' }, claims },
        response: { members: { access_token: '${access_token}' } },
      },
    },
  })
  const subject = await of('sync')
  const [one, two] = [await exchange(subject), await exchange(subject)]
  assert.notEqual(assertExchanged(one), assertExchanged(two))
  assert.deepEqual([claimsOf(one).sub, claimsOf(one).act], ['sync', { sub: 'broker' }])
  const told = await introspect(server, assertExchanged(one))
  assertActive(told)
  assert.deepEqual([told.json.client_id, told.json.sub], ['broker', 'sync'])
  await server.db.write((tx) => revoke(tx, 'acme', { kind: 'organization', subjectId: 'customer' }))
  assertInactive(await introspect(server, one.json.access_token))
})

test('RFC 8414 §2: metadata names the grants that the tenant has, and no others', async (t) => {
  const { server } = await startExchange(t)
  const of = async (tenantId: string) =>
    (await server.request({ url: `/.well-known/oauth-authorization-server/${tenantId}` })).json
  const acme = await of('acme')
  assert.deepEqual(acme.grant_types_supported, [
    'client_credentials',
    tokenExchange,
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
  ])
  assert.deepEqual(acme.authorization_grant_profiles_supported, [
    'urn:ietf:params:oauth:grant-profile:id-jag',
  ])
  const elsewhere = await of('elsewhere')
  assert.deepEqual(elsewhere.grant_types_supported, ['client_credentials'])
  assert.equal(elsewhere.authorization_grant_profiles_supported, undefined)
})
