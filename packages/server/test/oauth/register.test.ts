// RFC 7591; trust 146-154: a program with an initial access token becomes an app, by the rules for every app, and nobody else does.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forEachStore, oneStore } from '../harness.ts'
import { startManaged } from '../management/managed.ts'
import { customer } from '../management/people.ts'
import { appOf, assertNoToken, assertRefused, registeredApps, startRegistering } from './registering.ts'
import { makeKey, sign } from './signed.ts'

forEachStore((_engine, suite) => {
  test('RFC 7591 §3.2.1: a program registers, gets its secret once, and with it a token of the scopes that were given', async (t) => {
    const world = await startRegistering(t, suite)
    const { server, operator } = world
    const token = await world.give()
    const answer = await world.register(token, {
      client_name: 'Build 7',
      client_uri: 'https://globex.example/build',
    })
    assert.equal(answer.status, 201, answer.text)
    assert.equal(answer.headers['Cache-Control'], 'no-store')
    const { client_id, client_secret, registration_access_token, ...rest } = answer.json
    assert.deepEqual(rest, {
      client_id_issued_at: server.clock(),
      client_secret_expires_at: 0,
      registration_client_uri: `https://localhost:8443/acme/oauth2/register/${client_id}`,
      client_name: 'Build 7',
      client_uri: 'https://globex.example/build',
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['client_credentials'],
      response_types: [],
      scope: 'read',
      dpop_bound_access_tokens: false,
      tls_client_certificate_bound_access_tokens: false,
    })
    assert.match(client_secret, /^sp_test_\w{49}$/)
    assert.match(registration_access_token, /^sp_rat_\w{49}$/)
    const issued = await server.token('acme', { basic: [client_id, client_secret] })
    assert.equal(issued.json.scope, 'read', issued.text)
    const shown = await appOf(world, answer)
    assert.equal(shown.json.name, 'Build 7')
    assert.equal(shown.json.organization, 'customer')
    const { json } = await operator.call('GET', `/tenants/acme/apps/${client_id}/credentials`)
    assert.deepEqual(
      json.items.map(({ kind }: { readonly kind: string }) => kind),
      ['secret'],
    )
  })

  test('trust R12: of many who register at once with a token for one app, one becomes it', async (t) => {
    const world = await startRegistering(t, suite)
    const token = await world.give()
    const answers = await Promise.all(Array.from({ length: 8 }, () => world.register(token, {})))
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [201, ...Array(7).fill(401)])
    for (const answer of answers.filter(({ status }) => status !== 201)) assertNoToken(answer)
    assert.equal((await registeredApps(world)).length, 1)
  })

  test('RFC 7591 §3.2.2: what cannot be registered uses nothing up', async (t) => {
    const world = await startRegistering(t, suite)
    const token = await world.give()
    assertRefused(await world.register(token, { scope: 'write' }), 400, 'invalid_client_metadata')
    assertRefused(await world.register(token, { response_types: ['code'] }), 400, 'invalid_client_metadata')
    assert.equal((await registeredApps(world)).length, 0)
    assert.equal((await world.register(token, {})).status, 201)
    assertNoToken(await world.register(token, {}))
  })

  test('trust F27: the audit chain says who registered what, and neither it nor the log holds a token or a secret', async (t) => {
    const world = await startRegistering(t, suite)
    const token = await world.give()
    const answer = await world.register(token, { client_name: 'Build 7', contacts: ['ops@globex.example'] })
    const { json, text } = await world.operator.call('GET', '/tenants/acme/audit-records?limit=100')
    const target = `app ${answer.json.client_id}`
    const record = json.items.find((one: { readonly target: string }) => one.target === target)
    assert.match(record.actor, /^registration token reg_\w+$/)
    assert.equal(record.action, 'createApp')
    assert.equal(record.before, null)
    assert.equal(record.after.name, 'Build 7')
    assert.deepEqual(record.after.registration, { contacts: ['ops@globex.example'] })
    const { client_secret, registration_access_token } = answer.json
    for (const secret of [token, client_secret, registration_access_token])
      assert.ok(!(text + JSON.stringify(world.server.logLines)).includes(secret))
  })
})

test('trust 146: without a token the answer names the scheme and no error, and nothing is read', async (t) => {
  const world = await startRegistering(t, oneStore)
  const token = await world.give()
  const send = (...authorization: string[]) =>
    world.server.request({ method: 'POST', url: '/acme/oauth2/register', authorization, body: '{}' })
  // RFC 6750 §3.1: another scheme is no token either.
  for (const none of [
    await world.register(null, 'unreadable'),
    await send(`Basic ${token}`),
    await send(''),
  ]) {
    assert.equal(none.status, 401)
    assert.equal(none.headers['WWW-Authenticate'], 'Bearer realm="https://localhost:8443/acme"')
    assert.equal(none.text, '')
  }
  assertNoToken(await world.register(`${token}x`, 'unreadable'))
  for (const authorization of [[`Bearer  ${token}`], ['Bearer'], [`Bearer ${token}`, `Bearer ${token}`]])
    assertNoToken(await send(...authorization))
  assert.equal((await world.register(token, {})).status, 201)
})

test('trust F19: an initial access token of one tenant is none at another, nor at a path of its own', async (t) => {
  const world = await startRegistering(t, oneStore)
  const token = await world.give()
  assertNoToken(await world.register(token, {}, 'umbrella'))
  const answer = await world.register(token, {})
  assertNoToken(await world.configure('GET', answer, { token }))
  const { registration_access_token: own } = answer.json
  assertNoToken(await world.register(own, {}))
})

test('trust 9: whoever tries many tokens is told to wait, and a right one still works', async (t) => {
  const world = await startRegistering(t, oneStore)
  const token = await world.give()
  const answers = []
  for (let index = 0; index < 12; index++) answers.push(await world.register(`wrong${index}`, {}))
  assert.deepEqual(
    answers.map(({ status }) => status),
    [...Array(10).fill(401), 429, 429],
  )
  assert.ok(Number(answers.at(-1)?.headers['Retry-After']) > 0)
  assert.equal((await world.register(token, {})).status, 201)
})

const badRedirects = [
  ...['https://app.example/cb#here', 'https://app.example/cb#', 'javascript:alert(1)', 'JavaScript:alert(1)'],
  ...['data:text/html,x', 'file:///etc/passwd', 'https://*.example/cb', 'https://app.example/*', '/callback'],
  ...[
    'http://app.example/cb',
    'http://127.0.0.1.example/cb',
    'http://10.0.0.7/cb',
    'https://u:p@app.example/',
  ],
  ...['https://app.example/\\cb', ' https://app.example/', 'myapp:/cb', 'com.example.app://host/cb', ''],
]

test('trust 147: a redirect URI that is not exact, absolute and https or the own loopback is invalid_redirect_uri', async (t) => {
  const world = await startRegistering(t, oneStore)
  const token = await world.give({ registrations: 50 })
  for (const uri of badRedirects) {
    const answer = await world.register(token, { redirect_uris: ['https://app.example/cb', uri] })
    assertRefused(answer, 400, 'invalid_redirect_uri')
  }
  for (const redirect_uris of ['https://app.example/cb', [1], {}, ['https://app.example/cb\n']])
    assertRefused(await world.register(token, { redirect_uris }), 400, 'invalid_redirect_uri')
})

test('RFC 7591 §2: good redirect URIs are kept to the letter, and members that nobody here knows are ignored', async (t) => {
  const world = await startRegistering(t, oneStore)
  const redirect_uris = [
    ...['https://app.example/cb?a=b', 'http://127.0.0.1:7777/cb', 'http://[::1]/cb', 'com.example.app:/cb'],
  ]
  const metadata = {
    redirect_uris,
    'client_name#ja': 'x',
    'x-own': { a: [1] },
    logo_uri: null,
    __proto__: null,
  }
  const { json, status } = await world.register(await world.give(), metadata)
  assert.equal(status, 201)
  assert.deepEqual(json.redirect_uris, redirect_uris)
  assert.ok(!('x-own' in json || 'logo_uri' in json))
})

test('trust 150-151: an unknown or unsafe method, and what needs a redirect, is invalid_client_metadata', async (t) => {
  const world = await startRegistering(t, oneStore)
  const token = await world.give({ registrations: 50 })
  const refused = [
    ...['none', 'federation', 'magic', '', 7, 'tls_client_auth', 'self_signed_tls_client_auth'].map(
      (token_endpoint_auth_method) => ({ token_endpoint_auth_method }),
    ),
    ...[
      ['authorization_code'],
      ['client_credentials', 'refresh_token'],
      ['password'],
      'client_credentials',
    ].map((grant_types) => ({ grant_types })),
    ...[{ response_types: ['code'] }, { response_types: ['token'], grant_types: ['client_credentials'] }],
    ...[{ scope: 'write' }, { scope: 'read  read' }, { scope: '' }, { scope: ['read'] }, { scope: 'rea' }],
    ...[{ client_name: ' ' }, { client_name: '\u3000\u200b' }, { client_name: '\u3164\u2800' }],
    ...[{ client_name: 'a\u202eb' }, { client_name: '\u0000' }, { client_name: '\ud800' }, { contacts: [7] }],
    { dpop_bound_access_tokens: true, tls_client_certificate_bound_access_tokens: true },
    { dpop_bound_access_tokens: 'true' },
    { client_name: 'x'.repeat(201) },
  ]
  for (const metadata of refused)
    assertRefused(await world.register(token, metadata), 400, 'invalid_client_metadata')
  assert.equal((await registeredApps(world)).length, 0)
})

test('trust 153: an address of a private network is refused in every member that holds one, and nothing is fetched', async (t) => {
  let fetches = 0
  const fetchJson = async () => {
    fetches += 1
    return { ok: false as const, reason: 'no network in tests' }
  }
  const world = await startRegistering(t, oneStore, { fetchJson })
  const token = await world.give({ registrations: 50 })
  const hosts = [
    'localhost',
    '127.0.0.1',
    '169.254.169.254',
    '[::1]',
    '2130706433',
    '0x7f.1',
    '[::ffff:10.0.0.7]',
  ]
  const key = { token_endpoint_auth_method: 'private_key_jwt' }
  for (const host of hosts) {
    for (const name of ['client_uri', 'logo_uri', 'tos_uri', 'policy_uri'])
      assertRefused(
        await world.register(token, { [name]: `https://${host}/x` }),
        400,
        'invalid_client_metadata',
      )
    const answer = await world.register(token, { ...key, jwks_uri: `https://${host}/x` })
    assertRefused(answer, 400, 'invalid_client_metadata')
    await world.server.advance(60)
  }
  for (const client_uri of [
    'https://intranet/x',
    'http://globex.example',
    'javascript:alert(1)',
    'https://u@globex.example',
  ])
    assertRefused(await world.register(token, { client_uri }), 400, 'invalid_client_metadata')
  assert.equal(fetches, 0)
})

test('trust 154: a software statement that cannot be read is invalid, and one of anybody is not approved', async (t) => {
  const world = await startRegistering(t, oneStore)
  const token = await world.give({ registrations: 50 })
  const signed = await sign(await makeKey(), { iss: 'https://stranger.example', software_id: 'x' })
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${signed.split('.')[1]}.`
  for (const software_statement of ['x', 'a.b.c', unsigned, `${signed}.x`])
    assertRefused(await world.register(token, { software_statement }), 400, 'invalid_software_statement')
  const answer = await world.register(token, { software_statement: signed })
  assertRefused(answer, 400, 'unapproved_software_statement')
})

test('trust 162: what is no JSON, or has two readings, is refused as at the management API', async (t) => {
  const world = await startRegistering(t, oneStore)
  const token = await world.give()
  const send = (body: string, contentType?: string, more: Record<string, string> = {}) =>
    world.server.request({
      ...{ method: 'POST', url: '/acme/oauth2/register', authorization: [`Bearer ${token}`], body },
      headers: contentType === undefined ? {} : { 'content-type': contentType, ...more },
    })
  const unclear = ['application/json; charset=latin1', 'application/json; a=b; a=c', 'application/json;"']
  for (const type of [undefined, 'application/x-www-form-urlencoded', 'text/json', ...unclear])
    assertRefused(await send('{}', type), 415, 'invalid_request')
  assertRefused(await send('{}', 'application/json', { 'content-encoding': 'gzip' }), 415, 'invalid_request')
  for (const body of [
    '',
    '[]',
    'null',
    '{',
    '{"scope":"read","scope":"read"}',
    '{"scope":"read","sc\\u006fpe":"x"}',
  ])
    assertRefused(await send(body, 'application/json'), 400, 'invalid_request')
  assert.equal((await send('{}', 'application/json; charset=utf-8')).status, 201)
})

test('peers 16: a token that has ended, was removed, or whose organization is disabled or gone makes no app any more', async (t) => {
  const world = await startRegistering(t, oneStore)
  const { operator, server } = world
  const ending = await world.give({ expires_in_seconds: 60 })
  const removed = await world.give({ name: 'Removed' })
  const kept = await world.give({ registrations: 3 })
  const path = `${customer}/registration-tokens`
  const { json } = await operator.call('GET', path)
  const named = json.items.find(({ name }: { readonly name: string }) => name === 'Removed')
  const before = await world.register(kept, {})
  assert.equal((await operator.call('DELETE', `${path}/${named.id}`)).status, 204)
  assertNoToken(await world.register(removed, {}))
  await server.advance(60)
  assertNoToken(await world.register(ending, {}))
  const set = async (disabled: boolean) => {
    const { etag = '' } = await operator.call('GET', customer)
    await operator.call('PATCH', customer, { body: { disabled }, headers: { 'if-match': etag } })
  }
  await set(true)
  assertNoToken(await world.register(kept, {}))
  assertRefused(await world.configure('GET', before), 403, 'access_denied')
  await set(false)
  assert.equal((await world.register(kept, {})).status, 201)
  await operator.call('DELETE', customer)
  assertNoToken(await world.register(kept, {}))
  assertNoToken(await world.configure('GET', before))
})

test('RFC 8414 §2: metadata names the endpoint while the tenant has a token out, and for no other tenant', async (t) => {
  const world = await startRegistering(t, oneStore)
  const { server, operator } = world
  const endpointOf = async (tenant: string) =>
    (await server.request({ url: `/${tenant}/.well-known/openid-configuration` })).json.registration_endpoint
  assert.equal(await endpointOf('acme'), undefined)
  await world.give()
  assert.equal(await endpointOf('acme'), 'https://localhost:8443/acme/oauth2/register')
  assert.equal(await endpointOf('umbrella'), undefined)
  const path = `${customer}/registration-tokens`
  const { json } = await operator.call('GET', path)
  await operator.call('DELETE', `${path}/${json.items[0].id}`)
  assert.equal(await endpointOf('acme'), undefined)
  await world.give()
  assert.notEqual(await endpointOf('acme'), undefined)
  await operator.call('DELETE', customer)
  assert.equal(await endpointOf('acme'), undefined)
})

test('10.4.7: with no token given out nobody registers, and a browser of another origin is not let in either', async (t) => {
  const server = await startManaged(t, oneStore)
  const url = '/acme/oauth2/register'
  const headers = { origin: 'https://evil.example', 'content-type': 'application/json' }
  const answer = await server.request({
    method: 'POST',
    url,
    headers,
    authorization: ['Bearer x'],
    body: '{}',
  })
  assertNoToken(answer)
  const preflight = await server.request({ method: 'OPTIONS', url, headers })
  for (const { headers } of [answer, preflight])
    assert.ok(!Object.keys(headers).some((name) => name.toLowerCase().startsWith('access-control-')))
  for (const method of ['GET', 'PUT', 'DELETE'])
    assert.equal((await server.request({ method, url })).status, 405)
})
