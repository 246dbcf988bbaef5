// RFC 7591 §3.2.2 for all of it: whatever JSON is sent, the answer is an app or a refusal of one of the codes, never our failure.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../../test/property.ts'
import { clientMetadata } from '../../src/oauth/register/metadata.ts'
import { oneStore } from '../harness.ts'
import { startRegistering } from './registering.ts'

const names = [...Object.keys(clientMetadata), '__proto__', 'constructor', 'client_id', '']
const words = [
  ...[
    'client_secret_basic',
    'client_secret_jwt',
    'private_key_jwt',
    'tls_client_auth',
    'none',
    'read',
    'write',
  ],
  ...[
    'client_credentials',
    'code',
    'ES256',
    'HS256',
    'https://a.example/x',
    'https://[',
    'http://[::1]/',
    '*',
  ],
  ...['\u0000', '\ud800', '💥', 'CN=x', 'a.b.c', '', 'x'.repeat(5000)],
]
const word = fc.oneof(
  fc.constantFrom(...words),
  fc.string({ unit: 'binary' }),
  fc.webUrl({ withFragments: true }),
)
const key = fc.record(
  {
    ...{
      kty: fc.constantFrom('EC', 'RSA', 'OKP', 'oct'),
      crv: fc.constantFrom('P-256', 'Ed25519'),
      x: word,
      y: word,
    },
    ...{ n: word, e: word, d: word, k: word, kid: word, alg: word, x5c: fc.array(word, { maxLength: 2 }) },
  },
  { requiredKeys: [] },
)
const value = fc.oneof(
  word,
  fc.boolean(),
  fc.array(word, { maxLength: 3 }),
  fc.record({ keys: fc.array(key, { maxLength: 3 }) }),
  fc.jsonValue({ maxDepth: 3 }),
)
const metadata = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 6 })

const codes = [
  ...['invalid_client_metadata', 'invalid_redirect_uri', 'invalid_request'],
  ...['invalid_software_statement', 'unapproved_software_statement'],
]

test('RFC 7591 §3.2.2: any JSON is answered 201 or 400 with one of the codes, and only an app that is shown exists', async (t) => {
  const world = await startRegistering(t, oneStore)
  const token = await world.give({ registrations: 1000 })
  let made = 0
  await fc.assert(
    fc.asyncProperty(fc.oneof(metadata, fc.jsonValue()), async (json) => {
      const answer = await world.register(token, JSON.stringify(json))
      await world.server.advance(60)
      if (answer.status === 201) made += 1
      else assert.ok(answer.status === 400 && codes.includes(answer.json.error), answer.text)
    }),
    { numRuns: 400 },
  )
  const rows = await world.server.db.kysely.selectFrom('registrations').selectAll().execute()
  assert.equal(rows.length, made)
})
