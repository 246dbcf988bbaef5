// trust.md part 2 G: where metadata and keys are found, what stands in them, and who cannot change a byte of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultSignatureAlgorithms } from '@sallyport/protocol'
import { decodeJwt } from 'jose'
import { oneStore, startTestServer } from '../harness.ts'
import { ask as overPlainHttp } from '../http/wire.ts'
import { assertToken, grant } from './answers.ts'
import { app, blueprint, restApi, tenant } from './sample.ts'

const text = blueprint(
  tenant('acme', [app('sync')], { hosts: ['acme.localhost', 'id.acme.example'] }),
  tenant('rsa', [app('sync')], { signing_algorithm: 'RS256', key_id: 'base64' }),
  tenant('secret', [app('sync')], { apis: [{ ...restApi, signing_algorithm: 'HS512' }] }),
)
const base = 'https://localhost:8443'
const wellKnown = ['oauth-authorization-server', 'openid-configuration'] as const

test('trust 115: metadata stands at every well-known form, by path and by host, and nowhere else', async (t) => {
  const server = await startTestServer(t, oneStore, text)
  const get = (url: string, host = 'localhost:8443') => server.request({ url, host })

  await t.test('trust 115, 002-06: both forms by path name the issuer that was asked', async () => {
    for (const name of wellKnown) {
      for (const url of [`/.well-known/${name}/acme`, `/acme/.well-known/${name}`]) {
        const reply = await get(url)
        assert.equal(reply.status, 200, url)
        assert.equal(reply.headers['Content-Type'], 'application/json')
        assert.equal(reply.json.issuer, `${base}/acme`)
        assert.equal(reply.json.token_endpoint, `${base}/acme/oauth2/token`)
        assert.equal(reply.json.jwks_uri, `${base}/acme/oauth2/jwks`)
        assert.deepEqual(reply.json.grant_types_supported, ['client_credentials'])
      }
    }
  })

  await t.test('trust 115, 004-10: by host the issuer is that host', async () => {
    for (const host of ['acme.localhost', 'id.acme.example']) {
      for (const name of wellKnown) {
        const reply = await get(`/.well-known/${name}`, `${host}:8443`)
        assert.equal(reply.json.issuer, `https://${host}:8443`)
        assert.equal(reply.json.jwks_uri, `https://${host}:8443/oauth2/jwks`)
        assert.equal((await get('/oauth2/jwks', `${host}:8443`)).status, 200)
      }
      const reply = await server.request({
        ...{ method: 'POST', host: `${host}:8443`, url: '/oauth2/token', body: grant },
        basic: server.credential('acme', 'sync'),
      })
      assert.equal(decodeJwt(assertToken(reply)).iss, `https://${host}:8443`)
    }
  })

  await t.test(
    "trust F20, settled: a tenant's host serves that tenant alone, other hosts serve paths",
    async () => {
      for (const url of ['/rsa/oauth2/jwks', '/acme/oauth2/jwks', '/.well-known/openid-configuration/rsa']) {
        assert.equal((await get(url, 'acme.localhost:8443')).status, 404, url)
      }
      for (const host of ['127.0.0.1', '127.0.0.1:8443', '[::1]:8443', 'evil.example', '', 'localhost:1']) {
        const reply = await get('/acme/.well-known/openid-configuration', host)
        assert.equal(reply.json.issuer, `${base}/acme`, host)
        assert.equal((await get('/oauth2/jwks', host)).status, 404)
      }
    },
  )

  await t.test(
    'trust F20: a host written as an absolute name, with a dot behind it, is the same host',
    async () => {
      for (const host of ['acme.localhost.', 'acme.localhost.:8443']) {
        const reply = await get('/.well-known/openid-configuration', host)
        assert.equal(reply.json.issuer, 'https://acme.localhost:8443')
        assert.equal((await get('/rsa/oauth2/jwks', host)).status, 404, host)
      }
      assert.equal(
        (await get('/acme/.well-known/openid-configuration', 'localhost.')).json.issuer,
        `${base}/acme`,
      )
    },
  )

  await t.test('trust 115: unknown tenants and crooked paths are 404 and name nothing', async () => {
    const [first] = [await get('/nobody/oauth2/jwks')]
    assert.deepEqual(first?.json, { error: 'not_found' })
    for (const url of [
      ...[
        '/',
        '',
        '/acme',
        '/acme/',
        '/acme/oauth2',
        '/acme/oauth2/jwks/',
        '/acme//oauth2/jwks',
        '//acme/oauth2/jwks',
      ],
      ...['/acme/oauth2/jwks%2f', '/acme/oauth2%2fjwks', '/acme%2foauth2/jwks', '/acme/..%2frsa/oauth2/jwks'],
      ...[
        '/rsa/../acme/oauth2/jwks',
        '/acme/./oauth2/jwks',
        '/ACME/oauth2/jwks',
        '/acme/OAUTH2/jwks',
        '/acm/oauth2/jwks',
      ],
      ...[
        '/.well-known/openid-configuration',
        '/.well-known/openid-configuration/',
        '/.well-known/openid-configuration/acme/',
      ],
      ...[
        '/.well-known/openid-configuration/nobody',
        '/.well-known/openid-configuration/acme/oauth2',
        '/.well-known/acme',
      ],
      ...[
        '/.well-known//acme',
        '/.well-known/jwks.json/acme',
        '/acme/.well-known/',
        '/acme/.well-known/jwks.json',
      ],
      ...['/__proto__/oauth2/jwks', '/constructor/oauth2/jwks', '/%61cme/oauth2/jwks', '/acme;x/oauth2/jwks'],
      ...[
        '/manage/oauth2/jwks',
        '/-acme/oauth2/jwks',
        `/${'a'.repeat(70)}/oauth2/jwks`,
        '/acme\\oauth2\\jwks',
        '*',
      ],
      ...['/acme/oauth2/par', '/acme/oauth2/userinfo', '/acme/oauth2/authorize', '/acme/auth/token'],
    ]) {
      const reply = await get(url)
      assert.equal(reply.status, 404, url)
      assert.deepEqual(reply, first)
      const posted = await server.request({
        url,
        method: 'POST',
        body: grant,
        basic: server.credential('acme', 'sync'),
      })
      assert.equal(posted.status, 404, url)
    }
  })

  await t.test(
    'trust F22: forwarded headers of a stranger change no byte of metadata, and no iss',
    async () => {
      const evil = 'evil.example'
      const hostile = {
        'x-forwarded-host': evil,
        'x-forwarded-proto': 'http',
        'x-forwarded-port': '1',
        'x-forwarded-prefix': '/evil',
        'x-forwarded-server': evil,
        'x-forwarded-for': '127.0.0.1',
        forwarded: `host=${evil};proto=http`,
        'x-host': evil,
        'x-original-host': evil,
        'x-original-url': '/rsa/oauth2/jwks',
        'x-rewrite-url': '/rsa/oauth2/jwks',
        'x-http-method-override': 'DELETE',
      }
      const urls = [
        '/acme/.well-known/openid-configuration',
        '/.well-known/oauth-authorization-server/acme',
        '/acme/oauth2/jwks',
      ]
      for (const url of urls) {
        const plain = await get(url)
        for (const [name, value] of Object.entries(hostile)) {
          assert.deepEqual(await server.request({ url, headers: { [name]: value } }), plain, name)
        }
        assert.deepEqual(await server.request({ url, headers: hostile }), plain)
        assert.deepEqual(await get(url, evil), plain)
      }
      for (const headers of [hostile, {}]) {
        const reply = await server.token('acme', {
          basic: server.credential('acme', 'sync'),
          headers,
          host: evil,
        })
        assert.equal(decodeJwt(assertToken(reply)).iss, `${base}/acme`)
        const refused = await server.token('acme', { headers, host: evil })
        assert.equal(refused.headers['WWW-Authenticate'], `Basic realm="${base}/acme"`)
      }
    },
  )

  await t.test('RFC 8414 §2: metadata promises nothing that is not there', async () => {
    const { json } = await get('/acme/.well-known/openid-configuration')
    assert.deepEqual(Object.keys(json), [
      ...['issuer', 'token_endpoint', 'jwks_uri', 'introspection_endpoint', 'revocation_endpoint'],
      ...['scopes_supported', 'response_types_supported', 'grant_types_supported'],
      ...['token', 'introspection', 'revocation'].flatMap((name) => [
        `${name}_endpoint_auth_methods_supported`,
        `${name}_endpoint_auth_signing_alg_values_supported`,
      ]),
      ...['introspection_signing_alg_values_supported', 'dpop_signing_alg_values_supported'],
      'subject_types_supported',
      'id_token_signing_alg_values_supported',
    ])
    assert.deepEqual(json.token_endpoint_auth_methods_supported, [
      'client_secret_basic',
      'client_secret_post',
      'client_secret_jwt',
      'private_key_jwt',
    ])
    assert.deepEqual(json.scopes_supported, ['read', 'write'])
    // What a client signs its proofs with here is good at an API as well.
    assert.deepEqual(json.dpop_signing_alg_values_supported, defaultSignatureAlgorithms)
  })
})

test('trust 118: a key set holds public keys only, each with its own id, algorithm and use', async (t) => {
  const server = await startTestServer(t, oneStore, text)
  for (const [tenantId, algorithm] of [
    ['acme', 'ES256'],
    ['rsa', 'RS256'],
    ['secret', 'ES256'],
  ] as const) {
    const reply = await server.request({ url: `/${tenantId}/oauth2/jwks` })
    assert.equal(reply.status, 200)
    const keys: Record<string, string>[] = reply.json.keys
    assert.ok(keys.length > 0)
    assert.equal(new Set(keys.map(({ kid }) => kid)).size, keys.length)
    for (const key of keys) {
      const allowed = ['kty', 'kid', 'use', 'alg', 'crv', 'x', 'y', 'n', 'e']
      assert.deepEqual(
        Object.keys(key).filter((name) => !allowed.includes(name)),
        [],
      )
      assert.equal(key.use, 'sig')
      assert.equal(key.alg, algorithm)
      assert.notEqual(key.kty, 'oct')
    }
  }
  const { json } = await server.request({ url: '/rsa/oauth2/jwks' })
  // 001-09: 32 bytes in base64 with its padding.
  assert.match(json.keys[0].kid, /^[A-Za-z0-9+/]{43}=$/)
})

test('FAPI 2.0 §5.4.2: the key set is had over TLS alone: metadata names no other URL, and no port gives it in clear', async (t) => {
  const server = await startTestServer(t, oneStore, text)
  const { json } = await server.request({ url: '/acme/.well-known/openid-configuration' })
  assert.equal(new URL(json.jwks_uri).protocol, 'https:')
  const anyPort = { hosts: ['127.0.0.1'], port: 0 }
  const ports = [await server.server.listenPlainHttp(anyPort), await server.server.listen(anyPort)]
  for (const port of ports) {
    for (const path of ['/acme/oauth2/jwks', '/acme/.well-known/openid-configuration']) {
      for (const more of [[], ['X-Forwarded-Proto: https'], ['Forwarded: proto=https']]) {
        const reply = await overPlainHttp(port, [`GET ${path} HTTP/1.1`, 'Host: localhost:8443', ...more])
        assert.equal(reply.status, 403, path)
        assert.ok(!reply.headers.has('location') && !/kty|jwks/.test(reply.body), reply.body)
      }
    }
  }
})

test('000-15: an HS512 key signs and is published nowhere', async (t) => {
  const server = await startTestServer(t, oneStore, text)
  const token = assertToken(await server.token('secret', { basic: server.credential('secret', 'sync') }))
  const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as Record<
    string,
    string
  >
  assert.equal(header.alg, 'HS512')
  for (const url of ['/secret/oauth2/jwks', '/secret/.well-known/openid-configuration']) {
    const reply = await server.request({ url })
    assert.ok(!reply.text.includes('HS512'))
    assert.ok(!reply.text.includes(header.kid ?? '?'))
    assert.ok(!reply.text.includes('oct'))
  }
  const keys = await server.db.kysely
    .selectFrom('signing_keys')
    .selectAll()
    .where('tenant_id', '=', 'secret')
    .execute()
  const symmetric = keys.find(({ algorithm }) => algorithm === 'HS512')
  assert.equal(symmetric?.public_jwk, null)
  assert.equal(symmetric?.api_id, 'rest')
})

test('trust 119: whoever has the current document is told so, and caches may keep it for half the overlap', async (t) => {
  const server = await startTestServer(t, oneStore, text)
  for (const url of [
    '/acme/oauth2/jwks',
    '/acme/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server/acme',
  ]) {
    const reply = await server.request({ url })
    const { ETag: etag = '' } = reply.headers
    assert.match(etag, /^"[\w-]+"$/)
    const [, maxAge] = /^public, max-age=(\d+)$/.exec(reply.headers['Cache-Control'] ?? '') ?? []
    assert.ok(Number(maxAge) >= 60 && Number(maxAge) <= 300)
    for (const condition of [etag, `W/${etag}`, `"x", ${etag}`, `"x",W/${etag} , "y"`, '*']) {
      const known = await server.request({ url, headers: { 'if-none-match': condition } })
      assert.equal(known.status, 304, condition)
      assert.equal(known.text, '')
      assert.equal(known.headers.ETag, etag)
      assert.equal(known.headers['Cache-Control'], reply.headers['Cache-Control'])
    }
    for (const condition of ['"x"', etag.slice(1, -1), '', `"${etag}"`]) {
      assert.equal(
        (await server.request({ url, headers: { 'if-none-match': condition } })).status,
        200,
        condition,
      )
    }
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      const refused = await server.request({ url, method })
      assert.equal(refused.status, 405)
      assert.equal(refused.headers.Allow, 'GET, HEAD')
    }
    assert.equal((await server.request({ url, method: 'HEAD' })).status, 200)
  }
  const before = await server.request({ url: '/acme/.well-known/openid-configuration' })
  await server.db.write(async (tx) => {
    const settings = JSON.stringify({ scopes: { read: 'Read', more: 'More' } })
    await tx.kysely.updateTable('apis').set({ settings }).where('tenant_id', '=', 'acme').execute()
    tx.append({ tenantId: 'acme', noun: 'tenant', subjectId: 'acme' })
  })
  const after = await server.request({
    url: '/acme/.well-known/openid-configuration',
    headers: { 'if-none-match': before.headers.ETag ?? '' },
  })
  assert.equal(after.status, 200)
  assert.deepEqual(after.json.scopes_supported, ['read', 'more'])
})
