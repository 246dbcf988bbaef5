// Where a token goes and where it does not: whoever receives it can use it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oauth from 'oauth4webapi'
import { createClient } from '../src/index.ts'
import { createWorld, invoices, issuer, secretOf } from './world.ts'

const notAllowed = { name: 'TypeError', code: 'ERR_ORIGIN_NOT_ALLOWED' }

test('RFC 6750 §5.3: the token goes to the allowed origins and to no other', async () => {
  const { client, tokenRequests, apiRequests } = createWorld()
  const elsewhere = [
    'https://evil.example/invoices',
    'http://api.example.com/invoices',
    'https://api.example.com:8443/invoices',
    'https://api.example.com.evil.example/invoices',
    'https://api.example.com@evil.example/invoices',
    'https://auth.example.com/acme',
    new URL('https://evil.example/'),
    new Request('https://evil.example/'),
  ]
  for (const place of elsewhere) await assert.rejects(client.fetch(place), notAllowed, String(place))
  await assert.rejects(client.fetch('/invoices'), TypeError)
  assert.deepEqual([tokenRequests.length, apiRequests.length], [0, 0])
})

test('RFC 8707 §2: without origins the token goes to that of resource or audience, and with a plain name nowhere', async () => {
  const named = [
    { resource: 'https://api.example.com/v1' },
    { audience: 'https://api.example.com' },
    { resource: 'https://api.example.com/v1', audience: 'api' },
  ]
  for (const options of named) {
    const { client, tokenRequests } = createWorld({ ...options, origins: undefined })
    assert.equal((await client.fetch(invoices)).status, 200)
    const sent = new URLSearchParams(tokenRequests[0]?.body)
    sent.delete('grant_type')
    assert.deepEqual(Object.fromEntries(sent), options)
  }
  const inClear = createWorld({ audience: 'http://api.example.com', origins: undefined })
  await assert.rejects(inClear.client.fetch('http://api.example.com/invoices'), notAllowed)
  const { client } = createWorld({ audience: 'api', origins: undefined })
  await assert.rejects(client.fetch(invoices), { ...notAllowed, message: /give origins/ })
  assert.equal((await client.token()).accessToken, 'token-1')
})

test('client: a redirect is not followed, and following cannot be asked for', async () => {
  const world = createWorld()
  world.answerApi(({ init }) =>
    init.redirect === 'manual'
      ? new Response(null, { status: 302, headers: { Location: 'https://evil.example/' } })
      : Response.error(),
  )
  const requests = [[invoices], [new Request(invoices)], [invoices, { redirect: 'manual' }]] as const
  for (const [input, init] of requests) {
    const response = await world.client.fetch(input, init)
    assert.deepEqual([response.status, response.headers.get('location')], [302, 'https://evil.example/'])
  }
  await world.client.fetch(invoices, { redirect: 'error' })
  assert.equal(world.apiRequests.at(-1)?.init.redirect, 'error')
  await assert.rejects(world.client.fetch(invoices, { redirect: 'follow' }), {
    code: 'ERR_INVALID_ARG_VALUE',
  })
  assert.ok(world.otherRequests.every(({ url }) => !url.includes('evil')))
})

test('client: a token endpoint that redirects gets no secret sent on', async () => {
  const world = createWorld()
  world.answerToken(() => new Response(null, { status: 307, headers: { Location: 'https://evil.example/' } }))
  await assert.rejects(world.client.token(), { code: 'unexpected_status', status: 307 })
  assert.equal(world.tokenRequests[0]?.init.redirect, 'manual')
})

test('client: what the caller sends arrives as it was: method, headers, query, body and the rest', async () => {
  const { client, apiRequests } = createWorld()
  const init = {
    method: 'PUT',
    headers: { 'X-Trace': '1', 'Content-Type': 'text/csv' },
    body: 'a;b',
    keepalive: true,
  }
  await client.fetch(`${invoices}?page=2#part`, init)
  await client.fetch(new Request(`${invoices}?page=2`, { ...init, headers: { 'X-Trace': '2' } }))
  const [first, second] = apiRequests
  assert.deepEqual([first?.method, first?.headers.get('x-trace'), first?.body], ['PUT', '1', 'a;b'])
  assert.deepEqual([first?.headers.get('content-type'), first?.init.keepalive], ['text/csv', true])
  assert.deepEqual([second?.method, second?.headers.get('x-trace'), second?.body], ['PUT', '2', 'a;b'])
  assert.ok(first?.url.startsWith(`${invoices}?page=2`))
  for (const name of ['Authorization', 'DPoP']) {
    await assert.rejects(client.fetch(invoices, { headers: { [name]: 'x' } }), {
      code: 'ERR_INVALID_ARG_VALUE',
    })
  }
})

test('client: options that do not fit together are refused, all in one message', () => {
  const make = (options: object) => () => createClient({ issuer, ...secretOf, ...options })
  const refused = (message: RegExp) => ({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', message })
  assert.throws(
    make({ clientId: '', clientSecret: undefined }),
    refused(/clientId is missing; clientSecret is missing/),
  )
  assert.throws(make({ issuer: undefined }), refused(/issuer is missing/))
  assert.throws(make({ issuer: 'http://auth.example.com' }), refused(/issuer is text, expected an https URL/))
  assert.throws(
    make({ tokenUrl: 'auth.example.com/token' }),
    refused(/tokenUrl is text, expected an https URL/),
  )
  assert.throws(make({ privateKey: {} }), refused(/both given/))
  assert.throws(make({ clientCertificate: true }), refused(/needs a fetch/))
  for (const origin of ['api.example.com', 'http://api.example.com', 'ftp://api.example.com']) {
    assert.throws(make({ origins: [origin] }), refused(/in origins is not an https URL/))
  }
  make({ origins: ['http://localhost:3000', 'http://127.0.0.1:1', 'http://[::1]:1'] })()
})

test('client: an option that there is none of is refused, as it would be passed over', () => {
  const meant = {
    ...{ DPoP: 'dpop', scopes: 'scope', audence: 'audience', client_id: 'clientId', tokenurl: 'tokenUrl' },
    ...{
      secret: 'secretIn',
      orgins: 'origins',
      onRenewalFail: 'onRenewalFailed',
      certificate: 'clientCertificate',
    },
  }
  for (const [name, near] of Object.entries(meant))
    assert.throws(() => createClient({ issuer, ...secretOf, [name]: true } as never), {
      message: `createClient: ${name} is unknown (did you mean ${near}?)`,
    })
  for (const name of ['constructor', '', '7'])
    assert.throws(
      () => createClient({ issuer, ...secretOf, [name]: true } as never),
      new RegExp(`createClient: ${name} is unknown \\(did you mean \\w+\\?\\)`),
    )
})

test('client: an option of another kind is named with what was found and what is expected, and never with its value', async () => {
  const pem = '-----BEGIN PRIVATE KEY-----'
  const { privateKey, publicKey } = await oauth.generateKeyPair('ES256')
  const wrong: readonly (readonly [object, string])[] = [
    [{ clientSecret: 471_147 }, 'clientSecret is a number, expected text'],
    [{ clientSecret: null }, 'clientSecret is null, expected text'],
    [{ clientId: ['sync'] }, 'clientId is a list, expected text'],
    [{ scope: ['a', 'b'] }, 'scope is a list, expected text'],
    [{ resource: new URL(invoices) }, 'resource is an object, expected text'],
    [{ issuer: 7, tokenUrl: true }, 'issuer is a number, expected an https URL; tokenUrl is true, expected'],
    [{ secretIn: 'sp_test_secret' }, 'secretIn is text, expected header or body'],
    [{ origins: invoices }, 'origins is text, expected a list of texts'],
    [{ origins: [7] }, 'origins is a list, expected a list of texts'],
    [{ clientCertificate: 'yes' }, 'clientCertificate is text, expected true or false'],
    [{ privateKey: pem }, 'privateKey is text, expected a private CryptoKey, as importPrivateKey makes it'],
    [{ privateKey: publicKey }, 'privateKey is an object, expected a private CryptoKey'],
    [{ dpop: 'true' }, 'dpop is text, expected true, false or { privateKey, publicKey }'],
    [{ dpop: { privateKey, publicKey: privateKey } }, 'dpop is an object, expected'],
    [{ clock: 5, fetch: {} }, 'fetch is an object, expected a function; clock is a number'],
  ]
  for (const [options, sentence] of wrong)
    assert.throws(
      () => createClient({ issuer, ...secretOf, ...options }),
      (error: TypeError & { code?: string }) => {
        assert.ok(error.message.includes(sentence), error.message)
        assert.ok(!/471147|sp_test|BEGIN/.test(error.message), error.message)
        return error.code === 'ERR_INVALID_ARG_VALUE'
      },
    )
  for (const options of [undefined, null, 'sync'])
    assert.throws(() => createClient(options as never), /createClient: expected an object with options/)
  const { clientId } = secretOf
  const own = { scope: undefined, dpop: { privateKey, publicKey }, origins: [] }
  createClient({ issuer, clientId, privateKey: { key: privateKey, kid: 'one' }, ...own })
})
