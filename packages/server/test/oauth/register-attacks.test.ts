// RFC 7591 §5, RFC 7592 §5: what strangers and registered clients try that the RFCs only warn of, over both stores where one is asked.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { formatRegistrationToken } from '@sallyport/protocol'
import { exportStore } from '../../src/blueprint/export-store.ts'
import { findOwn } from '../../src/management/registrations/registered.ts'
import type { Database } from '../../src/store/database.ts'
import { issue } from '../certificates/issue.ts'
import { forEachStore, oneStore, type TestReply } from '../harness.ts'
import { change } from '../management/managed.ts'
import { acme } from '../management/people.ts'
import { countReads } from '../store/counted-reads.ts'
import {
  appOf,
  assertNoToken,
  assertRefused,
  registeredApps,
  startRegistering,
  type World,
} from './registering.ts'
import { makeKey } from './signed.ts'

// Its checksum is right, and anybody can make it.
const forged = formatRegistrationToken('registration', new Uint8Array(32))

const withKeys = (...keys: readonly object[]) => ({
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: { keys },
})

async function credentialsOf({ operator }: World, { json: { client_id } }: TestReply): Promise<string[]> {
  const { json } = await operator.call('GET', `${acme}/apps/${client_id}/credentials`)
  return json.items.map(({ id, standing }: Record<string, string>) => `${id} ${standing}`)
}

const takenAway = [
  ['disabled', ({ operator }: World, path: string) => change(operator, path, { disabled: true })],
  [
    'given an end',
    ({ operator, server }: World, path: string) =>
      change(operator, path, { expires_at: server.clock() + 3600 }),
  ],
  ['removed', ({ operator }: World, path: string) => operator.call('DELETE', path)],
] as const

/** How often the database is read until a token is found to be wrong for a client. */
async function readsUntilRefused(db: Database, clientId: string): Promise<number> {
  const reads = countReads(db)
  const by = { tenantId: 'acme', token: forged, clientId, requestId: undefined }
  await assert.rejects(findOwn(reads, by), { code: 'invalid_token' })
  return reads.count()
}

forEachStore((_engine, suite) => {
  test('trust 155: a client id that no database can hold is one that nobody has, and no failure of ours', async (t) => {
    const { server } = await startRegistering(t, suite)
    const authorization = [`Bearer ${forged}`]
    for (const name of ['%00', 'x%00y', '%F0%9F%92%A5', '%0a', 'x'.repeat(5000)])
      for (const method of ['GET', 'PUT', 'DELETE']) {
        assertNoToken(
          await server.request({ method, url: `/acme/oauth2/register/${name}`, authorization, body: '{}' }),
        )
        await server.advance(60)
      }
  })

  test('trust F19: with a wrong token the database is read as often for a registered client as for one that nobody knows', async (t) => {
    const world = await startRegistering(t, suite)
    const { json } = await world.register(await world.give(), {})
    const { db } = world.server
    const reads = [await readsUntilRefused(db, json.client_id), await readsUntilRefused(db, 'nobody')]
    assert.deepEqual(reads, [1, 1])
  })

  test('trust F14: a key that people took out of use does not come back under another name, at once or by and by', async (t) => {
    const world = await startRegistering(t, suite)
    const [lost, other] = [await makeKey(), await makeKey()]
    const answer = await world.register(await world.give(), withKeys({ ...lost.publicJwk, kid: 'one' }))
    const { client_id } = answer.json
    const [line = ''] = await credentialsOf(world, answer)
    const [id] = line.split(' ')
    const path = `${acme}/apps/${client_id}/credentials/${id}`
    assert.equal((await change(world.operator, path, { disabled: true })).status, 200)
    const put = (key: object) => world.configure('PUT', answer, { body: { client_id, ...withKeys(key) } })
    assertRefused(await put({ ...lost.publicJwk, kid: 'two' }), 400, 'invalid_client_metadata')
    const changed = await put({ ...other.publicJwk, kid: 'three' })
    assert.deepEqual(changed.json.jwks, { keys: [{ ...other.publicJwk, kid: 'three' }] }, changed.text)
    assertRefused(await put({ ...lost.publicJwk, kid: 'two' }), 400, 'invalid_client_metadata')
    const standings = (await credentialsOf(world, answer)).map((one) => one.split(' ')[1])
    assert.deepEqual(standings.toSorted(), ['disabled', 'good'])
  })

  test('trust F14: a key that people gave an end does not live longer because its client registers it once more', async (t) => {
    const world = await startRegistering(t, suite)
    const [ending, other] = [await makeKey(), await makeKey()]
    const answer = await world.register(await world.give(), withKeys(ending.publicJwk))
    const { client_id } = answer.json
    const [line = ''] = await credentialsOf(world, answer)
    const path = `${acme}/apps/${client_id}/credentials/${line.split(' ')[0]}`
    const end = { expires_at: world.server.clock() + 3600 }
    assert.equal((await change(world.operator, path, end)).status, 200)
    const put = (key: object) => world.configure('PUT', answer, { body: { client_id, ...withKeys(key) } })
    assert.equal((await put(other.publicJwk)).status, 200)
    assertRefused(await put(ending.publicJwk), 400, 'invalid_client_metadata')
  })

  for (const [taken, take] of takenAway)
    test(`trust F14: a client whose secret people have ${taken} makes itself no other, and no key in its place`, async (t) => {
      const world = await startRegistering(t, suite)
      const answer = await world.register(await world.give(), {})
      const { client_id } = answer.json
      const [line = ''] = await credentialsOf(world, answer)
      const path = `${acme}/apps/${client_id}/credentials/${line.split(' ')[0]}`
      assert.ok((await take(world, path)).status < 300)
      const put = (metadata: object) => world.configure('PUT', answer, { body: { client_id, ...metadata } })
      for (const method of ['client_secret_basic', 'client_secret_post']) {
        const kept = await put({ token_endpoint_auth_method: method })
        assert.deepEqual([kept.status, kept.json.client_secret], [200, undefined], kept.text)
      }
      const before = await credentialsOf(world, answer)
      const otherwise = [
        { token_endpoint_auth_method: 'client_secret_jwt' },
        withKeys((await makeKey()).publicJwk),
      ]
      for (const metadata of otherwise) {
        const refused = await put(metadata)
        assertRefused(refused, 400, 'invalid_client_metadata')
        assert.match(
          refused.json.error_description,
          /must be client_secret_post. .*ask whoever runs this server/,
        )
      }
      assert.deepEqual(await credentialsOf(world, answer), before)
    })

  test('trust R12: of changes and a removal at once each is whole, and nothing is left of a client that is gone', async (t) => {
    const world = await startRegistering(t, suite)
    const keys = [await makeKey(), await makeKey(), await makeKey()]
    const answer = await world.register(await world.give(), withKeys(keys[0]?.publicJwk ?? {}))
    const { client_id } = answer.json
    const put = ({ publicJwk }: { readonly publicJwk: object }) =>
      world.configure('PUT', answer, { body: { client_id, ...withKeys(publicJwk) } })
    const changes = await Promise.all(keys.map(put))
    assert.ok(changes.every(({ status }) => status === 200))
    assert.equal((await credentialsOf(world, answer)).length, 1)
    const all = await Promise.all([...keys.map(put), world.configure('DELETE', answer), ...keys.map(put)])
    assert.deepEqual(
      [...new Set(all.map(({ status }) => status))].filter((status) => status > 401),
      [],
    )
    assert.equal((await appOf(world, answer)).status, 404)
    assertNoToken(await world.configure('GET', answer))
  })
})

test('trust 149, F27: what stands beside the certificate of a self-signed one is a public key too, and is all that is kept', async (t) => {
  const world = await startRegistering(t, oneStore, { mtlsUrl: new URL('https://localhost:8444') })
  const token = await world.give({ registrations: 50 })
  const { der, certificate } = await issue(null)
  const x5c = [der.toString('base64')]
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const { d: _, ...half } = pair.privateKey.export({ format: 'jwk' })
  const register = (key: object) =>
    world.register(token, {
      token_endpoint_auth_method: 'self_signed_tls_client_auth',
      jwks: { keys: [{ ...key, x5c }] },
    })
  for (const key of [half, { kty: 'oct' }, {}, { kty: 'EC', crv: 'P-521' }])
    assertRefused(await register(key), 400, 'invalid_client_metadata')
  assert.equal((await registeredApps(world)).length, 0)
  const publicJwk = certificate.publicKey?.export({ format: 'jwk' })
  const { json } = await register({ ...publicJwk, note: 'anything', x5u: 'https://127.0.0.1/' })
  assert.deepEqual(json.jwks, { keys: [{ ...publicJwk, x5c }] })
})

test('trust R12: what a client says of itself is bounded as a whole, because each change leaves it twice in the audit chain', async (t) => {
  const world = await startRegistering(t, oneStore)
  const token = await world.give()
  const uri = (index: number) => `https://app.example/${index}/`.padEnd(2000, 'x')
  const metadata = (count: number) => ({ redirect_uris: Array.from({ length: count }, (_, at) => uri(at)) })
  assertRefused(await world.register(token, metadata(5)), 400, 'invalid_client_metadata')
  assert.equal((await world.register(token, metadata(4))).status, 201)
})

test('RFC 8705 §2.1.2: a name that no certificate has is refused without a word of it', async (t) => {
  const world = await startRegistering(t, oneStore, { mtlsUrl: new URL('https://localhost:8444') })
  const token = await world.give({ registrations: 50 })
  const authority = await issue(null, { name: 'CN=Test Authority', ca: true })
  const settings = { certificate_authorities: [authority.pem] }
  assert.equal((await change(world.operator, acme, settings)).status, 200)
  const names = [
    ['subject_dn', 'EVIL<x>'],
    ['subject_dn', 'CN=a,EVILATTRIBUTE=b'],
    ['san_dns', 'EVIL b'],
    ['san_ip', '0x7f.1EVIL'],
    ['san_uri', 'EVIL'],
    ['san_email', 'EVIL'],
  ] as const
  for (const [name, value] of names) {
    const method = { token_endpoint_auth_method: 'tls_client_auth' }
    const answer = await world.register(token, { ...method, [`tls_client_auth_${name}`]: value })
    assertRefused(answer, 400, 'invalid_client_metadata')
    assert.ok(!answer.text.includes('EVIL'), answer.text)
  }
  assert.ok(!JSON.stringify(world.server.logLines).includes('EVIL'))
})

test('trust 149: a kid is text that an export can hold, so that no client keeps its tenant from being exported', async (t) => {
  const world = await startRegistering(t, oneStore)
  const token = await world.give({ registrations: 50 })
  const { publicJwk } = await makeKey()
  for (const kid of ['\u0000', 'a\ud800', 'a\u202eb', '', 'x'.repeat(201), 7])
    assertRefused(
      await world.register(token, withKeys({ ...publicJwk, kid })),
      400,
      'invalid_client_metadata',
    )
  assert.equal((await world.register(token, withKeys({ ...publicJwk, kid: 'schlüssel 1' }))).status, 201)
  const { text = '' } = await exportStore(world.server.db, { tenantIds: ['acme'] })
  assert.ok(text.includes('schlüssel 1'))
  assert.ok(!text.includes('apply will refuse'), text)
})

test('issue 5: an export says that no registration is in it, and of which apps there is one', async (t) => {
  const world = await startRegistering(t, oneStore)
  const commentsOf = async () => {
    const { text = '' } = await exportStore(world.server.db, { tenantIds: ['acme'] })
    const lines = text.split('\n').filter((line) => line.startsWith('#'))
    return lines.map((line) => line.slice(2)).join(' ')
  }
  assert.match(await commentsOf(), /No blueprint holds .* registrations and their tokens, /)
  assert.doesNotMatch(await commentsOf(), /Registered by themselves/)
  await world.register(await world.give(), {})
  const [{ id }] = await registeredApps(world)
  const listed = `remove themselves. - app acme/customer/${id}`
  const comments = await commentsOf()
  assert.match(comments, /Registered by themselves: their registration access tokens, terms and descriptions/)
  assert.ok(comments.includes(listed), comments)
})

test('trust 147: a redirect URI has one reading: the host stands there as it is, in the characters of a URI', async (t) => {
  const world = await startRegistering(t, oneStore)
  const token = await world.give({ registrations: 50 })
  const uris = [
    ...['https:app.example/cb', 'https:/app.example/cb', 'https:///app.example/cb', 'http:localhost/cb'],
    ...['https://@app.example/', 'https://:@app.example/', 'https://аpple.example/cb', 'http://2130706433/'],
    ...['https://app.example\u200b/cb', 'https://%61pp.example/cb', 'http://127.1/cb', 'http://127.0.0.1./'],
    ...['https://app.example/"><script>', 'https://app.example/cb%', 'https://app.example/%zz'],
    ...['com.example.app:/é', 'com.example.app:/`'],
  ]
  for (const uri of uris)
    assertRefused(await world.register(token, { redirect_uris: [uri] }), 400, 'invalid_redirect_uri')
  for (const uri of ['HTTPS://App.example/cb', 'https://app.example:443/a%2fb', 'http://localhost:1/cb'])
    assert.equal((await world.register(token, { redirect_uris: [uri] })).status, 201, uri)
})

test('trust 153: a name of the own network is none with a dot behind it either', async (t) => {
  const world = await startRegistering(t, oneStore)
  const token = await world.give()
  for (const host of ['intranet.', '.', 'localhost..'])
    assertRefused(
      await world.register(token, { client_uri: `https://${host}/` }),
      400,
      'invalid_client_metadata',
    )
})

test('RFC 7592 §2.2: a client sends back what it was told, with the grant types that people have given it', async (t) => {
  const world = await startRegistering(t, oneStore)
  const answer = await world.register(await world.give(), {})
  const { client_id } = answer.json
  const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
  const path = `${acme}/apps/${client_id}`
  assert.equal((await change(world.operator, acme, { token_exchange: true })).status, 200)
  const given = { grant_types: ['client_credentials', exchange], token_exchange: { subjects: ['*'] } }
  const changed = await change(world.operator, path, given)
  assert.equal(changed.status, 200, changed.text)
  const { grant_types } = (await world.configure('GET', answer)).json
  assert.deepEqual(grant_types, ['client_credentials', exchange])
  const put = (body: object) => world.configure('PUT', answer, { body: { client_id, ...body } })
  assert.deepEqual((await put({ grant_types })).json.grant_types, grant_types)
  const more = [...grant_types, 'urn:ietf:params:oauth:grant-type:jwt-bearer']
  assertRefused(await put({ grant_types: more }), 400, 'invalid_client_metadata')
})
