// Tokens that only the issuer can read: RFC 7662 as an API asks.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GuardOptions } from '@sallyport/guard'
import { createWorld, guardOf, requestWith, standardClaims, type World } from './world.ts'

const credentials = { id: 'api', secret: 'a secret:with ü' }

/** An issuer that knows some opaque tokens, and whose feed has nothing to tell. */
function worldWith(tokens: Readonly<Record<string, unknown>>): World & { readonly questions: string[] } {
  const world = Object.assign(createWorld(), { questions: [] as string[] })
  world.answers.set('/oauth2/introspect', ({ init }) => {
    const token = (init.body as URLSearchParams).get('token') ?? ''
    world.questions.push(`${new Headers(init.headers).get('authorization')} ${token}`)
    return Response.json(tokens[token] ?? { active: false })
  })
  world.answers.set('/oauth2/revocations', () => new Response('event: ready\ndata: {"seq":0}\n\n'))
  return world
}

const guardFor = (world: World, options: Partial<GuardOptions> = {}) =>
  guardOf(world, { credentials, introspect: 'opaque', revocation: { whenCut: 'allow' }, ...options })

test('RFC 7662 §2.2: an active token is let in with what the issuer says of it, and asked about once in a while', async () => {
  const world = worldWith({ opaque: { active: true, ...standardClaims } })
  const guard = guardFor(world)
  for (let index = 0; index < 10; index++)
    assert.ok((await guard.check(requestWith('opaque'), { scope: 'invoices/read' })).isAllowed)
  assert.equal(world.questions.length, 1)
  world.now += 31
  assert.ok((await guard.check(requestWith('opaque'))).isAllowed)
  assert.equal(world.questions.length, 2)
  // RFC 6749 §2.3.1
  const [basic = ''] = /(?<=Basic )\S+/.exec(world.questions[0] ?? '') ?? []
  assert.equal(Buffer.from(basic, 'base64').toString(), 'api:a+secret%3Awith+%C3%BC')
})

for (const [title, answer, reason] of [
  ['an inactive one', { active: false }, 'inactive'],
  ['active as text', { ...standardClaims, active: 'true' }, 'inactive'],
  ['an answer that is no object', 'true', 'inactive'],
  ['one for another API', { ...standardClaims, active: true, aud: 'https://other.example' }, 'audience'],
  [
    'one that is bound in an unknown way',
    { ...standardClaims, active: true, cnf: {} },
    'confirmation_unknown',
  ],
  ['one that has expired meanwhile', { ...standardClaims, active: true, exp: 1 }, 'expired'],
] as const) {
  test(`RFC 7662 §2.2: ${title} is refused`, async () => {
    const decision = await guardFor(worldWith({ opaque: answer })).check(requestWith('opaque'))
    assert.equal(!decision.isAllowed && decision.reason, reason)
  })
}

test('trust 178: with the issuer down an unknown token is 503, and never let in', async () => {
  const world = worldWith({ opaque: { active: true, ...standardClaims } })
  const guard = guardFor(world)
  assert.ok((await guard.check(requestWith('opaque'))).isAllowed)
  world.isCut = true
  assert.ok((await guard.check(requestWith('opaque'))).isAllowed)
  const decision = await guard.check(requestWith('other'))
  assert.equal(!decision.isAllowed && decision.status, 503)
  world.now += 31
  const later = await guard.check(requestWith('opaque'))
  assert.equal(!later.isAllowed && later.reason, 'introspection_unavailable')
})

test('issue 6, 1: a flood of random tokens asks no more than a bounded number of questions at once', async () => {
  const world = worldWith({})
  let open = 0
  let most = 0
  world.answers.set('/oauth2/introspect', async () => {
    most = Math.max(most, ++open)
    await new Promise((resolve) => setImmediate(resolve))
    open -= 1
    return Response.json({ active: false })
  })
  const guard = guardFor(world)
  const decisions = await Promise.all(
    Array.from({ length: 1_000 }, async (_, index) => await guard.check(requestWith(`random-${index}`))),
  )
  assert.ok(decisions.every(({ isAllowed }) => !isAllowed))
  assert.ok(most <= 100)
})

test('RFC 7662 §2.1: a JWT is never sent to the issuer as a question, unless the API says so', async () => {
  const world = worldWith({})
  assert.ok((await guardFor(world).check(requestWith(world.token()))).isAllowed)
  assert.equal(world.questions.length, 0)
  const asking = guardOf(world, { credentials, introspect: 'always', revocation: { whenCut: 'allow' } })
  const decision = await asking.check(requestWith(world.token()))
  assert.equal(!decision.isAllowed && decision.reason, 'inactive')
})

test('issue 6, 1: without credentials of the API an opaque token is refused', async () => {
  const decision = await guardOf(createWorld()).check(requestWith('opaque'))
  assert.equal(!decision.isAllowed && decision.reason, 'token_malformed')
})
