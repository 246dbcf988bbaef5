// trust.md part 2 for all of it: whatever is sent, the answer is never our failure, never somebody's secret, never cached.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../../test/property.ts'
import { basic, oneStore, startTestServer, type TestReply, type TestRequest } from '../harness.ts'
import { app, blueprint, tenant } from './sample.ts'

const imported = 'imported-secret-with-%41+and/more=='
const dialect = {
  request: {
    ...{
      token_path: '/auth/token',
      multipart: true,
      default_grant_type: 'client_credentials',
      grant_type_header: true,
    },
    query_credentials: { client_id: 'key', client_secret: 'secret' },
  },
}
const apps = [
  app('sync', { client_id: 'sync' }),
  app('old', { client_id: 'old%41+', credentials: [{ id: 'main', secret: { from_env: 'IMPORTED' } }] }),
  app('public', { client_id: 'public', client_authentication: ['none'], credentials: [] }),
]
const text = blueprint(
  tenant('acme', apps, { hosts: ['acme.localhost'] }),
  tenant('dialect', apps, { dialect }),
)

const names = [
  ...[
    'grant_type',
    'scope',
    'resource',
    'audience',
    'client_id',
    'client_secret',
    'key',
    'secret',
    'assertion',
  ],
  ...[
    'client_assertion',
    'client_assertion_type',
    'authorization_details',
    'username',
    'password',
    '__proto__',
    '',
  ],
]
const values = [
  ...[
    'client_credentials',
    'read',
    'write read',
    'https://api.acme.example',
    'sync',
    'old%41+',
    'public',
    imported,
  ],
  ...[
    'SECRET',
    '',
    ' ',
    '%',
    '%zz',
    '\0',
    '\u0000\uffff',
    'ü',
    '\ud800',
    '{"a":1}',
    '*',
    'a:*',
    '#',
    '&',
    '=',
    '+',
  ],
]
const name = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...names) },
  fc.string({ unit: 'binary', maxLength: 20 }),
)
const value = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...values) },
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.nat(3000).map((length) => 'a '.repeat(length)),
)
const pairs = fc.array(fc.tuple(name, value), { maxLength: 6 })
/** Encoded well, or hardly at all. */
const encodedPairs = fc
  .tuple(pairs, fc.boolean())
  .map(([list, isClean]) =>
    list
      .map(([key, text]) =>
        isClean
          ? new URLSearchParams([[key.toWellFormed(), text.toWellFormed()]]).toString()
          : `${key}=${text}`,
      )
      .join('&'),
  )
const multipart = pairs.map((list) =>
  list
    .map(([key, text]) => `--x\r\nContent-Disposition: form-data; name="${key}"\r\n\r\n${text}\r\n`)
    .concat('--x--\r\n')
    .join(''),
)
const body = fc.oneof(
  { weight: 4, arbitrary: encodedPairs },
  { weight: 2, arbitrary: encodedPairs.map((pairs) => `grant_type=client_credentials&${pairs}`) },
  { weight: 2, arbitrary: multipart },
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.json(),
)
const right = fc.constant([basic('old%41+', imported)])
const anyAuthorization = fc.array(
  fc.oneof(
    fc.tuple(value, value).map(([id, secret]) => basic(id, secret)),
    fc
      .tuple(fc.constantFrom('Basic ', 'basic ', 'Bearer ', 'Basic\t', '', 'DPoP '), value)
      .map((parts) => parts.join('')),
    fc.base64String({ maxLength: 80 }).map((base64) => `Basic ${base64}`),
    fc.string({ maxLength: 60 }),
  ),
  { maxLength: 2 },
)
const authorization = fc.oneof(right, anyAuthorization)
const contentType = fc.oneof(
  { weight: 6, arbitrary: fc.constant('application/x-www-form-urlencoded') },
  { weight: 2, arbitrary: fc.constant('multipart/form-data; boundary=x') },
  fc.constantFrom(
    'application/json',
    'multipart/form-data',
    'application/x-www-form-urlencoded; charset=utf-16',
    '',
  ),
  fc.string({ maxLength: 40 }),
)
const path = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom('/acme/oauth2/token', '/dialect/oauth2/token', '/dialect/auth/token'),
  },
  fc.constantFrom(
    '/acme/oauth2/jwks',
    '/.well-known/openid-configuration/acme',
    '/acme/.well-known/oauth-authorization-server',
  ),
  fc.string({ unit: 'binary', maxLength: 40 }).map((rest) => `/${rest}`),
)

const request: fc.Arbitrary<TestRequest> = fc.record({
  method: fc.oneof(
    { weight: 8, arbitrary: fc.constant('POST') },
    fc.constantFrom('GET', 'HEAD', 'OPTIONS', 'PUT', 'X'),
  ),
  host: fc.oneof(
    { weight: 4, arbitrary: fc.constant('localhost:8443') },
    fc.constantFrom('acme.localhost', 'x', ''),
  ),
  url: fc
    .tuple(path, fc.oneof({ weight: 2, arbitrary: fc.constant('') }, encodedPairs))
    .map(([where, query]) =>
      query === '' ? where.replaceAll('?', '') : `${where.replaceAll('?', '')}?${query.replaceAll('?', '')}`,
    ),
  headers: fc
    .tuple(
      contentType,
      fc.dictionary(
        fc.constantFrom(
          'grant_type',
          'if-none-match',
          'x-forwarded-host',
          'origin',
          'expect',
          'cookie',
          'dpop',
        ),
        fc.string({ maxLength: 40 }),
      ),
    )
    .map(([type, more]) => ({ ...more, 'content-type': type })),
  authorization,
  body,
  clientAddress: fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ maxLength: 20 })),
})

/** RFC 6749 App. A.7 and A.8: what may stand in an error answer. */
const printable = /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/

function assertSound({ status, headers, text, json }: TestReply): void {
  assert.ok([200, 204, 304, 400, 401, 404, 405, 429].includes(status), `${status}`)
  if (status >= 400) {
    assert.equal(headers['Cache-Control'], 'no-store')
    assert.match(json.error, printable)
    assert.match(json.error_description ?? '', printable)
    assert.ok(text.length < 300, text)
  }
  for (const header of Object.values(headers)) assert.match(header, /^[\x20-\x7e]*$/)
}

test('trust part 2: no request of any kind gets a 5xx, an echo or a secret', async (t) => {
  const server = await startTestServer(t, oneStore, text, { IMPORTED: imported })
  const secrets = [imported, server.credential('acme', 'sync')[1], server.credential('dialect', 'sync')[1]]
  const filled = (part: string) => part.replaceAll('SECRET', secrets[1] ?? '')
  // Anything that a request brings could be somebody's secret, so this text must not come back.
  const marker = 'zq9-marker-7x'
  let issued = 0
  await fc.assert(
    fc.asyncProperty(request, async (arbitrary) => {
      const { body: sent, headers = {} } = arbitrary
      const reply = await server.request({
        ...arbitrary,
        url: filled(arbitrary.url.replaceAll(imported, marker)),
        headers: { ...headers, 'x-marker': marker },
        body:
          typeof sent === 'string' ? filled(sent).replace('audience=', `audience=${marker}`) : (sent ?? ''),
      })
      assertSound(reply)
      if (reply.status === 200 && reply.json.access_token !== undefined) issued += 1
      const all = JSON.stringify(reply)
      for (const secret of [...secrets, marker]) assert.ok(!all.includes(secret), 'a secret in the answer')
    }),
    { numRuns: 1500 },
  )
  const log = JSON.stringify(server.logLines)
  for (const secret of secrets) assert.ok(!log.includes(secret), 'a secret in the log')
  assert.ok(!log.includes('server_error'))
  assert.ok(issued > 0, 'none of them was a good request')
  t.diagnostic(`${issued} of them were tokens`)
})
