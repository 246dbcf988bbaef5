// The issuer's keys: fetched when needed, kept while it is down, and refused when they are gone.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GuardOptions, Refused } from '@sallyport/guard'
import {
  createKey,
  createWorld,
  guardOf,
  issuer,
  requestWith,
  settled,
  signJwt,
  standardClaims,
  standardHeader,
  type World,
} from './world.ts'

const jwksFetches = (asked: readonly string[]) => asked.filter((url) => url.endsWith('/jwks')).length

test('RFC 8414 §3.3: keys of metadata that is of another issuer are not taken', async () => {
  const world = createWorld()
  const document = { issuer: 'https://auth.example/other', jwks_uri: 'https://auth.example/acme/oauth2/jwks' }
  world.answers.set('/.well-known/oauth-authorization-server/acme', () => Response.json(document))
  const decision = await guardOf(world).check(requestWith(world.token()))
  assert.equal(!decision.isAllowed && decision.reason, 'keys_unavailable')
  assert.equal(!decision.isAllowed && decision.status, 503)
})

test('RFC 8414 §2: keys are not fetched over plain HTTP', async () => {
  const world = createWorld()
  const document = { issuer: 'https://auth.example/acme', jwks_uri: 'http://auth.example/acme/oauth2/jwks' }
  world.answers.set('/.well-known/oauth-authorization-server/acme', () => Response.json(document))
  const decision = await guardOf(world).check(requestWith(world.token()))
  assert.equal(!decision.isAllowed && decision.reason, 'keys_unavailable')
})

/** What the API hears, and what stands in the answer. */
async function cutOff(world: World, options: Partial<GuardOptions> = {}) {
  const told: (string | null)[] = []
  const guard = guardOf(world, { ...options, onRefusal: ({ cause }) => void told.push(cause) })
  const decision = await guard.check(requestWith(world.token()))
  assert.ok(!decision.isAllowed)
  assert.equal(decision.reason, 'keys_unavailable')
  const answer = decision.toResponse()
  const sent = JSON.stringify([...answer.headers, await answer.text()])
  const { failure } = guard.status().keys
  assert.deepEqual(told, [failure])
  return { guard, failure: failure ?? '', sent }
}

const failed = (code: string, message: string): Error =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(message), { code }) })

test('issue 6, 1: why keys cannot be had is told to the API, and never to its caller', async () => {
  const document = '/.well-known/oauth-authorization-server/acme'
  const reasons: readonly (readonly [string, () => Response, RegExp])[] = [
    [
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      () => {
        throw failed('UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unable to verify the first certificate')
      },
      /^auth\.example cannot be reached \(unable to verify the first certificate, UNABLE_TO_VERIFY_LEAF_SIGNATURE\)$/,
    ],
    [
      'ECONNREFUSED',
      () => {
        throw failed('ECONNREFUSED', '')
      },
      /^auth\.example cannot be reached \(ECONNREFUSED\)$/,
    ],
    [
      '404',
      () => new Response(null, { status: 404 }),
      /^https:\/\/auth\.example\/\.well-known\S*\/acme answered 404$/,
    ],
    ['JSON', () => new Response('<html>'), /\/acme gave no answer that can be read \(/],
  ]
  for (const [name, answer, told] of reasons) {
    const world = createWorld()
    world.answers.set(document, answer)
    const { failure, sent } = await cutOff(world)
    assert.match(failure, told)
    assert.ok(!sent.includes('auth.example') && !sent.includes(name), sent)
  }
})

test('RFC 8414 §3.3: which issuer the metadata names, and which the guard was given, is told in plain words', async () => {
  const { failure } = await cutOff(createWorld(), { issuer: `${issuer}/` })
  assert.match(
    failure,
    /names the issuer "https:\/\/auth\.example\/acme", and the guard was given "https:\/\/auth\.example\/acme\/"$/,
  )
  const world = createWorld()
  world.answers.set('/.well-known/oauth-authorization-server/acme', () =>
    Response.json({ issuer: 'x'.repeat(100_000) }),
  )
  assert.ok((await cutOff(world)).failure.length < 500)
})

test('issue 6, 1: a fetch that succeeds ends the failure, and one that fails says so while the old keys serve', async () => {
  const world = createWorld()
  world.isCut = true
  const { guard } = await cutOff(world)
  world.isCut = false
  await world.advance(31)
  assert.ok((await guard.check(requestWith(world.token()))).isAllowed)
  assert.deepEqual(guard.status().keys, { fetchedAt: world.now, failure: null })
  const fetchedAt = world.now
  world.isCut = true
  await world.advance(301)
  assert.ok((await guard.check(requestWith(world.token()))).isAllowed)
  await settled()
  assert.deepEqual(guard.status().keys, {
    fetchedAt,
    failure: 'auth.example cannot be reached (fetch failed)',
  })
})

test('trust 178: without keys a fetch that failed is repeated after a second, then two, four, … up to the cool-down', async () => {
  const world = createWorld()
  world.isCut = true
  const guard = guardOf(world)
  const retryAfter = async () => {
    const decision = await guard.check(requestWith(world.token()))
    assert.ok(!decision.isAllowed)
    return Number(decision.headers['retry-after'])
  }
  for (const pause of [1, 2, 4, 8, 16, 30, 30]) {
    const before = world.asked.length
    assert.equal(await retryAfter(), pause)
    assert.equal(world.asked.length, before + 1)
    await world.advance(pause - 0.5)
    assert.equal(await retryAfter(), 1)
    assert.equal(world.asked.length, before + 1)
    await world.advance(0.5)
  }
})

test('product 8: an issuer that was away for the first fetch alone is asked again within a second', async () => {
  const world = createWorld()
  world.isCut = true
  const { guard } = await cutOff(world)
  world.isCut = false
  const early = await guard.check(requestWith(world.token()))
  assert.deepEqual(!early.isAllowed && [early.status, early.headers['retry-after']], [503, '1'])
  await world.advance(1)
  assert.ok((await guard.check(requestWith(world.token()))).isAllowed)
})

test('trust 178: a clock that is set back after a failure keeps nobody waiting for it to catch up', async () => {
  const world = createWorld()
  world.isCut = true
  const { guard } = await cutOff(world)
  world.isCut = false
  await world.advance(-5)
  assert.ok((await guard.check(requestWith(world.token()))).isAllowed)
})

test('issue 6, 1: revocations, introspection and endpoints that cannot be had are told with the refusal too', async () => {
  const world = createWorld()
  world.isCut = true
  const credentials = { id: 'api', secret: 'secret' }
  const told: (readonly [string, string | null])[] = []
  const onRefusal = ({ reason, cause }: Refused) => void told.push([reason, cause])
  for (const options of [{ introspect: 'always' }, { endpoints: 'issuer' }] as const) {
    const guard = guardOf(world, { ...options, credentials, onRefusal })
    await guard.check(requestWith(world.token()))
    guard.close()
  }
  world.isCut = false
  const guard = guardOf(world, { credentials, onRefusal })
  await guard.check(requestWith(world.token()))
  await guard.check(requestWith(null))
  guard.close()
  const unreachable = 'auth.example cannot be reached (fetch failed)'
  assert.deepEqual(told, [
    ['introspection_unavailable', unreachable],
    ['policy_unavailable', unreachable],
    [
      'feed_cut',
      'https://auth.example/acme/oauth2/revocations answered 404 (never connected since the start, whenCut: refuse)',
    ],
    ['no_credentials', null],
  ])
})

test('trust 178: a thousand tokens with unknown kids cost one fetch a cool-down', async () => {
  const world = createWorld()
  const guard = guardOf(world)
  assert.ok((await guard.check(requestWith(world.token()))).isAllowed)
  await world.advance(31)
  const before = jwksFetches(world.asked)
  for (let index = 0; index < 1_000; index++) {
    const decision = await guard.check(requestWith(world.token({}, { kid: `unknown-${index}` })))
    assert.equal(!decision.isAllowed && decision.reason, 'key_unknown')
  }
  assert.equal(jwksFetches(world.asked) - before, 1)
})

test('issue 6, 1: a key that is new is found at the first token it has signed', async () => {
  const world = createWorld()
  const guard = guardOf(world)
  assert.ok((await guard.check(requestWith(world.token()))).isAllowed)
  const next = createKey('ES256', 'key-2')
  world.keys.push(next)
  await world.advance(31)
  const token = signJwt(next, standardHeader(next), standardClaims)
  assert.ok((await guard.check(requestWith(token))).isAllowed)
})

test('trust 38, 178: a key that was removed verifies nothing after the refresh, what was remembered included', async () => {
  const world = createWorld()
  const guard = guardOf(world)
  const token = world.token()
  assert.ok((await guard.check(requestWith(token))).isAllowed)
  world.keys.splice(0, 1, createKey('ES256', 'key-2'))
  await world.advance(301)
  // This one serves from the old set while the new one is fetched behind it.
  await guard.check(requestWith(token))
  await settled()
  const decision = await guard.check(requestWith(token))
  assert.equal(!decision.isAllowed && decision.reason, 'key_unknown')
})

test('trust 178: with the issuer down the last keys serve, and none that are too old', async () => {
  const world = createWorld()
  const guard = guardOf(world)
  assert.ok((await guard.check(requestWith(world.token()))).isAllowed)
  world.isCut = true
  await world.advance(3_000)
  const longer = world.token({ exp: world.now + 10_000 })
  assert.ok((await guard.check(requestWith(longer))).isAllowed)
  await world.advance(700)
  const decision = await guard.check(requestWith(world.token({ exp: world.now + 10_000, jti: 'later' })))
  assert.equal(!decision.isAllowed && decision.reason, 'keys_unavailable')
  world.isCut = false
  await world.advance(31)
  assert.ok((await guard.check(requestWith(longer))).isAllowed)
})

test('issue 6, 1: requests that come while keys are fetched wait for one fetch', async () => {
  const world = createWorld()
  const guard = guardOf(world)
  const tokens = Array.from({ length: 50 }, (_, index) => world.token({ jti: `token-${index}` }))
  const decisions = await Promise.all(tokens.map(async (token) => await guard.check(requestWith(token))))
  assert.ok(decisions.every(({ isAllowed }) => isAllowed))
  assert.equal(jwksFetches(world.asked), 1)
})

test('trust 37: what one guard remembers says nothing to another', async () => {
  const world = createWorld()
  const token = world.token()
  assert.ok((await guardOf(world).check(requestWith(token))).isAllowed)
  const other = guardOf(world, { audience: 'https://other.example' })
  const decision = await other.check(requestWith(token))
  assert.equal(!decision.isAllowed && decision.reason, 'audience')
})

test('RFC 7519 §4.1.4: a token that is remembered ends when it ends', async () => {
  const world = createWorld()
  const guard = guardOf(world)
  const token = world.token({ exp: world.now + 100 })
  await world.advance(99)
  assert.ok((await guard.check(requestWith(token))).isAllowed)
  await world.advance(1)
  const decision = await guard.check(requestWith(token))
  assert.equal(!decision.isAllowed && decision.reason, 'expired')
})

test('issue 6, 1: keys that are too old are fetched at once while the issuer is up, whatever the cool-down is', async () => {
  const world = createWorld()
  const guard = guardOf(world, { keys: { oldestSeconds: 10, coolDownSeconds: 7_200 } })
  for (let index = 0; index < 20; index += 1) {
    const token = world.token({ exp: world.now + 600, iat: world.now, jti: `token-${index}` })
    assert.ok((await guard.check(requestWith(token))).isAllowed, String(index))
    await world.advance(7)
  }
})

test('RFC 9700 §4.11: the guard follows no redirect of its issuer', async () => {
  const world = createWorld()
  const { fetch } = world.effects
  const modes: unknown[] = []
  const effects = {
    ...world.effects,
    fetch: (url: string, init: RequestInit = {}) => {
      modes.push(init.redirect)
      return fetch(url, init)
    },
  }
  const guard = guardOf(world, { effects })
  assert.ok((await guard.check(requestWith(world.token()))).isAllowed)
  assert.deepEqual(modes, ['manual', 'manual'])
})
