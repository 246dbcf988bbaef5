// Answers of an issuer that is wrong, slow or in somebody else's hands, and clocks that jump: what a guard does not take over.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GuardOptions } from '@sallyport/guard'
import { createKey, createWorld, guardOf, requestWith, settled, standardClaims, type World } from './world.ts'

const credentials = { id: 'api', secret: 'secret' }

async function reasonOf(guard: ReturnType<typeof guardOf>, token: string): Promise<string> {
  const decision = await guard.check(requestWith(token))
  return decision.isAllowed ? 'allowed' : decision.reason
}

test('trust 38, 178: a token that is remembered is not good for longer than the key, though nobody brings another', async () => {
  const world = createWorld()
  const guard = guardOf(world)
  const token = world.token({ exp: world.now + 100_000 })
  for (let index = 0; index < 3; index++) assert.equal(await reasonOf(guard, token), 'allowed')
  world.keys.splice(0, 1, createKey('ES256', 'key-2'))
  await world.advance(301)
  await reasonOf(guard, token)
  await settled()
  assert.equal(await reasonOf(guard, token), 'key_unknown')
})

test('trust 178: with the issuer down a token that is remembered ends with the keys that are too old', async () => {
  const world = createWorld()
  const guard = guardOf(world)
  const token = world.token({ exp: world.now + 100_000 })
  for (let index = 0; index < 3; index++) assert.equal(await reasonOf(guard, token), 'allowed')
  world.isCut = true
  await world.advance(3_700)
  assert.equal(await reasonOf(guard, token), 'keys_unavailable')
})

test('R17: a clock that is set back by an hour hides no new key and keeps no old one', async () => {
  const world = createWorld()
  const guard = guardOf(world)
  const token = world.token({ iat: world.now - 10_000, exp: world.now + 100_000 })
  assert.equal(await reasonOf(guard, token), 'allowed')
  world.now -= 3_600
  world.keys.splice(0, 1, createKey('ES256', 'key-2'))
  assert.equal(await reasonOf(guard, token), 'allowed')
  await settled()
  assert.equal(await reasonOf(guard, token), 'key_unknown')
})

const hostileSets: Readonly<Record<string, (world: World) => unknown>> = {
  'no list': () => ({ keys: { length: 1 } }),
  'a list of anything': () => ({ keys: [null, 1, 'x', [], {}, { kty: '__proto__' }] }),
  'a private key': ({ key }) => ({ keys: [{ ...key.jwk, d: 'AAAA' }] }),
  'its members behind __proto__': ({ key }) => ({
    keys: [JSON.parse(`{"__proto__":${JSON.stringify(key.jwk)}}`)],
  }),
  'a kid that is a number': ({ key }) => ({ keys: [{ ...key.jwk, kid: 1 }] }),
  'a key for encryption': ({ key }) => ({ keys: [{ ...key.jwk, use: 'enc' }] }),
  'a thousand keys before the right one': ({ key }) => ({
    keys: [...Array.from({ length: 1_000 }, (_, index) => ({ ...key.jwk, kid: `k${index}` })), key.jwk],
  }),
  'megabytes of members': ({ key }) => ({ keys: [key.jwk], more: 'x'.repeat(2_000_000) }),
}
for (const [title, document] of Object.entries(hostileSets)) {
  test(`RFC 8725 §3.10: a key set with ${title} opens nothing and throws nothing`, async () => {
    const world = createWorld()
    world.answers.set('/oauth2/jwks', () => Response.json(document(world)))
    assert.match(await reasonOf(guardOf(world), world.token()), /^key/)
  })
}

for (const [title, answer] of [
  ['redirects', () => new Response(null, { status: 302, headers: { location: 'https://evil.example/' } })],
  ['is deeper than any stack', () => new Response(`{"keys":${'['.repeat(400_000)}`)],
  ['is no UTF-8', () => new Response(new Uint8Array([0x7b, 0xff]))],
  ['is null', () => Response.json(null)],
  ['is empty', () => new Response(null)],
] as const) {
  test(`trust 40: keys and metadata whose answer ${title} are none`, async () => {
    for (const end of ['/oauth2/jwks', '/.well-known/oauth-authorization-server/acme']) {
      const world = createWorld()
      world.answers.set(end, answer)
      assert.equal(await reasonOf(guardOf(world), world.token()), 'keys_unavailable')
      assert.ok(world.asked.every((url) => url.startsWith('https://auth.example/')))
    }
  })
}

test('trust 40: an answer without end is cut off', async () => {
  const world = createWorld()
  let sent = 0
  const body = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1
        controller.enqueue(new Uint8Array(65_536).fill(0x20))
      },
    })
  world.answers.set('/oauth2/jwks', () => new Response(body()))
  assert.equal(await reasonOf(guardOf(world), world.token()), 'keys_unavailable')
  assert.ok(sent < 20)
})

function askingGuard(world: World, options: Partial<GuardOptions> = {}) {
  world.answers.set('/oauth2/revocations', () => new Response('event: ready\ndata: {}\n\n'))
  const terms = { credentials, introspect: 'opaque', revocation: { whenCut: 'allow' } } as const
  return guardOf(world, { ...terms, ...options })
}

const answers: readonly (readonly [string, object, string])[] = [
  ['of another issuer', { iss: 'https://auth.example/other' }, 'issuer'],
  ['without an audience, which its app may have several of', { aud: undefined }, 'audience'],
  ['with a list in its list of audiences', { aud: [['https://api.example']] }, 'audience'],
  ['whose exp is text', { exp: '1' }, 'claim_missing'],
  ['whose nbf is text', { nbf: '9999999999' }, 'claim_missing'],
  ['about an ID token', { token_use: 'id' }, 'token_type'],
]
for (const [title, members, reason] of answers) {
  test(`trust 18, RFC 7662 §2.2: an answer ${title} lets nobody in`, async () => {
    const world = createWorld()
    world.answers.set('/oauth2/introspect', () =>
      Response.json({ active: true, ...standardClaims, ...members }),
    )
    assert.equal(await reasonOf(askingGuard(world), 'opaque'), reason)
  })
}

test('001-17: with the switch an answer may leave the audience out, and then a scope is needed', async () => {
  const world = createWorld()
  const { aud: _aud, ...claims } = standardClaims
  world.answers.set('/oauth2/introspect', () => Response.json({ active: true, ...claims }))
  const guard = askingGuard(world, { tokens: { acceptMissing: ['aud'] } })
  assert.equal(await reasonOf(guard, 'opaque'), 'insufficient_scope')
  assert.ok((await guard.check(requestWith('opaque'), { scope: 'invoices/read' })).isAllowed)
})

test('issue 6, 1: with credentials alone the issuer is asked about no token', async () => {
  const world = createWorld()
  const guard = askingGuard(world, { introspect: undefined as never })
  assert.equal(await reasonOf(guard, 'opaque'), 'token_malformed')
  assert.ok(!world.asked.some((url) => url.endsWith('/introspect')))
})

test('trust 180: an answer from before a revocation is not kept, though the token was asked about again meanwhile', async () => {
  const world = createWorld()
  const questions: ((response: Response) => void)[] = []
  world.answers.set('/oauth2/introspect', () => new Promise((resolve) => questions.push(resolve)))
  let tell = (_text: string): void => {}
  const guard = askingGuard(world)
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      tell = (text) => controller.enqueue(new TextEncoder().encode(text))
    },
  })
  world.answers.set('/oauth2/revocations', () => new Response(body))
  for (let turns = 0; turns < 4; turns++) await settled()
  await world.advance(1)
  tell('event: ready\ndata: {}\n\n')
  await settled()
  const first = reasonOf(guard, 'opaque')
  await settled()
  tell('event: revocation\ndata: {"kind":"token","id":"unrelated","issued_until":1}\n\n')
  await settled()
  await settled()
  const second = reasonOf(guard, 'opaque')
  await settled()
  assert.equal(questions.length, 2)
  questions[0]?.(Response.json({ active: true, ...standardClaims }))
  await first
  questions[1]?.(Response.json({ active: false }))
  assert.equal(await second, 'inactive')
  const third = reasonOf(guard, 'opaque')
  await settled()
  questions[2]?.(Response.json({ active: false }))
  assert.equal(await third, 'inactive')
  guard.close()
})

test('R17: after a clock was set back an answer of the issuer does not serve until it has caught up', async () => {
  const world = createWorld()
  let asked = 0
  world.answers.set('/oauth2/introspect', () => {
    asked += 1
    return Response.json({ active: true, ...standardClaims, iat: 1 })
  })
  const guard = askingGuard(world)
  assert.equal(await reasonOf(guard, 'opaque'), 'allowed')
  world.now -= 3_600
  assert.equal(await reasonOf(guard, 'opaque'), 'allowed')
  assert.equal(asked, 2)
})
