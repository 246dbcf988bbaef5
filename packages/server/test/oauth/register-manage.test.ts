// RFC 7592; trust 155: a registered client reads, changes and removes itself, and nobody else with what it holds.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calculateJwkThumbprint, SignJWT } from 'jose'
import { addCredential } from '../../src/store/credential-terms.ts'
import { forEachStore, oneStore } from '../harness.ts'
import { change } from '../management/managed.ts'
import { acme, customer } from '../management/people.ts'
import {
  appOf,
  assertNoToken,
  assertRefused,
  registeredApps,
  startRegistering,
  type World,
} from './registering.ts'
import { assertionClaims, jwtBearer, makeKey, sign } from './signed.ts'

const grant = { grant_type: 'client_credentials' }

/** What a client sends back of what it was told. */
const sendable = (json: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const own = [
    'registration_access_token',
    'registration_client_uri',
    'client_secret_expires_at',
    'client_id_issued_at',
  ]
  return Object.fromEntries(Object.entries(json).filter(([name]) => !own.includes(name)))
}

interface Proven {
  readonly public_key?: { readonly thumbprint: string }
}
interface AuditRecord {
  readonly actor: string
  readonly action: string
  readonly target: string
  readonly before: Proven | null
  readonly after: Proven | null
}

const isDead = async ({ server }: World, answer: { readonly json: Record<string, string> }) => {
  const { client_id = '', client_secret = '' } = answer.json
  return (await server.token('acme', { basic: [client_id, client_secret], body: grant })).status === 401
}

forEachStore((_engine, suite) => {
  test('RFC 7592 §2.1: the client reads what it is registered as, with its own token again and never its secret', async (t) => {
    const world = await startRegistering(t, suite)
    const answer = await world.register(await world.give(), { client_name: 'Build 7', software_id: 'build' })
    const read = await world.configure('GET', answer)
    assert.equal(read.status, 200, read.text)
    assert.equal(read.headers['Cache-Control'], 'no-store')
    const { client_secret, client_secret_expires_at, ...rest } = answer.json
    assert.deepEqual(read.json, rest)
  })

  test('trust 155: the token of another client, and every token after DELETE, is 401 invalid_token', async (t) => {
    const world = await startRegistering(t, suite)
    const token = await world.give({ registrations: 2 })
    const [one, other] = [await world.register(token, {}), await world.register(token, {})]
    const theirs = { token: other.json.registration_access_token }
    for (const method of ['GET', 'DELETE']) assertNoToken(await world.configure(method, one, theirs))
    // Nothing is told of what was sent either.
    for (const body of [{ client_id: one.json.client_id }, {}, 'unreadable'])
      assertNoToken(await world.configure('PUT', one, { ...theirs, body }))
    assert.equal((await registeredApps(world)).length, 2)
    const removed = await world.configure('DELETE', one)
    assert.equal(removed.status, 204)
    assert.equal(removed.text, '')
    for (const method of ['GET', 'DELETE']) assertNoToken(await world.configure(method, one))
    assert.equal((await appOf(world, one)).status, 404)
    assert.equal((await world.configure('GET', other)).status, 200)
  })

  test('RFC 7592 §2.3: a client that removes itself dies as one that its people remove: cut off, and in the chain', async (t) => {
    const world = await startRegistering(t, suite)
    const { server, operator } = world
    const answer = await world.register(await world.give(), {})
    const { client_id, client_secret } = answer.json
    const issued = await server.token('acme', { basic: [client_id, client_secret], body: grant })
    assert.equal(issued.status, 200)
    assert.equal((await world.configure('DELETE', answer)).status, 204)
    assert.ok(await isDead(world, answer))
    const cutOffs = await operator.call('GET', `${acme}/revocations`)
    assert.ok(JSON.stringify(cutOffs.json).includes(client_id), cutOffs.text)
    const { json } = await operator.call('GET', `${acme}/audit-records?action=removeApp`)
    const [record] = json.items
    assert.equal(record.actor, `client ${client_id}`)
    assert.equal(record.target, `app ${client_id}`)
    assert.equal(record.after, null)
  })

  test('RFC 7592 §2.2: what is sent replaces what stood there, and what is left out is gone', async (t) => {
    const world = await startRegistering(t, suite)
    const metadata = {
      client_name: 'Build 7',
      contacts: ['a@globex.example'],
      tos_uri: 'https://globex.example/tos',
    }
    const answer = await world.register(await world.give(), metadata)
    const body = { ...sendable(answer.json), client_name: 'Build 8', contacts: undefined }
    const changed = await world.configure('PUT', answer, { body })
    assert.equal(changed.status, 200, changed.text)
    assert.equal(changed.json.client_name, 'Build 8')
    assert.equal(changed.json.contacts, undefined)
    assert.equal(changed.json.tos_uri, 'https://globex.example/tos')
    assert.equal(changed.json.client_secret, undefined)
    assert.deepEqual((await world.configure('GET', answer)).json, changed.json)
    assert.equal((await appOf(world, answer)).json.name, 'Build 8')
    assert.ok(!(await isDead(world, answer)))
    const { json } = await world.operator.call('GET', `${acme}/audit-records?action=updateApp`)
    const [record] = json.items
    assert.equal(record.actor, `client ${answer.json.client_id}`)
    assert.equal(`${record.before.name} ${record.after.name}`, 'Build 7 Build 8')
  })

  test('trust F27: each credential that a client registers or gives up is a record of the audit chain, with what of it is public', async (t) => {
    const world = await startRegistering(t, suite)
    const [one, other] = [await makeKey(), await makeKey()]
    const withKey = ({ publicJwk }: typeof one) => ({
      ...{ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [publicJwk] } },
    })
    const answer = await world.register(await world.give(), withKey(one))
    const { client_id } = answer.json
    const changed = await world.configure('PUT', answer, { body: { client_id, ...withKey(other) } })
    assert.equal(changed.status, 200, changed.text)
    const { json } = await world.operator.call('GET', `${acme}/audit-records?limit=100`)
    const lines = (json.items as AuditRecord[])
      .filter(({ target }) => target.startsWith(`credential ${client_id} registered-`))
      .map(({ actor, action, before, after }) => {
        const who = actor.replace(/reg_\w+$/, 'ID')
        return `${who} ${action} ${(after ?? before)?.public_key?.thumbprint}`
      })
    assert.deepEqual(lines.toSorted(), [
      `client ${client_id} createCredential ${await calculateJwkThumbprint(other.publicJwk)}`,
      `client ${client_id} removeCredential ${await calculateJwkThumbprint(one.publicJwk)}`,
      `registration token ID createCredential ${await calculateJwkThumbprint(one.publicJwk)}`,
    ])
  })

  test('RFC 7592 §2.2: from a secret to a key the credentials follow, and there is no way back to a secret', async (t) => {
    const world = await startRegistering(t, suite)
    const { server } = world
    const answer = await world.register(await world.give(), {})
    const { client_id } = answer.json
    const key = await makeKey()
    const withKey = {
      ...{ client_id, token_endpoint_auth_method: 'private_key_jwt', scope: 'read' },
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [key.publicJwk] },
    }
    const changed = await world.configure('PUT', answer, { body: withKey })
    assert.equal(changed.status, 200, changed.text)
    assert.ok(await isDead(world, answer))
    const prove = async () => {
      const client_assertion = await sign(key, assertionClaims(client_id, server.clock()))
      const body = { ...grant, client_id, client_assertion_type: jwtBearer, client_assertion }
      return (await server.token('acme', { body })).status
    }
    assert.equal(await prove(), 200)
    for (const token_endpoint_auth_method of [undefined, 'client_secret_post', 'client_secret_jwt']) {
      const back = await world.configure('PUT', answer, { body: { client_id, token_endpoint_auth_method } })
      assertRefused(back, 400, 'invalid_client_metadata')
      assert.match(back.json.error_description, /must be private_key_jwt, or another with a key/)
    }
    await server.advance(2)
    assert.equal(await prove(), 200)
    assert.ok(await isDead(world, answer))
  })
})

test('RFC 7592 §2.2: a change names the client, and sends nothing that only the server says, nor a secret of its choice', async (t) => {
  const world = await startRegistering(t, oneStore)
  const answer = await world.register(await world.give(), {})
  const { client_id, client_secret } = answer.json
  const refused = [
    {},
    { client_id: 'another' },
    { client_id, client_secret: 'mine' },
    { client_id, client_secret: 7 },
    { client_id, registration_access_token: answer.json.registration_access_token },
    { client_id, client_id_issued_at: 1 },
    { client_id, client_secret_expires_at: 0 },
    { client_id, registration_client_uri: 'https://evil.example' },
  ]
  for (const body of refused)
    assertRefused(await world.configure('PUT', answer, { body }), 400, 'invalid_client_metadata')
  assert.equal((await world.configure('PUT', answer, { body: { client_id, client_secret } })).status, 200)
  assert.ok(!(await isDead(world, answer)))
})

test('OIDC Core §9: who comes to sign with its secret gets another, which is kept for that; back again it stays', async (t) => {
  const world = await startRegistering(t, oneStore)
  const { server } = world
  const answer = await world.register(await world.give(), {})
  const { client_id } = answer.json
  const put = (token_endpoint_auth_method: string) =>
    world.configure('PUT', answer, { body: { client_id, token_endpoint_auth_method } })
  const { client_secret } = (await put('client_secret_jwt')).json
  const claims = assertionClaims(client_id, server.clock())
  const key = new TextEncoder().encode(client_secret)
  const client_assertion = await new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(key)
  const body = { ...grant, client_id, client_assertion_type: jwtBearer, client_assertion }
  assert.equal((await server.token('acme', { body })).status, 200)
  assert.equal((await put('client_secret_post')).json.client_secret, undefined)
  await server.advance(2)
  const posted = async (secret: string) =>
    (await server.token('acme', { body: { ...grant, client_id, client_secret: secret } })).status
  assert.deepEqual([await posted(client_secret), await posted(answer.json.client_secret)], [200, 401])
})

test('trust 146: without a token the configuration says which kind to show, and of no error', async (t) => {
  const world = await startRegistering(t, oneStore)
  const answer = await world.register(await world.give(), {})
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const url = `/acme/oauth2/register/${answer.json.client_id}`
    const none = await world.server.request({ method, url })
    assert.equal(`${none.status} ${none.text}`, '401 ')
    assert.equal(none.headers['WWW-Authenticate'], 'Bearer realm="https://localhost:8443/acme"')
  }
  const token = answer.json.registration_access_token
  for (const name of ['%', '%ff', 'nobody', '', `${answer.json.client_id}/`, '..%2f'])
    assertNoToken(
      await world.server.request({
        url: `/acme/oauth2/register/${name}`,
        authorization: [`Bearer ${token}`],
      }),
    )
  assertNoToken(
    await world.server.request({
      ...{ url: `/umbrella/oauth2/register/${answer.json.client_id}`, authorization: [`Bearer ${token}`] },
    }),
  )
})

test('trust F14: a client that was disabled can neither read nor change nor remove itself, so that it stays cut off', async (t) => {
  const world = await startRegistering(t, oneStore)
  const answer = await world.register(await world.give(), {})
  const { client_id } = answer.json
  const path = `${acme}/apps/${client_id}`
  assert.equal((await change(world.operator, path, { disabled: true })).status, 200)
  assertRefused(await world.configure('GET', answer), 403, 'access_denied')
  assertRefused(await world.configure('PUT', answer, { body: { client_id } }), 403, 'access_denied')
  assertRefused(await world.configure('DELETE', answer), 403, 'access_denied')
  assert.equal((await appOf(world, answer)).json.disabled, true)
})

test('trust F24: a client gets no more by changing itself than it has, whatever its plan and its token would give', async (t) => {
  const world = await startRegistering(t, oneStore)
  const terms = { client_authentication: ['client_secret_basic', 'private_key_jwt'] }
  const answer = await world.register(await world.give(terms), { dpop_bound_access_tokens: true })
  const { client_id } = answer.json
  const put = (body: object) =>
    world.configure('PUT', answer, { body: { client_id, dpop_bound_access_tokens: true, ...body } })
  const refuse = async (body: object) => assertRefused(await put(body), 400, 'invalid_client_metadata')
  await refuse({ scope: 'read write' })
  await refuse({ dpop_bound_access_tokens: false })
  await refuse({ dpop_bound_access_tokens: undefined })
  await refuse({ token_endpoint_auth_method: 'client_secret_post' })
  await refuse({ grant_types: ['urn:ietf:params:oauth:grant-type:token-exchange'] })
  // What people take away stays away.
  const path = `${acme}/apps/${client_id}`
  const { etag = '' } = await world.operator.call('GET', path)
  const body = { scopes: { rest: null } }
  const narrowed = await world.operator.call('PATCH', path, { body, headers: { 'if-match': etag } })
  assert.equal(narrowed.status, 200, narrowed.text)
  await refuse({ scope: 'read' })
  assert.equal((await put({})).json.scope, undefined)
  const internal = {
    introspects: ['rest'],
    scopes: { rest: ['write'] },
    disabled: true,
    is_granted: true,
    plan: 'x',
  }
  assert.equal((await put(internal)).status, 200)
  const { json } = await appOf(world, answer)
  assert.deepEqual([json.introspects, json.scopes, json.disabled], [undefined, {}, false])
})

test('RFC 7592 §2.2: what people have set on the app stays when the client changes itself', async (t) => {
  const world = await startRegistering(t, oneStore)
  const answer = await world.register(await world.give(), {})
  const { client_id } = answer.json
  const path = `${acme}/apps/${client_id}`
  await change(world.operator, path, {
    introspects: ['rest'],
    scopes: { rest: ['read', 'write'] },
    access_token_seconds: 120,
  })
  const credentials = `${path}/credentials`
  await world.operator.call('POST', credentials, { body: { id: 'theirs', secret: 'generated' } })
  const put = await world.configure('PUT', answer, { body: { client_id, client_name: 'Build 9' } })
  assert.equal(put.json.scope, 'read write')
  const { json } = await appOf(world, answer)
  assert.deepEqual([json.name, json.introspects, json.access_token_seconds], ['Build 9', ['rest'], 120])
  const kept = await world.operator.call('GET', credentials)
  assert.equal(kept.json.items.length, 2)
})

test('trust R12: one registration token is answered sixty times a minute, and then 429', async (t) => {
  const world = await startRegistering(t, oneStore)
  const answer = await world.register(await world.give(), {})
  const answers = []
  for (let index = 0; index < 61; index++) answers.push(await world.configure('GET', answer))
  const [last] = answers.slice(-1)
  assert.equal(last?.status, 429)
  assert.ok(Number(last?.headers['Retry-After']) > 0)
  assert.ok(answers.slice(0, -1).every(({ status }) => status === 200))
  await world.server.advance(60)
  assert.equal((await world.configure('GET', answer)).status, 200)
})

test('trust R12: all programs of one organization together change what they have registered 600 times a minute', async (t) => {
  const world = await startRegistering(t, oneStore)
  const token = await world.give({ registrations: 20 })
  const made = []
  for (let index = 0; index < 12; index++) made.push(await world.register(token, {}))
  const statuses: number[] = []
  for (const answer of made)
    for (let index = 0; index < 50; index++) {
      const body = { client_id: answer.json.client_id }
      statuses.push((await world.configure('PUT', answer, { body })).status)
    }
  assert.deepEqual(
    [200, 429].map((wanted) => statuses.filter((status) => status === wanted).length),
    [588, 12],
  )
  const [first = assert.fail()] = made
  assert.equal((await world.configure('GET', first)).status, 200)
  const refused = await world.configure('DELETE', first)
  assertRefused(refused, 429, 'temporarily_unavailable')
  assert.ok(Number(refused.headers['Retry-After']) > 0)
  await world.server.advance(60)
  assert.equal((await world.configure('DELETE', first)).status, 204)
})

test('trust R12: a change that changes nothing leaves no record, and what it names stays as it was', async (t) => {
  const world = await startRegistering(t, oneStore)
  const metadata = { client_name: 'Build 7', scope: 'read', contacts: ['ops@globex.example'] }
  const answer = await world.register(await world.give(), metadata)
  const { client_id } = answer.json
  const before = await appOf(world, answer)
  await world.server.advance(5)
  const same = await world.configure('PUT', answer, { body: { client_id, ...metadata } })
  assert.equal(same.status, 200, same.text)
  assert.deepEqual((await appOf(world, answer)).json, before.json)
  const records = await world.operator.call('GET', `${acme}/audit-records?actor=client%20${client_id}`)
  assert.deepEqual(records.json.items, [])
})

test('RFC 7592 §2.3: an app that its people remove leaves nothing that its registration token could read', async (t) => {
  const world = await startRegistering(t, oneStore)
  const answer = await world.register(await world.give(), {})
  assert.equal((await world.operator.call('DELETE', `${acme}/apps/${answer.json.client_id}`)).status, 204)
  assertNoToken(await world.configure('GET', answer))
  const rows = await world.server.db.kysely.selectFrom('registrations').selectAll().execute()
  assert.deepEqual(rows, [])
  assert.equal((await world.operator.call('DELETE', customer)).status, 204)
  const tokens = await world.server.db.kysely.selectFrom('registration_tokens').selectAll().execute()
  assert.deepEqual(tokens, [])
})

test('trust F24: what people have added is theirs under whatever name; the names of what clients register they cannot give', async (t) => {
  const world = await startRegistering(t, oneStore)
  const answer = await world.register(await world.give(), {})
  const { client_id } = answer.json
  const app = `${acme}/apps/${client_id}`
  const create = (id: string) =>
    world.operator.call('POST', `${app}/credentials`, { body: { id, secret: 'generated' } })
  assert.equal((await create('registered-main')).status, 201)
  assert.equal((await create('registered-0000000a')).status, 400)
  const rotated = await world.operator.call('POST', `${app}/rotate-secret`, {
    body: { id: 'registered-0000000a' },
  })
  assert.equal(rotated.status, 400)
  // As a blueprint may still give it, because an export has named it so.
  const declared = { id: 'registered-0000000b', format: 'hmac-sha256', verifier: Buffer.alloc(32) } as const
  await world.server.db.write(async (tx) => {
    await addCredential(tx, 'acme', client_id, { ...declared, pepperVersion: 1, expiresAt: null })
    const row = tx.kysely.updateTable('credentials').set({ blueprint: 'ours' }).where('id', '=', declared.id)
    await row.execute()
  })
  const withKey = {
    ...{ client_id, token_endpoint_auth_method: 'private_key_jwt' },
    jwks: { keys: [(await makeKey()).publicJwk] },
  }
  assert.equal((await world.configure('PUT', answer, { body: withKey })).status, 200)
  const { json } = await world.operator.call('GET', `${app}/credentials`)
  const kept = json.items.map(({ id, kind }: Record<string, string>) => `${id} ${kind}`)
  assert.deepEqual(
    kept.filter((one: string) => one.endsWith('secret')),
    ['registered-0000000b secret', 'registered-main secret'],
  )
})
