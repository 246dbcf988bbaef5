// Document 002, Nitrobox: the tenant in the path, multipart forms, lower-case bearer, and tokens that are served again.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { parseBlueprints } from '../../src/blueprint/parse.ts'
import { saveApp } from '../../src/store/apps.ts'
import { basic, forEachStore, startTestServer, type TestReply } from '../harness.ts'
import {
  around,
  assertRefused,
  blueprintOf,
  changed,
  grant,
  partsOf,
  platformNames,
  sharedServer,
  tokenOf,
  withoutDialect,
} from './platforms.ts'

const nitrobox = blueprintOf('nitrobox')
const server = sharedServer([nitrobox, blueprintOf('tokenos')])
const standard = sharedServer([withoutDialect(nitrobox)])

/** The document's own client, and one whose secret holds colons. */
const moved = [
  [
    '            name: Billing sync\n',
    '            name: Billing sync\n            client_id: my_client_id\n',
  ],
  [
    'secret: generated\n',
    'secret: { from_env: SAMPLE_SECRET }\n              - id: colons\n                secret: { from_env: COLON_SECRET }\n',
  ],
  [
    '            name: Invoice archive\n',
    '            name: Invoice archive\n            token_type: Bearer\n',
  ],
].reduce((text, [from = '', to = '']) => changed(text, from, to), nitrobox)
const secrets = { SAMPLE_SECRET: 'my_client_secret', COLON_SECRET: 'first:second:third:fourth' }
const imported = sharedServer([moved], secrets)

const set = (seconds: number) =>
  changed(
    nitrobox,
    'name: Billing sync\n',
    `name: Billing sync\n            access_token_seconds: ${seconds}\n`,
  )
const longer = sharedServer([set(1800)])

const sync = () => server().credential('nitrobox', 'billing-sync')
const ask = (body: Record<string, string> = grant) => server().token('nitrobox', { basic: sync(), body })

const boundary = '------------------------0123456789abcdef'
const contentType = `multipart/form-data; boundary=${boundary}`
const part = (name: string, value: string) => `Content-Disposition: form-data; name="${name}"\r\n\r\n${value}`
const multipart = (...parts: readonly string[]) =>
  `${parts.map((text) => `--${boundary}\r\n${text}\r\n`).join('')}--${boundary}--\r\n`

const askMultipart = (
  body: string,
  type = contentType,
  tenant = 'nitrobox',
  client = sync(),
): Promise<TestReply> => server().token(tenant, { basic: client, headers: { 'content-type': type }, body })

test('002-01: Basic authentication gets a token, and the token proves itself with the published key', async () => {
  const token = tokenOf(await ask())
  const { json } = await server().request({ url: '/nitrobox/oauth2/jwks' })
  const { payload } = await jwtVerify(token, createLocalJWKSet(json), {
    issuer: 'https://localhost:8443/nitrobox',
    audience: 'https://api.nitrobox.example',
    currentDate: new Date(server().clock() * 1000),
  })
  assert.equal(payload.sub, sync()[0])
})

test('002-06: the tenant stands in the path, its issuer too, and metadata is at the inserted and the appended paths', async () => {
  const issuer = 'https://localhost:8443/nitrobox'
  assert.equal(partsOf(tokenOf(await ask())).claims.iss, issuer)
  for (const name of ['oauth-authorization-server', 'openid-configuration']) {
    const inserted = await server().request({ url: `/.well-known/${name}/nitrobox` })
    const appended = await server().request({ url: `/nitrobox/.well-known/${name}` })
    assert.equal(inserted.json.issuer, issuer)
    assert.equal(inserted.json.token_endpoint, `${issuer}/oauth2/token`)
    assert.deepEqual(appended, inserted)
  }
})

test('002-06: an unknown tenant is a 404 that does not tell which tenants there are', async () => {
  const replies = [
    await server().token('nitrobax', { basic: sync() }),
    await server().request({ url: '/.well-known/oauth-authorization-server/nitrobax' }),
    await server().request({ url: '/nitrobax/.well-known/openid-configuration' }),
    await server().request({ url: '/nitrobax/oauth2/jwks' }),
    await server().request({ url: '/nitrobox/oauth2/nothing' }),
  ]
  for (const reply of replies) {
    assert.equal(reply.status, 404)
    assert.equal(reply.text, replies[0]?.text)
    assert.doesNotMatch(reply.text, /nitrob|tokenos|tenant/)
  }
})

test('002-08: the Basic header of the document is read as it stands', async () => {
  const header = 'Basic bXlfY2xpZW50X2lkOm15X2NsaWVudF9zZWNyZXQ='
  const reply = await imported().token('nitrobox', { authorization: [header] })
  assert.equal(partsOf(tokenOf(reply)).claims.sub, 'my_client_id')
  assert.equal(basic('my_client_id', 'my_client_secret'), header)
})

test('002-08: id and secret are parted at the first colon', async () => {
  const reply = await imported().token('nitrobox', { basic: ['my_client_id', secrets.COLON_SECRET] })
  assert.equal(reply.status, 200)
})

test('002-09: a multipart form with the one part grant_type is read', async () => {
  const reply = await askMultipart(multipart(part('grant_type', 'client_credentials')))
  assert.equal(reply.status, 200, reply.text)
})

test('002-10: a grant type in literal quotes, which some clients send, is read too', async () => {
  const reply = await askMultipart(multipart(part('grant_type', '"client_credentials"')))
  assert.equal(reply.status, 200, reply.text)
})

test('002-11: a multipart form with anything else in it, or broken, is refused', async () => {
  const one = part('grant_type', 'client_credentials')
  const file = 'Content-Disposition: form-data; name="grant_type"; filename="a.txt"\r\n\r\nclient_credentials'
  const refused: [body: string, type: string, says: RegExp][] = [
    [multipart(one, part('colour', 'blue')), contentType, /other than grant_type, scope/],
    [multipart(one, part('client_id', 'x')), contentType, /field/],
    [multipart(file), contentType, /a file/],
    [multipart(one, one), contentType, /more than once/],
    [multipart(one, part('scope', 'x'.repeat(9000))), contentType, /it has more than 8 KiB/],
    [multipart(one).slice(0, -4), contentType, /boundary/],
    [multipart(one), 'multipart/form-data', /boundary/],
    [multipart(one), 'multipart/form-data; boundary=other', /boundary/],
    ['', contentType, /boundary/],
  ]
  for (const [body, type, says] of refused) {
    const reply = await askMultipart(body, type)
    assertRefused(reply, 400, 'invalid_request')
    assert.match(reply.json.error_description, says)
  }
})

test('002-11: where the dialect is off, a multipart form is refused with the type that is wanted', async () => {
  const client = server().credential('tokenos', 'dashboard-reader')
  const reply = await askMultipart(
    multipart(part('grant_type', 'client_credentials')),
    contentType,
    'tokenos',
    client,
  )
  assertRefused(reply, 400, 'invalid_request')
  assert.match(reply.json.error_description, /application\/x-www-form-urlencoded/)
})

test('002-12: token_type is bearer in lower case; an app can have it with a capital', async () => {
  assert.equal((await ask()).json.token_type, 'bearer')
  const client = imported().credential('nitrobox', 'invoice-archive')
  const reply = await imported().token('nitrobox', { basic: client })
  assert.equal(reply.json.token_type, 'Bearer')
})

test('002-13: a tenant that does not ask for reuse gives every request its own token', async () => {
  const client = server().credential('tokenos', 'dashboard-reader')
  const first = tokenOf(await server().token('tokenos', { basic: client }))
  const second = tokenOf(await server().token('tokenos', { basic: client }))
  assert.notEqual(first, second)
})

test('002-15: five minutes are the default of the tenant, and its bounds hold whatever an app is set to', async () => {
  assert.equal((await ask()).json.expires_in, 300)
  const { clock } = server()
  const { exp, iat } = partsOf(tokenOf(await ask())).claims
  assert.deepEqual([iat, exp], [clock(), clock() + 300])
})

test('002-15: a blueprint cannot set a lifetime outside the bounds, and within them an app has its own', async () => {
  for (const seconds of [10, 90_000]) {
    const [problem] = parseBlueprints([{ name: 'nitrobox.yaml', text: set(seconds) }]).problems ?? []
    assert.equal(problem?.expected, "the tenant's bounds, 60 to 3600")
  }
  const client = longer().credential('nitrobox', 'billing-sync')
  assert.equal((await longer().token('nitrobox', { basic: client })).json.expires_in, 1800)
})

test('002-15: what stands in the store outside the bounds is held within them', async () => {
  const client = imported().credential('nitrobox', 'invoice-archive')
  const [clientId] = client
  for (const [seconds, expected] of [
    [10, 60],
    [90_000, 3600],
  ]) {
    await imported().db.write((tx) =>
      saveApp(tx, 'nitrobox', {
        clientId,
        id: 'invoice-archive',
        organizationId: 'sample-press',
        name: 'Invoice archive',
        settings: { scopes: { rest: ['invoices/read'] }, access_token_seconds: seconds },
      }),
    )
    await imported().db.changes.catchUp()
    const reply = await imported().token('nitrobox', { basic: client })
    assert.equal(reply.json.expires_in, expected)
  }
})

test('002-17: there is no scope in the answer; without the dialect there is', async () => {
  const reply = await ask()
  assert.deepEqual(Object.keys(reply.json), ['access_token', 'token_type', 'expires_in'])
  const client = standard().credential('nitrobox', 'billing-sync')
  const plain = await standard().token('nitrobox', { basic: client })
  assert.deepEqual(Object.keys(plain.json), ['access_token', 'token_type', 'expires_in', 'scope'])
  assert.equal(plain.json.scope, 'invoices/read invoices/write')
})

test('002-19: GET is answered with 405 and the method that is allowed', async () => {
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH']) {
    const reply = await server().token('nitrobox', { method, basic: sync() })
    assert.deepEqual([reply.status, reply.headers.Allow], [405, 'POST'])
    assert.equal(reply.json.error, 'invalid_request')
  }
})

forEachStore((_engine, suite) => {
  test('002-05: credentials and tokens of the test environment are nothing in production, nor the other way round', async (t) => {
    const both = await startTestServer(t, suite, nitrobox)
    const tests = both.credential('nitrobox', 'billing-sync')
    const lives = both.credential('nitrobox-live', 'billing-sync')
    assert.match(tests[1], /^sp_test_/)
    assert.match(lives[1], /^sp_live_/)
    assertRefused(await both.token('nitrobox-live', { basic: tests }), 401, 'invalid_client')
    assertRefused(await both.token('nitrobox', { basic: lives }), 401, 'invalid_client')
    const token = tokenOf(await both.token('nitrobox', { basic: tests }))
    tokenOf(await both.token('nitrobox-live', { basic: lives }))
    const { json } = await both.request({ url: '/nitrobox-live/oauth2/jwks' })
    await assert.rejects(jwtVerify(token, createLocalJWKSet(json)), { code: 'ERR_JWKS_NO_MATCHING_KEY' })
  })

  test('002-07: credentials of one platform at the path of another are an invalid client', async (t) => {
    // RSA keys take a while and are not the question.
    const quick = platformNames.map((name) =>
      blueprintOf(name).replace('signing_algorithm: RS256', 'signing_algorithm: ES256'),
    )
    const all = await startTestServer(t, suite, quick)
    const client = all.credential('nitrobox', 'billing-sync')
    for (const tenant of ['nanotrust', 'nxtsoft', 'token', 'tokenos', 'nitrobox-live']) {
      assertRefused(await all.token(tenant, { basic: client }), 401, 'invalid_client')
    }
    const others = [
      ['nanotrust', 'sensor-gateway'],
      ['nxtsoft', 'payment-poster'],
      ['token', 'my-app'],
      ['tokenos', 'dashboard-reader'],
    ] as const
    for (const [tenant, app] of others) {
      const foreign = all.credential(tenant, app)
      assertRefused(await all.token('nitrobox', { basic: foreign }), 401, 'invalid_client')
      tokenOf(await all.token(tenant, { basic: foreign }))
    }
  })

  test('002-13: 31 seconds later the same token comes back, with expires_in 269 of 300', async (t) => {
    const own = await startTestServer(t, suite, nitrobox)
    const client = own.credential('nitrobox', 'billing-sync')
    const first = await own.token('nitrobox', { basic: client })
    assert.equal(first.json.expires_in, 300)
    await own.advance(31)
    const second = await own.token('nitrobox', { basic: client })
    assert.equal(second.json.access_token, first.json.access_token)
    assert.equal(around(second), '{"access_token":"…","token_type":"bearer","expires_in":269}')
  })

  test('002-14: expires_in is whole and positive all the way, and under a fifth of the life there is a new token', async (t) => {
    const own = await startTestServer(t, suite, nitrobox)
    const client = own.credential('nitrobox', 'billing-sync')
    const tokens = new Set<string>()
    for (let second = 0; second <= 600; second += 7) {
      const { json, text } = await own.token('nitrobox', { basic: client })
      assert.match(text, /"expires_in":[1-9]\d*\}$/)
      assert.ok(json.expires_in > 60 && json.expires_in <= 300, `${json.expires_in} left`)
      const { exp } = partsOf(json.access_token).claims
      assert.equal(json.expires_in, exp - own.clock())
      tokens.add(json.access_token)
      await own.advance(7)
    }
    assert.equal(tokens.size, 3)
  })
})
