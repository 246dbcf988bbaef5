/** RFC 7523 §2.1 and ID-JAG: an outside issuer says for whom; whatever is not exactly so is `invalid_grant`. */
import assert from 'node:assert/strict'
import { createHmac, createPublicKey } from 'node:crypto'
import { test } from 'node:test'
import { calculateJwkThumbprint } from 'jose'
import { revoke } from '../../src/store/revocations.ts'
import { compileSecurity } from '../../src/tenants/security.ts'
import { compileTrustedIssuers } from '../../src/tenants/trusted-issuers.ts'
import { createTestServer, forEachStore } from '../harness.ts'
import { assertError, assertInvalidClient, assertToken, assertUnavailable, freshAddress } from './answers.ts'
import { assertActive, assertInactive, introspect } from './ends.ts'
import { type Changes, exchangeTenant, files, idp, jwtBearer, rest, startExchange } from './exchanges.ts'
import { lateFeed } from './late-feed.ts'
import { publish } from './published.ts'
import { blueprint } from './sample.ts'
import { claimsOf, freshId, type Members, makeKey, proof, reasonOf, sign } from './signed.ts'

const here = 'https://localhost:8443/acme'

forEachStore((_engine, suite) => {
  test('RFC 7523 §2.1, trust F39: the token is for whom the issuer says, by issuer and subject', async (t) => {
    const { server, bear, assertion } = await startExchange(t, {}, suite)
    const reply = await bear(await assertion(), { scope: 'read' })
    const token = assertToken(reply)
    const { jti, ...claims } = claimsOf(reply) as Record<string, unknown>
    const now = server.clock()
    assert.deepEqual(claims, {
      iss: here,
      sub: `${idp}#alice`,
      aud: rest,
      exp: now + 600,
      iat: now,
      client_id: 'broker',
      scope: 'read',
      org_id: 'provider',
      cred: 'main',
      derived_from: [{ sub: `${idp}#alice`, iat: now }],
    })
    assert.equal(reply.json.issued_token_type, undefined)
    assert.equal(reply.json.refresh_token, undefined)
    assertActive(await introspect(server, token))
    // An e-mail address is no identity, and neither is a subject of another issuer.
    const other = await bear(await assertion({ email: 'alice@example', sub: 'bob' }))
    assert.equal(claimsOf(other).sub, `${idp}#bob`)
    await server.db.write((tx) => revoke(tx, 'acme', { kind: 'user', subjectId: `${idp}#alice` }))
    assertInactive(await introspect(server, token))
    assertActive(await introspect(server, other.json.access_token))
    // What was said before the cut-off opens nothing after it; what is said later does.
    assertError(await bear(await assertion({ iat: now - 10 })), 'invalid_grant')
    assertError(await bear(await assertion({ iat: undefined })), 'invalid_grant')
    await server.advance(1)
    assertToken(await bear(await assertion()))
  })

  test('RFC 7523 §3, trust F1: an assertion counts once: of fifty at once, at another node, after a restart', async (t) => {
    const key = await makeKey()
    const { open, clock } = await suite.prepare(t)
    const [first, second] = [await open(), await open()]
    const one = await createTestServer({ db: first, clock, blueprints: [blueprint(exchangeTenant(key))] })
    const other = await createTestServer({ db: second, clock, blueprints: [] })
    t.after(() => Promise.all([one.server.close(), other.server.close()]))
    const claims = { iss: idp, sub: 'alice', aud: here, jti: freshId(), iat: clock(), exp: clock() + 300 }
    const assertion = await sign(key, claims, { kid: 'idp' })
    const basic = one.credential('acme', 'broker')
    const bear = (server: typeof one, text = assertion) =>
      server.token('acme', {
        basic,
        body: { grant_type: jwtBearer, assertion: text },
        clientAddress: freshAddress(),
      })
    const replies = await Promise.all(Array.from({ length: 50 }, (_, time) => bear(time % 2 ? one : other)))
    assert.equal(replies.filter(({ status }) => status === 200).length, 1)
    for (const reply of replies.filter(({ status }) => status !== 200)) assertError(reply, 'invalid_grant')
    const later = await createTestServer({ db: await open(), clock, blueprints: [] })
    t.after(() => later.server.close())
    assertError(await bear(later), 'invalid_grant')
    // Another signature over the same claims is the same assertion.
    assertError(await bear(one, await sign(key, claims, { kid: 'idp' })), 'invalid_grant')
    assertToken(await bear(one, await sign(key, { ...claims, jti: freshId() }, { kid: 'idp' })))
  })

  test('ID-JAG §4.4.1: it is for one client, its resource and its scopes, and counts once', async (t) => {
    const { server, bear, idJag } = await startExchange(t, {}, suite)
    const one = await idJag()
    const reply = await bear(one)
    assertToken(reply)
    assert.deepEqual(
      [claimsOf(reply).aud, reply.json.scope, claimsOf(reply).sub],
      [rest, 'read', `${idp}#alice`],
    )
    assertError(await bear(one), 'invalid_grant')
    const relay = { basic: server.credential('acme', 'relay') }
    assertError(await bear(await idJag(), {}, relay), 'invalid_grant')
    assert.equal(reasonOf(server), 'ID-JAG for another client')
    assertToken(await bear(await idJag({ client_id: 'relay' }), {}, relay))
  })
})

test('trust 86, F4, F18: an algorithm, audience, issuer, time or claim that is not right is invalid_grant', async (t) => {
  const { server, bear, assertion, key } = await startExchange(t)
  const now = server.clock()
  const changes: readonly Members[] = [
    { iss: 'https://evil.example' },
    { iss: `${idp}/` },
    { iss: undefined },
    { iss: [idp] },
    { iss: here },
    { sub: undefined },
    { sub: '' },
    { sub: 'x'.repeat(256) },
    { sub: 7 },
    { aud: undefined },
    { aud: `${here}/oauth2/token` },
    { aud: [here, 'https://other.example'] },
    { aud: 'https://localhost:8443/elsewhere' },
    { exp: undefined },
    { exp: null },
    { exp: now - 60 },
    { exp: now + 3_601 },
    { iat: now + 61 },
    { iat: undefined },
    { iat: now - 86_461 },
    { act: { sub: 'sync', iss: here } },
    { nbf: now + 61 },
    { jti: undefined },
    { jti: '' },
    { jti: 'x'.repeat(257) },
    { cnf: { jwk: key.publicJwk } },
  ]
  for (const change of changes) {
    const reply = await bear(await assertion(change))
    assertError(reply, 'invalid_grant')
    assert.equal(reply.json.error_description.includes('sub'), false)
  }
  const claims = { iss: idp, sub: 'alice', aud: here, jti: freshId(), exp: now + 60 }
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const pem = createPublicKey({ key: JSON.parse(JSON.stringify(key.publicJwk)), format: 'jwk' })
    .export({ format: 'pem', type: 'spki' })
    .toString()
  for (const secret of [pem, ` ${pem}`, JSON.stringify(key.publicJwk)]) {
    const input = `${encode({ alg: 'HS256', kid: 'idp' })}.${encode(claims)}`
    const mac = createHmac('sha256', secret).update(input).digest('base64url')
    assertError(await bear(`${input}.${mac}`), 'invalid_grant')
  }
  for (const alg of ['none', 'nOnE'])
    assertError(await bear(`${encode({ alg })}.${encode(claims)}.AA`), 'invalid_grant')
  assertError(await bear(await assertion({}, {}, await makeKey())), 'invalid_grant')
  assertError(await bear(await assertion({}, { typ: 'at+jwt' })), 'invalid_grant')
  assertError(await bear(await assertion({}, { typ: 7 })), 'invalid_grant')
  assertError(await bear(await assertion({}, { kid: 'other' })), 'invalid_grant')
  for (const text of ['garbage', 'a.b.c', '.'.repeat(20_000)]) assertError(await bear(text), 'invalid_grant')
  assertError(await bear('-'), 'invalid_request')
  assertToken(await bear(await assertion({ aud: [here] }, { typ: 'JWT' })))
  assertToken(await bear(await assertion({ exp: now + 3_600 })))
})

test('trust 76, F21: it needs the grant, an issuer that is trusted with just this app, and a client that proves itself', async (t) => {
  const { server, bear, assertion } = await startExchange(t, {
    trusted: { apps: ['broker'] },
    alsoTrusted: [{ issuer: 'https://other.example', apps: ['relay'] }],
  })
  const as = (id: string) => ({ basic: server.credential('acme', id) })
  assertError(await bear(await assertion(), {}, as('sync')), 'unauthorized_client')
  assertInvalidClient(await bear(await assertion(), {}, { basic: ['broker', 'wrong'] }))
  assertInvalidClient(await bear(await assertion(), {}, { authorization: [], basic: ['nobody', 'x'] }))
  assertInvalidClient(await bear(await assertion(), {}, { authorization: [] }))
  const body = { grant_type: jwtBearer, assertion: await assertion() }
  const elsewhere = { basic: server.credential('elsewhere', 'sync'), body }
  assertError(await server.token('elsewhere', elsewhere), 'unsupported_grant_type')
  assertError(await bear(await assertion(), {}, as('relay')), 'invalid_grant')
  assert.match(String(reasonOf(server)), /of an issuer that this app may bring no assertion of/)
  assertToken(await bear(await assertion()))
})

test('trust F21: its subject, claims, scopes and lifetimes are those that the issuer is trusted with', async (t) => {
  const changes: Changes = {
    trusted: {
      subject: 'team:*',
      claims: { tenant: ['acme', 'beta'] },
      scopes: { rest: ['read'] },
      algorithms: ['ES256'],
      maximum_assertion_seconds: 60,
      maximum_access_token_seconds: 90,
    },
  }
  const { server, bear, assertion } = await startExchange(t, changes)
  const now = server.clock()
  const good = { sub: 'team:a', tenant: 'acme', exp: now + 60 }
  const reply = await bear(await assertion(good))
  assertToken(reply)
  assert.deepEqual(
    [reply.json.scope, reply.json.expires_in, claimsOf(reply).sub],
    ['read', 90, `${idp}?tenant=acme#team:a`],
  )
  for (const change of [
    { sub: 'alice' },
    { sub: 'team:a:b' },
    { tenant: 'other' },
    { tenant: undefined },
    { exp: now + 61 },
  ])
    assertError(await bear(await assertion({ ...good, ...change })), 'invalid_grant')
  assertError(await bear(await assertion(good), { scope: 'write' }), 'invalid_scope')
  assertError(await bear(await assertion(good), { resource: files }), 'invalid_target')
  // Refused for something else, it was not used up.
  const one = await assertion(good)
  assertError(await bear(one, { scope: 'write' }), 'invalid_scope')
  assertToken(await bear(one))
})

test('trust F4, FAPI 2.0 §5.4: an issuer signs with what it is trusted with, and with nothing that the profile forbids', async (t) => {
  const { bear, assertion, server } = await startExchange(t, { trusted: { algorithms: ['PS256', 'EdDSA'] } })
  assertError(await bear(await assertion()), 'invalid_grant')
  assert.equal(reasonOf(server), 'assertion: its algorithm is not allowed')
  const settings = { issuer: idp, apps: ['broker'] }
  const algorithmsUnder = (security: 'standard' | 'fapi2') => [
    ...(compileTrustedIssuers([settings], compileSecurity({ security })).get(idp)?.[0]?.algorithms ?? []),
  ]
  assert.deepEqual(algorithmsUnder('standard'), ['ES256', 'EdDSA', 'Ed25519', 'PS256', 'ES384', 'RS256'])
  assert.deepEqual(algorithmsUnder('fapi2'), ['ES256', 'EdDSA', 'Ed25519', 'PS256'])
})

test('ID-JAG §4.4.1: its type, resource and scope are read strictly, and what is not understood is refused', async (t) => {
  const { bear, idJag, assertion } = await startExchange(t)
  const scoped = async (changes: Members, form = {}) => bear(await idJag(changes), form)
  assert.equal((await scoped({ scope: 'read write unknown' })).json.scope, 'read write')
  assert.equal((await scoped({ scope: 'read write' }, { scope: 'write' })).json.scope, 'write')
  assert.equal((await scoped({ scope: undefined })).json.scope, 'read write')
  assertError(await scoped({ scope: 'read' }, { scope: 'write' }), 'invalid_scope')
  assertError(await scoped({ scope: 'unknown' }), 'invalid_scope')
  for (const scope of ['', ' ', 'read  write', 7, ['read'], null])
    assertError(await scoped({ scope }), 'invalid_grant')
  assert.equal(claimsOf(await scoped({ resource: files, scope: 'list' })).aud, files)
  assert.equal(claimsOf(await scoped({ resource: [rest, files] }, { resource: rest })).aud, rest)
  assertError(await scoped({ resource: [rest, files] }), 'invalid_target')
  assertError(await scoped({ resource: rest }, { resource: files }), 'invalid_target')
  assertError(await scoped({ resource: 'https://unknown.example' }), 'invalid_target')
  assertError(await scoped({ resource: [] }), 'invalid_target')
  assertError(await scoped({ client_id: undefined }), 'invalid_grant')
  assertError(await scoped({ authorization_details: [{ type: 'x' }] }), 'invalid_grant')
  assertError(await scoped({ iat: undefined }), 'invalid_grant')
  assertError(await scoped({ aud_tenant: 'other' }), 'invalid_grant')
  for (const meant of ['acme', 'provider']) assertToken(await scoped({ aud_tenant: meant }))
  assertToken(await bear(await idJag({}, { typ: 'application/OAuth-ID-JAG+jwt' })))
  const plain = await startExchange(t, { trusted: { accepts: ['assertion'] } })
  assertError(await plain.bear(await plain.idJag()), 'invalid_grant')
  const profiled = await startExchange(t, { trusted: { accepts: ['id_jag'] } })
  assertError(await profiled.bear(await profiled.assertion()), 'invalid_grant')
  assertToken(await profiled.bear(await profiled.idJag()))
  assertToken(await bear(await assertion()))
})

test('ID-JAG §6.3, trust F39: one sub of two issuers, or of two tenants of one, is never the same subject', async (t) => {
  const { bear, idJag, assertion } = await startExchange(t)
  const subjectOf = async (changes: Members): Promise<string> =>
    claimsOf(await bear(await idJag(changes))).sub ?? ''
  const subjects = [
    await subjectOf({ sub: 'alice' }),
    await subjectOf({ sub: 'alice', tenant: 'one' }),
    await subjectOf({ sub: 'alice', tenant: 'two' }),
    await subjectOf({ sub: 'one#alice' }),
    await subjectOf({ sub: 'alice', tenant: 'one#alice' }),
    await subjectOf({ sub: 'x?tenant=one#alice' }),
  ]
  assert.equal(new Set(subjects).size, subjects.length)
  assert.equal(subjects[1], `${idp}?tenant=one#alice`)
  assert.equal(claimsOf(await bear(await assertion({ sub: 'alice' }))).sub, subjects[0])
  for (const tenantId of ['', 7, null, 'x'.repeat(256), '\ud800'])
    assertError(await bear(await idJag({ tenant: tenantId })), 'invalid_grant')
})

test('ID-JAG §4.4.1: the answer says which of the resources that it names was granted, and nothing where it names none', async (t) => {
  const { bear, idJag, assertion } = await startExchange(t)
  const named = await bear(await idJag({ resource: [rest, files], scope: 'list' }), { resource: files })
  assert.deepEqual([named.json.resource, claimsOf(named).aud], [files, files])
  for (const reply of [await bear(await idJag({ resource: undefined })), await bear(await assertion())]) {
    assertToken(reply)
    assert.equal('resource' in reply.json, false)
  }
})

test('ID-JAG §8.6.1.2.4: where tokens are bound, one that is bound to nothing and brought without a proof is no grant', async (t) => {
  for (const demand of ['any', 'dpop', 'mtls']) {
    const { bear, idJag } = await startExchange(t, { tenant: { sender_constraint: demand } })
    assertError(await bear(await idJag()), 'invalid_grant')
  }
  const { server, bear, idJag } = await startExchange(t, { tenant: { sender_constraint: 'dpop' } })
  const one = await idJag()
  assertError(await bear(one), 'invalid_grant')
  const reply = await bear(one, {}, { dpop: [await proof(await makeKey(), server.clock())] })
  assertToken(reply)
  assert.equal(reply.json.token_type, 'DPoP')
})

test('RFC 8693 §4.1, §4.4: who acts in an assertion is handed on, and who may is obeyed', async (t) => {
  const { bear, idJag, assertion } = await startExchange(t)
  const reply = await bear(
    await idJag({ act: { sub: 'agent', act: { sub: 'portal', iss: 'https://p.example' } } }),
  )
  assert.deepEqual(claimsOf(reply).act, {
    sub: 'agent',
    iss: idp,
    act: { sub: 'portal', iss: 'https://p.example' },
  })
  for (const act of ['agent', {}, { sub: 7 }, null])
    assertError(await bear(await idJag({ act })), 'invalid_grant')
  const iss = 'https://localhost:8443/acme'
  assertToken(await bear(await assertion({ may_act: { sub: 'broker', iss } })))
  // Without an issuer it is one of the outside issuer's own, whatever it is called.
  for (const mayAct of [{ sub: 'relay', iss }, { sub: 'broker' }, { sub: 'broker', iss: idp }])
    assertError(await bear(await assertion({ may_act: mayAct })), 'invalid_grant')
  for (const sub of ['mallory\u0000', 'a\nb', '\u0085'])
    assertError(await bear(await assertion({ sub })), 'invalid_grant')
})

test('ID-JAG §8.6.1.2: bound to a key, it is brought with a proof of it, and a nonce asked for costs no assertion', async (t) => {
  const { server, bear, idJag } = await startExchange(t, { tenant: { dpop_nonce: 'required' } })
  const [key, other] = [await makeKey(), await makeKey()]
  const jkt = await calculateJwkThumbprint(key.publicJwk, 'sha256')
  const by = async (one: typeof key, nonce?: string) => ({
    dpop: [await proof(one, server.clock(), { nonce })],
  })
  const bound = await idJag({ cnf: { jkt } })
  assertError(await bear(bound), 'invalid_grant')
  const first = await bear(bound, {}, await by(key))
  assertError(first, 'use_dpop_nonce')
  const nonce = first.headers['DPoP-Nonce']
  assertError(await bear(bound, {}, await by(other, nonce)), 'invalid_grant')
  const reply = await bear(bound, {}, await by(key, nonce))
  assertToken(reply)
  assert.deepEqual([reply.json.token_type, claimsOf(reply).cnf], ['DPoP', { jkt }])
})

test('trust F23: only a trusted issuer makes us fetch, after its claims were read, and its metadata speaks for itself', async (t) => {
  const key = await makeKey()
  const { fetched, fetchJson } = publish(idp, key, 'idp')
  const { bear, assertion } = await startExchange(t, { trusted: { jwks: undefined } }, undefined, {
    fetchJson,
  })
  for (const change of [{ iss: 'https://evil.example' }, { aud: 'https://other.example' }, { exp: 1 }])
    assertError(
      await bear(await assertion(change, { jku: 'https://evil.example/keys' }, key)),
      'invalid_grant',
    )
  assert.deepEqual(fetched, [])
  for (let time = 0; time < 2; time += 1) assertToken(await bear(await assertion({}, {}, key)))
  assert.deepEqual(fetched, [`${idp}/.well-known/openid-configuration`, `${idp}/keys`])
})

test('trust F2: with the database gone nothing can be counted once, so nothing is given', async (t) => {
  let isGone = false
  const { bear, assertion } = await startExchange(
    t,
    {},
    undefined,
    lateFeed(() => (isGone ? 10 : 0)),
  )
  const one = await assertion()
  isGone = true
  assertUnavailable(await bear(one))
  isGone = false
  assertToken(await bear(one))
})
