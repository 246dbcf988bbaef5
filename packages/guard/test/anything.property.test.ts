// Whatever a request holds is decided about: never an error, never let in, and always an answer that can be sent.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { Decision, RequestView } from '@sallyport/guard'
import { jwkThumbprintInput, readPublicJwk } from '@sallyport/protocol'
import * as fc from '../../../test/property.ts'
import { createKey, createWorld, guardOf, signJwt, standardClaims, standardHeader } from './world.ts'

const credentials = { id: 'api', secret: 'secret' }

function sendable(decision: Decision): void {
  if (decision.isAllowed) {
    new Headers(decision.headers)
    return
  }
  assert.ok(decision.status >= 400 && decision.status <= 503 && decision.status !== 500)
  const response = decision.toResponse()
  assert.equal(response.headers.get('refusal-id'), decision.id)
  JSON.parse(decision.body)
}

const viewOf = (
  headers: Readonly<Record<string, string>>,
  url = '/invoices',
  method = 'GET',
): RequestView => ({
  method,
  url,
  headers: { get: (name) => (Object.hasOwn(headers, name) ? (headers[name] ?? null) : null) },
})

const world = createWorld()
world.answers.set('/oauth2/revocations', () => new Response('event: ready\ndata: {}\n\n'))
world.answers.set('/oauth2/introspect', () => Response.json({ active: false }))
const endpoints = [
  { method: 'GET', path: '/invoices', scope: 'invoices/read' },
  { method: 'POST', path: '/invoices/{id}', scope: 'constructor' },
]
const guard = guardOf(world, {
  ...{ credentials, endpoints, introspect: 'opaque', revocation: { whenCut: 'allow' } },
  ...{ unlisted: 'authenticate' },
})

const word = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('Bearer', 'DPoP', 'bearer ', ' ', '.', '..', 'eyJ', '__proto__', '“', '\t', ',', '\u0000'),
)
const text = fc.array(word, { maxLength: 6 }).map((words) => words.join(''))

test('issue 6, 1: no header, URL or method is an error, and none without a good token is let in', async () => {
  await fc.assert(
    fc.asyncProperty(text, text, text, text, async (authorization, dpop, url, method) => {
      for (const scheme of ['', 'Bearer ', 'DPoP ']) {
        const decision = await guard.check(
          viewOf({ authorization: scheme + authorization, dpop }, url, method),
        )
        assert.ok(!decision.isAllowed)
        sendable(decision)
      }
    }),
    { numRuns: 500 },
  )
})

const anyClaim = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(null, '', [], {}, -1, 1e308, 'access', [null], { jkt: 1 }, { 'x5t#S256': '' }),
)
const claimNames = [
  ...Object.keys(standardClaims),
  ...['nbf', 'cnf', 'derived_from', 'token_use', '__proto__', 'constructor', 'toString'],
]

test('issue 6, 1: no claim and no header member of a token that is signed is an error', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...claimNames),
      anyClaim,
      fc.constantFrom('alg', 'kid', 'typ', 'jwk', 'crit', '__proto__', 'x'),
      fc.option(anyClaim),
      async (name, value, member, header) => {
        const claims = {
          ...standardClaims,
          ...JSON.parse(`{${JSON.stringify(name)}:${JSON.stringify(value)}}`),
        }
        const head = { ...standardHeader(world.key), ...(header !== null && { [member]: header }) }
        const token = signJwt(world.key, head, claims)
        for (const scheme of ['Bearer', 'DPoP'])
          sendable(await guard.check(viewOf({ authorization: `${scheme} ${token}` })))
      },
    ),
    { numRuns: 500 },
  )
})

const holder = createKey('ES256')
const read = readPublicJwk(holder.jwk)
assert.ok('jwk' in read)
const jkt = createHash('sha256').update(jwkThumbprintInput(read.jwk)).digest('base64url')

test('RFC 9449 §4.3: no claim and no header member of a proof that is signed is an error', async () => {
  const bound = world.token({ cnf: { jkt } })
  const { kty, crv, x, y } = holder.jwk
  const standard = { htm: 'GET', htu: 'https://api.example/invoices', iat: world.now, jti: 'x' }
  const ath = createHash('sha256').update(bound).digest('base64url')
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('htm', 'htu', 'iat', 'jti', 'ath', 'nonce', 'exp', 'nbf', '__proto__'),
      fc.oneof(anyClaim, fc.webUrl()),
      fc.constantFrom('typ', 'jwk', 'alg', 'x'),
      fc.option(anyClaim),
      async (name, value, member, header) => {
        const head = { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } }
        const proof = signJwt(
          holder,
          { ...head, ...(header !== null && { [member]: header }) },
          { ...standard, ath, [name]: value },
        )
        const decision = await guard.check(viewOf({ authorization: `DPoP ${bound}`, dpop: proof }))
        sendable(decision)
        const isChanged = ['htm', 'htu', 'ath'].includes(name)
        if (isChanged && value !== standard.htu && value !== 'GET') assert.ok(!decision.isAllowed)
      },
    ),
    { numRuns: 300 },
  )
})
