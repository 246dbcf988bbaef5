/** RFC 8693 §2.1: tokens of outside issuers, as far as the tenant trusts them with that. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { revoke } from '../../src/store/revocations.ts'
import { assertError, assertToken } from './answers.ts'
import { assertActive, assertInactive, introspect } from './ends.ts'
import { assertExchanged, assertRefusedToken, files, idp, jwtType, rest, startExchange } from './exchanges.ts'
import { claimsOf, makeKey, reasonOf } from './signed.ts'

test('RFC 8693 §2.1, trust F39: a token of an outside issuer counts where the tenant trusts it with that', async (t) => {
  const { server, exchange, assertion } = await startExchange(t, {
    policy: { targets: ['files', 'rest'] },
    trusted: { scopes: { files: ['list'] }, maximum_access_token_seconds: 120 },
  })
  const type = { subject_token_type: jwtType, resource: files }
  const reply = await exchange(await assertion({ act: { sub: 'portal' } }), type)
  const token = assertExchanged(reply)
  const claims = claimsOf(reply)
  assert.deepEqual(
    [claims.sub, claims.act, reply.json.scope, reply.json.expires_in],
    [`${idp}#alice`, { sub: 'broker', act: { sub: 'portal', iss: idp } }, 'list', 120],
  )
  assert.deepEqual(claims.derived_from, [{ sub: `${idp}#alice`, iat: server.clock() }])
  // RFC 8693 §1: no tight bond between the two, so it may come again.
  const again = await assertion({}, { typ: 'at+jwt' })
  for (let time = 0; time < 2; time += 1) assertExchanged(await exchange(again, type))
  assertError(await exchange(again, { ...type, resource: rest }), 'invalid_target')
  for (const typ of ['oauth-id-jag+jwt', ['oauth-id-jag+jwt'], 42, null, ''])
    assertRefusedToken(await exchange(await assertion({}, { typ }), type))
  assertRefusedToken(await exchange(await assertion({ act: 'broker' }), type))
  // RFC 8693 §4.1: whoever an outside issuer says has acted is none of ours, however deep in the chain.
  const ours = { sub: 'sync', iss: 'https://localhost:8443/acme' }
  assertRefusedToken(await exchange(await assertion({ act: ours }), type))
  assertRefusedToken(await exchange(await assertion({ act: { sub: 'portal', act: ours } }), type))
  assertRefusedToken(await exchange(await assertion({ exp: server.clock() - 1 }), type))
  assertRefusedToken(await exchange(await assertion({ iss: 'https://evil.example' }), type))
  assertRefusedToken(await exchange(await assertion({}, {}, await makeKey()), type))
  assertActive(await introspect(server, token))
  await server.db.write((tx) => revoke(tx, 'acme', { kind: 'user', subjectId: `${idp}#alice` }))
  assertInactive(await introspect(server, token))
  assertRefusedToken(await exchange(again, type))
  const untrusting = await startExchange(t, { trusted: { accepts: ['assertion'] } })
  assertRefusedToken(await untrusting.exchange(await untrusting.assertion(), type))
})

test('RFC 8693 §2.1: what an issuer is not trusted with is not opened by a second exchange either', async (t) => {
  const trusted = { scopes: { rest: ['read'] } }
  const policy = { targets: ['files', 'rest'] }
  const { server, exchange, bear, assertion } = await startExchange(t, { trusted, policy })
  const ofAssertion = assertToken(await bear(await assertion()))
  const type = { subject_token_type: jwtType, resource: rest }
  const ofSubject = assertExchanged(await exchange(await assertion(), type))
  for (const token of [ofAssertion, ofSubject]) {
    assertError(await exchange(token, { resource: files }), 'invalid_target')
    assert.match(String(reasonOf(server)), /not trusted with/)
    const again = await exchange(token, { resource: rest })
    assert.equal(again.json.scope, 'read')
    assertError(await exchange(assertExchanged(again), { resource: files }), 'invalid_target')
  }
  // Of several ways of trust a token does not say which it was.
  const narrow = { issuer: idp, apps: ['broker'], claims: { group: 'guests' }, scopes: { rest: ['read'] } }
  const several = await startExchange(t, { alsoTrusted: [narrow] })
  const token = assertToken(await several.bear(await several.assertion()))
  assertError(await several.exchange(token, { resource: files }), 'invalid_target')
  assert.equal((await several.exchange(token, { resource: rest })).json.scope, 'read')
})

test('trust F39: a token of an outside issuer says when it was made, and is no older than cut-offs are kept', async (t) => {
  const { server, exchange, assertion } = await startExchange(t)
  const type = { subject_token_type: jwtType, resource: files }
  const day = 86_400
  const made = async (iat: unknown) => exchange(await assertion({ iat }), type)
  assertExchanged(await made(server.clock() - day - 60))
  for (const iat of [server.clock() - day - 61, undefined, null, String(server.clock())])
    assertRefusedToken(await made(iat))
  assert.match(String(reasonOf(server)), /iat is missing/)
})
