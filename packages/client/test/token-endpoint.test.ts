// How the client asks for a token, and what it makes of each answer, conforming or not.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { importPrivateKey } from '../src/index.ts'
import { claimsOf, countedTokens, createWorld, invoices, issuer, json, refusal, tokenUrl } from './world.ts'

const pem = (type: 'ec' | 'ed25519') => {
  const pair =
    type === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')
  return pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

test('RFC 8414 §3: the endpoint is found by metadata, once, and a failure of that is not kept', async () => {
  const asked: string[] = []
  let answer = () => json(503, {})
  const { client } = createWorld({
    fetch: async (input) => {
      asked.push(String(input))
      return String(input) === tokenUrl ? countedTokens()({} as never) : answer()
    },
  })
  assert.equal((await refusal(client.token())).status, 503)
  answer = () => json(200, { issuer: 'https://evil.example', token_endpoint: 'https://evil.example/token' })
  assert.equal((await refusal(client.token())).code, 'invalid_answer')
  for (const members of [{}, { token_endpoint: 'http://auth.example.com/token' }, { token_endpoint: 7 }]) {
    answer = () => json(200, { issuer, ...members })
    assert.equal((await refusal(client.token())).code, 'invalid_answer')
  }
  answer = () => json(200, { issuer, token_endpoint: tokenUrl })
  for (let count = 0; count < 3; count++) {
    await client.token()
    client.forget()
  }
  const place = 'https://auth.example.com/.well-known/oauth-authorization-server/acme'
  assert.deepEqual(asked, [...Array(6).fill(place), tokenUrl, tokenUrl, tokenUrl])
})

test('RFC 8414 §3.3: metadata of another issuer is refused, and the message has both', async () => {
  const says = async (named: string, given: string) => {
    const { client } = createWorld({ issuer: given, fetch: async () => json(200, { issuer: named }) })
    return (await refusal(client.token())).message
  }
  assert.equal(
    await says(issuer, `${issuer}/`),
    `${issuer}/: 200 invalid_answer (names the issuer "${issuer}", and the client was given "${issuer}/")`,
  )
  for (const named of [`${issuer}/\n2026-11-21 all is well`, `https://${'x'.repeat(200)}`])
    assert.match(
      await says(named, issuer),
      /^.* \(names the issuer "another", and the client was given .*\)$/,
    )
  const { client } = createWorld({ fetch: async () => json(200, { issuer }) })
  assert.equal(
    (await refusal(client.token())).message,
    `${issuer}: 200 invalid_answer (its token_endpoint is no https URL)`,
  )
})

test('RFC 6749 §2.3.1: the secret goes into the header, or by choice into the body', async () => {
  const [header, body] = [createWorld({ scope: 'read write' }), createWorld({ secretIn: 'body', tokenUrl })]
  await Promise.all([header.client.token(), body.client.token()])
  const [inHeader, inBody] = [header.tokenRequests[0], body.tokenRequests[0]]
  assert.equal(inHeader?.headers.get('authorization'), `Basic ${btoa('sync:sp%5Ftest%5Fsecret')}`)
  assert.equal(inHeader?.body, 'scope=read+write&grant_type=client_credentials')
  assert.equal(inBody?.headers.get('authorization'), null)
  assert.match(inBody?.body ?? '', /client_id=sync&client_secret=sp_test_secret/)
  assert.equal(body.otherRequests.length, 0, 'with tokenUrl nothing is looked up')
})

test('RFC 7523 §3: an assertion for the issuer, by the clock that was handed in, and new each time', async () => {
  for (const [type, algorithm, expected] of [
    ['ec', 'ES256', 'ES256'],
    ['ed25519', 'EdDSA', 'Ed25519'],
  ] as const) {
    const key = await importPrivateKey(pem(type), algorithm)
    const world = createWorld({ clientSecret: undefined, privateKey: { key, kid: 'key-2026' } })
    await world.client.token()
    world.client.forget()
    await world.client.token()
    const forms = world.tokenRequests.map(({ body }) => new URLSearchParams(body))
    const [first = {}, second = {}] = forms.map((form) => claimsOf(form.get('client_assertion')))
    const { iss, sub, aud, iat, exp } = first
    assert.deepEqual([iss, sub, aud, iat, exp], ['sync', 'sync', issuer, 1_800_000_000, 1_800_000_060])
    assert.notEqual(first.jti, second.jti)
    const header = JSON.parse(atob(forms[0]?.get('client_assertion')?.split('.')[0] ?? ''))
    assert.deepEqual(header, { alg: expected, kid: 'key-2026' })
  }
})

test('RFC 7517 §4: a key is imported as PEM or JWK, cannot be read out, and what is none is refused without its text', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = privateKey.export({ format: 'jwk' })
  for (const key of [{ ...jwk }, pem('ec')]) assert.equal((await importPrivateKey(key)).extractable, false)
  for (const wrong of ['', 'sp_test_secret', pem('ed25519'), pem('ec').slice(0, 80)]) {
    await assert.rejects(importPrivateKey(wrong), (error: Error) => {
      assert.equal(error.message, 'importPrivateKey: this is no private key for ES256')
      return error.cause === undefined
    })
  }
})

test('RFC 8705 §2: with a certificate alone the client says who it is, at the endpoint for certificates', async () => {
  const asked: [string, string][] = []
  const { client } = createWorld({
    clientSecret: undefined,
    clientCertificate: true,
    fetch: async (input, init) => {
      asked.push([String(input), String(init?.body ?? '')])
      if (init?.method === 'POST') return countedTokens()({} as never)
      const aliases = { token_endpoint: 'https://auth.example.com:8444/token' }
      return json(200, { issuer, token_endpoint: tokenUrl, mtls_endpoint_aliases: aliases })
    },
  })
  await client.token()
  const form = 'grant_type=client_credentials&client_id=sync'
  assert.deepEqual(asked[1], ['https://auth.example.com:8444/token', form])
})

test('client: a refusal says code, status and request id, and nothing that is secret', async () => {
  const world = createWorld()
  const description = 'Client authentication failed.'
  world.answerToken(() =>
    json(
      401,
      { error: 'invalid_client', error_description: description },
      { 'X-Request-Id': '9dc0cb54', 'WWW-Authenticate': 'Basic realm="acme"' },
    ),
  )
  const error = await refusal(world.client.fetch(invoices))
  const { code, status, requestId } = error
  assert.deepEqual([code, status, requestId], ['invalid_client', 401, '9dc0cb54'])
  assert.equal(error.description, description)
  assert.equal(error.message, `${tokenUrl}: 401 invalid_client (X-Request-Id 9dc0cb54)`)
  assert.doesNotMatch(
    inspect(error, { depth: 9 }) + inspect(world.client, { depth: 9, showHidden: true }),
    /sp_test/,
  )
})

test('client: what stands in the query of a token URL is in no message', async () => {
  const { client } = createWorld({ tokenUrl: `${tokenUrl}?key=hidden` })
  assert.equal((await refusal(client.token())).message, `${tokenUrl}: 404 unexpected_status`)
})

test('client: what an answer says cannot make a second line of a log', async () => {
  const world = createWorld()
  world.answerToken(() => json(400, { error: 'x\n2026-11-21 all is well' }))
  const { message, code } = await refusal(world.client.token())
  assert.deepEqual([message, code], [`${tokenUrl}: 400 unexpected_status`, 'unexpected_status'])
})

test('client: an answer that is no token is told as one', async () => {
  const bad: (() => Response)[] = [
    () => new Response('<html>'),
    () => json(200, []),
    () => json(200, { token_type: 'Bearer' }),
    () => json(200, { access_token: '', token_type: 'Bearer' }),
    () => json(200, { access_token: 'x' }),
    () => json(200, { access_token: 'no\nheader', token_type: 'Bearer' }),
    () => json(200, { access_token: 'nor thïs', token_type: 'Bearer' }),
    () => json(200, { access_token: 'x', token_type: 'mac' }),
    () => json(200, { access_token: 'x', token_type: 'Bearer', expires_in: -1 }),
    () => json(200, { access_token: 'x', token_type: 'Bearer', expires_in: 'soon' }),
  ]
  for (const answer of bad) {
    const world = createWorld()
    world.answerToken(answer)
    const { code, status } = await refusal(world.client.token())
    assert.deepEqual([code, status], ['invalid_answer', 200])
  }
})

test('client: answers in a dialect are understood: lower-case type, scopes as a list, a life as text, an id_token', async () => {
  const world = createWorld()
  world.answerToken(
    countedTokens({ token_type: 'bearer', scope: ['a', 'b'], expires_in: '300', id_token: 'no.such.jwt' }),
  )
  const token = await world.client.token()
  assert.deepEqual(token, {
    accessToken: 'token-1',
    tokenType: 'Bearer',
    expiresAt: 1_800_000_300,
    scope: 'a b',
  })
})

test('RFC 9110 §10.2.3: a server that names a short time is asked once more after it, and a long time is told', async () => {
  const busy = (status: number, after: string) => () =>
    json(status, { error: 'temporarily_unavailable' }, { 'Retry-After': after })
  for (const status of [429, 503]) {
    const world = createWorld()
    world.answerToken(busy(status, '5'))
    const error = await refusal(world.client.token())
    assert.deepEqual([error.status, error.retryAfterSeconds], [status, 5])
    assert.deepEqual([world.tokenRequests.length, world.waits], [2, [5]])
  }
  for (const after of ['11', '3600', new Date((1_800_000_000 + 60) * 1000).toUTCString(), 'soon']) {
    const world = createWorld()
    world.answerToken(busy(503, after))
    await refusal(world.client.token())
    assert.deepEqual([world.tokenRequests.length, world.waits], [1, []])
  }
  const world = createWorld()
  world.answerToken((asked) => {
    world.answerToken(countedTokens())
    return busy(429, new Date(1_800_000_003_000).toUTCString())() ?? asked
  })
  assert.equal((await world.client.token()).accessToken, 'token-1')
  assert.deepEqual(world.waits, [3])
})

test('client: a server that never answers is waited for half a minute', async () => {
  const silence = new AbortController()
  const deadlines: number[] = []
  const { client } = createWorld({
    deadline: (seconds) => {
      deadlines.push(seconds)
      return silence.signal
    },
    fetch: (_input, init) =>
      new Promise((_resolve, reject) =>
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason)),
      ),
  })
  const asked = refusal(client.token())
  silence.abort(new Error('too long'))
  const { code, cause } = await asked
  assert.deepEqual([code, (cause as Error).message, deadlines], ['unreachable', 'too long', [30]])
})

test('client: why a server is unreachable is said by the innermost cause that has a code', async () => {
  const caused = (...codes: unknown[]) =>
    codes.reduceRight(
      (cause: unknown, code) => Object.assign(new Error('failed', { cause }), { code }),
      undefined,
    )
  const circular = caused('ECONNRESET') as Error
  circular.cause = circular
  const cases: readonly (readonly [unknown, string])[] = [
    [caused(undefined, undefined, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'), ' (UNABLE_TO_VERIFY_LEAF_SIGNATURE)'],
    [caused('UND_ERR_SOCKET', 'ECONNRESET', undefined), ' (ECONNRESET)'],
    [circular, ' (ECONNRESET)'],
    [caused(undefined, 20, 'no\ncode'), ''],
    ['thrown', ''],
  ]
  for (const [cause, reason] of cases) {
    const { client } = createWorld({ tokenUrl, fetch: () => Promise.reject(cause) })
    const error = await refusal(client.token())
    assert.deepEqual([error.message, error.cause], [`${tokenUrl}: unreachable${reason}`, cause])
  }
})

test('client: an answer that breaks off or does not end in time is a lost connection, and is tried anew', async () => {
  const world = createWorld()
  const brokenOff = new Error('other side closed')
  const breakOff = () =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('{"access_token":"tok'))
          controller.error(brokenOff)
        },
      }),
    )
  world.answerToken(breakOff)
  const { code, status, cause } = await refusal(world.client.token())
  assert.deepEqual([code, status, cause], ['unreachable', undefined, brokenOff])
  world.answerToken(countedTokens())
  assert.equal((await world.client.token()).accessToken, 'token-1')

  const slow = new AbortController()
  const { client } = createWorld({
    deadline: () => slow.signal,
    fetch: async (_input, init) =>
      new Response(
        new ReadableStream({
          start: (controller) =>
            init?.signal?.addEventListener('abort', () => controller.error(init.signal?.reason)),
        }),
      ),
  })
  const asked = refusal(client.token())
  slow.abort(new Error('too long'))
  const late = await asked
  assert.deepEqual([late.code, (late.cause as Error).message], ['unreachable', 'too long'])
})
