// trust.md part 2 A: what the token endpoint makes of requests that are wrong before anybody asks who sent them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { oneStore, startTestServer } from '../harness.ts'
import { assertError, assertToken, assertUncached, grant } from './answers.ts'
import { app, blueprint, tenant } from './sample.ts'

const form = 'application/x-www-form-urlencoded'

test('trust 1-22: requests that are malformed are refused before any client is looked at', async (t) => {
  const server = await startTestServer(t, oneStore, blueprint(tenant('acme', [app('sync')])))
  const sync = server.credential('acme', 'sync')
  const send = (body: string | Buffer, contentType: string | null = form) =>
    server.token('acme', {
      body,
      basic: sync,
      headers: contentType === null ? {} : { 'content-type': contentType },
    })

  await t.test('trust 1: only POST is a token request', async () => {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH']) {
      const reply = await server.token('acme', { method, basic: sync })
      assert.equal(reply.status, 405, method)
      assert.equal(reply.headers.Allow, 'POST')
      assert.equal(reply.headers['Cache-Control'], 'no-store')
    }
  })

  await t.test(
    'trust 2-5: a body that is not form-encoded in UTF-8 is refused with what is wanted',
    async () => {
      const multipart =
        '--x\r\nContent-Disposition: form-data; name="grant_type"\r\n\r\nclient_credentials\r\n--x--\r\n'
      for (const [body, contentType] of [
        ['{"grant_type":"client_credentials"}', 'application/json'],
        [multipart, 'multipart/form-data; boundary=x'],
        ['grant_type=client_credentials', null],
        ['grant_type=client_credentials', ''],
        ['grant_type=client_credentials', 'text/plain'],
        ['grant_type=client_credentials', `${form}, ${form}`],
        [Buffer.from('grant_type=client_credentials', 'utf16le'), `${form}; charset=utf-16`],
        ['grant_type=client_credentials', `${form}; charset=utf-16`],
      ] as const) {
        const reply = await send(body, contentType)
        assertError(reply, 'invalid_request')
        assert.ok(reply.json.error_description.includes(form), reply.text)
      }
      for (const contentType of [
        form,
        `${form}; charset=UTF-8`,
        `${form};charset="utf-8"`,
        form.toUpperCase(),
      ]) {
        assertToken(await send('grant_type=client_credentials', contentType))
      }
    },
  )

  await t.test('RFC 9110 §8.4: a body that was packed is refused as that, whatever is in it', async () => {
    for (const encoding of ['gzip', 'br', 'identity, gzip', '']) {
      const headers = { 'content-type': form, 'content-encoding': encoding }
      const reply = await server.token('acme', {
        body: 'grant_type=client_credentials',
        basic: sync,
        headers,
      })
      assertError(reply, 'invalid_request')
      assert.equal(reply.json.error_description, 'Send the body without Content-Encoding.')
    }
    const headers = { 'content-type': form, 'content-encoding': 'Identity' }
    assertToken(await server.token('acme', { body: 'grant_type=client_credentials', basic: sync, headers }))
  })

  await t.test('trust 6-7: a missing grant_type and an empty one are the same mistake', async () => {
    for (const body of ['', 'scope=read', 'grant_type=', 'grant_type', 'grant_type=&scope=read', '&&']) {
      const reply = await send(body)
      assertError(reply, 'invalid_request')
      assert.match(reply.json.error_description, /^grant_type /)
    }
  })

  await t.test(
    'trust 8-10: another grant type is not supported, nor another spelling of a supported one',
    async () => {
      for (const type of [
        ...['password', 'CLIENT_CREDENTIALS', 'client_credentials ', ' client_credentials', 'urn:x:unknown'],
        ...[
          'authorization_code',
          'refresh_token',
          'implicit',
          '__proto__',
          'constructor',
          '"client_credentials"',
        ],
        'client_credentials,client_credentials',
      ]) {
        assertError(
          await send(new URLSearchParams({ grant_type: type }).toString()),
          'unsupported_grant_type',
        )
      }
    },
  )

  await t.test(
    'trust 11-13: a parameter that comes twice is refused, also when both are equal or empty',
    async () => {
      for (const repeated of [
        ...[
          'grant_type=client_credentials',
          'scope=read',
          'scope=',
          'client_id=x',
          'audience=rest',
          'anything=1',
        ],
        ...['client_secret=x', 'sc%6fpe=read&scope=read', '__proto__=1'],
      ]) {
        assertError(await send(`grant_type=client_credentials&${repeated}&${repeated}`), 'invalid_request')
      }
      assertError(await send('grant_type=client_credentials&scope=&scope=read'), 'invalid_request')
    },
  )

  await t.test('RFC 6749 §3.2: a URL that cannot be read is named as the place, not the body', async () => {
    for (const query of ['x=%zz', 'x=%00', 'x=%ff', 'x=ü']) {
      const reply = await server.request({
        ...{ method: 'POST', url: `/acme/oauth2/token?${query}`, body: grant, basic: sync },
      })
      assertError(reply, 'invalid_request')
      assert.match(reply.json.error_description, /^The URL holds /, query)
    }
  })

  await t.test(
    'RFC 6749 §3.2: grant_type in the URL is none, and the answer says where it stood',
    async () => {
      const url = '/acme/oauth2/token?grant_type=client_credentials'
      const headers = { 'content-type': form }
      const reply = await server.request({ method: 'POST', url, headers, body: '', basic: sync })
      assertError(reply, 'invalid_request')
      assert.equal(
        reply.json.error_description,
        'grant_type is missing from the body; it was sent in the URL.',
      )
      assertToken(await server.request({ method: 'POST', url, body: grant, basic: sync }))
    },
  )

  await t.test('RFC 6749 §3.3: who asks for less in the URL is refused, not given more', async () => {
    for (const query of ['scope=read', 'resource=https%3A%2F%2Fa.example', 'audience=a']) {
      const url = `/acme/oauth2/token?${query}`
      const reply = await server.request({ method: 'POST', url, body: grant, basic: sync })
      assertError(reply, 'invalid_request')
      assert.match(reply.json.error_description, /^Send (scope|resource|audience) in the body/)
    }
    assertToken(
      await server.request({
        method: 'POST',
        url: '/acme/oauth2/token?scope=&x=1',
        body: grant,
        basic: sync,
      }),
    )
  })

  await t.test('trust 14: an unknown parameter changes nothing, whatever it is called', async () => {
    const reply = await send(
      'grant_type=client_credentials&anything=1&__proto__=x&constructor=y&toString=z&authorization_details=%5B%5D',
    )
    assertToken(reply)
    assert.deepEqual(Object.keys(reply.json), ['access_token', 'token_type', 'expires_in', 'scope'])
  })

  await t.test(
    'trust 16, F5: a long scope is refused by its length, before its content is read',
    async () => {
      for (const length of [4097, 50_000]) {
        // Malformed, of many names, and of one name: the answer is the same, so nothing behind the limit was looked at.
        const scopes = [
          '\u0001'.repeat(length),
          'a '.repeat(length / 2),
          'a'.repeat(length),
          'read '.repeat(length / 5),
        ]
        for (const scope of scopes.map((text) => text.padEnd(length, 'x'))) {
          const reply = await server.token('acme', {
            basic: sync,
            body: { ...grant, scope: scope.replaceAll('\u0001', '"') },
          })
          assertError(reply, 'invalid_scope')
          assert.equal(reply.json.error_description, 'The scope is longer than 4096 characters.')
        }
      }
    },
  )

  await t.test(
    'trust 18: text that is no UTF-8, broken percent signs and control characters are refused',
    async () => {
      for (const body of [
        ...[
          'grant_type=%zz',
          'grant_type=%',
          'grant_type=%f',
          'grant_type=%ff%fe',
          'grant_type=client_credentials%00',
        ],
        ...[
          'client_id=%00',
          'client_id=%c0%af',
          'client_id=%ed%a0%80',
          'client_id=%ff',
          'x=%zz',
          '%zz=x',
          'x=%0b',
        ],
      ]) {
        assertError(
          await send(`${body}&grant_type=client_credentials`.replace(/^(grant_type[^&]*)&.*$/, '$1')),
          'invalid_request',
        )
      }
      for (const bytes of [[0xc3, 0xbc], [0xff], [0x00], [0x0a]]) {
        const body = Buffer.concat([Buffer.from('grant_type=client_credentials&x='), Buffer.from(bytes)])
        assertError(await send(body), 'invalid_request')
      }
    },
  )

  await t.test('trust 22: a preflight is answered without permission for any origin', async () => {
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' }
    const reply = await server.token('acme', { method: 'OPTIONS', headers })
    assert.equal(reply.status, 204)
    assert.equal(reply.text, '')
    const names = Object.keys(reply.headers).map((name) => name.toLowerCase())
    assert.deepEqual(
      names.filter((name) => name.startsWith('access-control-')),
      [],
    )
  })

  await t.test('RFC 6749 §5.1: an answer to another origin carries no permission either', async () => {
    const reply = await server.token('acme', { basic: sync, headers: { origin: 'https://evil.example' } })
    assertToken(reply)
    assertUncached(reply)
    assert.equal(reply.headers['Access-Control-Allow-Origin'], undefined)
  })
})

test('trust 2-5: of two Content-Type headers none counts', async (t) => {
  const server = await startTestServer(t, oneStore, blueprint(tenant('acme', [app('sync')])))
  const request = { basic: server.credential('acme', 'sync'), repeatsContentType: true }
  assertError(await server.token('acme', request), 'invalid_request')
})
