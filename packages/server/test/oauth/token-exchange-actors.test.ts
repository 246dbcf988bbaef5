/** RFC 8693 §4: who acts in an exchanged token, who may, and what the token says of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { revoke } from '../../src/store/revocations.ts'
import { assertError, assertToken } from './answers.ts'
import { assertInactive, introspect } from './ends.ts'
import {
  accessTokenType,
  assertExchanged,
  assertRefusedToken,
  atOwnHost,
  files,
  idp,
  jwtBearer,
  jwtType,
  ownHost,
  startExchange,
  tokenExchange,
} from './exchanges.ts'
import { claimsOf, reasonOf } from './signed.ts'

const hosted = { hosts: [new URL(ownHost).hostname] }

test('trust F21: who brings a token that others acted with must be trusted with all of them', async (t) => {
  const { server, of, exchange } = await startExchange(t, { policy: { subjects: ['relay'] } })
  const relay = { basic: server.credential('acme', 'relay') }
  const relayed = assertExchanged(await exchange(await of('sync'), {}, relay))
  assertRefusedToken(await exchange(relayed))
  assert.match(String(reasonOf(server)), /of app sync/)
  assertExchanged(await exchange(assertExchanged(await exchange(await of('relay'), {}, relay))))
})

test('RFC 8693 §4.1: making less of a token that it holds adds no actor; a chain has an end', async (t) => {
  const { server, of, exchange } = await startExchange(t)
  const own = await exchange(await of('broker'), { scope: 'read' })
  assert.deepEqual([claimsOf(own).sub, claimsOf(own).act], ['broker', undefined])
  const held = assertExchanged(await exchange(await of('sync')))
  assert.deepEqual(claimsOf(await exchange(held, { scope: 'read' })).act, { sub: 'broker' })
  const chain = await startExchange(t, { policy: { subjects: ['*'] } })
  let token = await chain.of('sync')
  const both = ['broker', 'relay']
  for (let step = 0; step < 5; step += 1) {
    const basic = chain.server.credential('acme', both[step % 2] ?? '')
    token = assertExchanged(await chain.exchange(token, {}, { basic }))
  }
  assertRefusedToken(await chain.exchange(token, {}, { basic: chain.server.credential('acme', 'relay') }))
  assert.match(String(reasonOf(chain.server)), /too many/)
  assertExchanged(await exchange(await of('sync'), {}, { basic: server.credential('acme', 'relay') }))
})

test('RFC 8693 §2.1, §4.1: an actor token shows who acts, if it is alive, its own, or one that may be shown', async (t) => {
  const { server, of, exchange } = await startExchange(t, { policy: { actors: ['other'] } })
  const [subject, other] = [await of('sync'), await of('other')]
  const by = (actor: string) => ({ actor_token: actor, actor_token_type: accessTokenType })
  const reply = await exchange(subject, by(other))
  const token = assertExchanged(reply)
  const [otherId] = server.credential('acme', 'other')
  assert.deepEqual(claimsOf(reply).act, { sub: otherId })
  assert.deepEqual(claimsOf(await exchange(subject, by(await of('broker')))).act, { sub: 'broker' })
  assertRefusedToken(await exchange(subject, by(await of('relay'))))
  assertRefusedToken(await exchange(subject, by('garbage')))
  assertRefusedToken(await exchange(subject, by(assertExchanged(await exchange(await of('sync'))))))
  await server.db.write((tx) => revoke(tx, 'acme', { kind: 'app', subjectId: otherId }))
  assertInactive(await introspect(server, token))
  assertRefusedToken(await exchange(subject, by(other)))
})

test('RFC 8693 §4.1: who acts for somebody else is no actor, whoever may be shown', async (t) => {
  const { server, of, exchange } = await startExchange(t, { policy: { actors: ['sync'] } })
  const subject = await of('sync')
  const acting = assertExchanged(await exchange(subject))
  assertRefusedToken(await exchange(subject, { actor_token: acting, actor_token_type: accessTokenType }))
  assert.equal(reasonOf(server), 'actor token: speaks for another')
  assertExchanged(await exchange(subject, { actor_token: subject, actor_token_type: accessTokenType }))
})

test('RFC 8693 §1.1: impersonation shows nobody who acts, and dies with its client all the same', async (t) => {
  const { server, of, exchange } = await startExchange(t, { policy: { mode: 'impersonation' } })
  const subject = await of('sync')
  const reply = await exchange(subject)
  const token = assertExchanged(reply)
  const { sub, act, client_id: clientId } = claimsOf(reply)
  assert.deepEqual([sub, act, clientId], ['sync', undefined, 'broker'])
  const actor = { actor_token: await of('broker'), actor_token_type: accessTokenType }
  assertRefusedToken(await exchange(subject, actor))
  await server.db.write((tx) => revoke(tx, 'acme', { kind: 'credential', subjectId: 'broker main' }))
  assertInactive(await introspect(server, token))
})

test('RFC 8693 §4.4: may_act names who may, and nobody else does, also not by a detour', async (t) => {
  const { exchange, assertion, server } = await startExchange(t, { policy: { subjects: ['*'] } })
  const type = { subject_token_type: jwtType, resource: files }
  const with_ = async (mayAct: unknown) => exchange(await assertion({ may_act: mayAct }), type)
  const here = 'https://localhost:8443/acme'
  for (const good of [
    { sub: 'broker', iss: here },
    { client_id: 'broker', iss: here },
  ])
    assertExchanged(await with_(good))
  for (const bad of [
    // One of the outside issuer's own, whatever it is called.
    { sub: 'broker' },
    { client_id: 'broker' },
    { sub: 'relay', iss: here },
    { sub: 'broker', iss: idp },
    { sub: 'broker', email: 'a@b' },
    {},
    'broker',
    null,
    [],
  ])
    assertRefusedToken(await with_(bad))
  const token = assertExchanged(await with_({ sub: 'broker', iss: here }))
  const relay = { basic: server.credential('acme', 'relay') }
  assertRefusedToken(await exchange(token, { resource: files }, relay))
  assertExchanged(await exchange(token, { resource: files, scope: 'list' }))
})

test('RFC 8693 §4.1: a token that was issued under another host of its tenant is its own, as subject and as actor', async (t) => {
  const { server, of, exchange } = await startExchange(t, { tenant: hosted, policy: { actors: ['other'] } })
  const made = async (appId: string) =>
    assertToken(await atOwnHost(server, { grant_type: 'client_credentials' }, appId))
  const [subject, actor] = [await made('sync'), await made('other')]
  const by = (text: string) => ({ actor_token: text, actor_token_type: accessTokenType })
  const [otherId] = server.credential('acme', 'other')
  for (const [one, other] of [
    [subject, await of('other')],
    [await of('sync'), actor],
  ] as const)
    assert.deepEqual(claimsOf(await exchange(one, by(other))).act, { sub: otherId })
})

test('RFC 8693 §4.1, §4.4: by whichever host it comes, nobody of ours has acted by the word of another, and who may act does', async (t) => {
  const { server, exchange, bear, assertion, idJag } = await startExchange(t, { tenant: hosted })
  const type = { subject_token_type: jwtType, resource: files }
  const here = 'https://localhost:8443/acme'
  const exchangeThere = (subject: string) =>
    atOwnHost(server, {
      ...{ grant_type: tokenExchange, subject_token: subject },
      ...{ subject_token_type: jwtType, resource: files },
    })
  const bearThere = (token: string) => atOwnHost(server, { grant_type: jwtBearer, assertion: token })
  const there = { aud: ownHost }
  const ofHost = { act: { sub: 'sync', iss: ownHost } }
  const ofPath = { act: { sub: 'sync', iss: here }, ...there }
  assertRefusedToken(await exchange(await assertion(ofHost), type))
  assertRefusedToken(await exchangeThere(await assertion(ofPath)))
  assertError(await bear(await idJag(ofHost)), 'invalid_grant')
  assertError(await bearThere(await idJag(ofPath)), 'invalid_grant')
  const may = (iss: string) => ({ may_act: { sub: 'broker', iss } })
  assertExchanged(await exchange(await assertion(may(ownHost)), type))
  assertExchanged(await exchangeThere(await assertion({ ...may(here), ...there })))
  assertToken(await bear(await assertion(may(ownHost))))
})

test('RFC 8693 §4.1: whoever is said to have acted has a name', async (t) => {
  const { exchange, bear, assertion, idJag } = await startExchange(t)
  const type = { subject_token_type: jwtType, resource: files }
  const nameless = [
    { sub: '' },
    { iss: idp },
    { sub: 'portal', iss: '' },
    { sub: 'portal', act: { sub: '' } },
  ]
  for (const act of nameless) {
    assertRefusedToken(await exchange(await assertion({ act }), type))
    assertError(await bear(await idJag({ act })), 'invalid_grant')
  }
})

test('ID-JAG §8.3: whom a tenant trusts is never itself, by none of its hosts', async (t) => {
  const { bear, assertion, server } = await startExchange(t, {
    tenant: hosted,
    trusted: { issuer: ownHost },
  })
  assertError(await bear(await assertion({ iss: ownHost })), 'invalid_grant')
  assert.equal(reasonOf(server), 'assertion: of no outside issuer')
})
