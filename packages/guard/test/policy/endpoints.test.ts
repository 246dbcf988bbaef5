// Endpoints as the issuer declares them: fetched, kept while it is down, replaced when there is news.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Guard, GuardOptionsError } from '@sallyport/guard'
import { audience, createWorld, guardOf, requestWith, settled, type World } from '../world.ts'
import { createFeed, type Feed } from './feed.ts'

const credentials = { id: 'api', secret: 'secret' }
const invoices = { method: 'GET', path: '/invoices', scope: 'invoices/read' }
const tableOf = (...endpoints: readonly object[]) => ({ apis: [{ api: 'rest', audience, endpoints }] })

interface Declared {
  readonly world: World
  readonly feed: Feed
  answer: unknown
  guard(): Guard
}

function declared(answer: unknown): Declared {
  const world = createWorld()
  const feed = createFeed(world)
  const at: Declared = {
    ...{ world, feed, answer },
    guard: () => guardOf(world, { credentials, endpoints: 'issuer' }),
  }
  world.answers.set('/oauth2/policy', () =>
    at.answer === null ? new Response(null, { status: 503 }) : Response.json(at.answer),
  )
  return at
}

async function outcomeOf(guard: Guard, world: World, path = '/invoices', method = 'GET'): Promise<string> {
  const decision = await guard.check(requestWith(world.token(), { method }, path))
  return decision.isAllowed ? 'allowed' : decision.reason
}

test('product: an API that declares nothing itself holds to the endpoints and scopes of its issuer', async () => {
  const { world, guard } = declared(tableOf(invoices, { ...invoices, path: '/secret', scope: 'top' }))
  const own = guard()
  assert.equal(await outcomeOf(own, world), 'allowed')
  assert.equal(await outcomeOf(own, world, '/secret'), 'insufficient_scope')
  assert.equal(await outcomeOf(own, world, '/other'), 'path_unknown')
  assert.equal(await outcomeOf(own, world, '/invoices', 'DELETE'), 'method_unknown')
  assert.deepEqual(own.metadata?.document.scopes_supported, ['invoices/read', 'top'])
  assert.deepEqual(own.status().policy, { fetchedAt: world.now, failure: null })
})

test('product: until the first table is there each request is answered 503, and none is let in', async () => {
  const at = declared(null)
  const guard = at.guard()
  assert.equal(await outcomeOf(guard, at.world), 'policy_unavailable')
  assert.match(guard.status().policy?.failure ?? '', /answered 503/)
  const decision = await guard.check(requestWith(at.world.token()))
  assert.ok(!decision.isAllowed)
  assert.deepEqual([decision.status, decision.headers['retry-after']], [503, '5'])
  at.answer = tableOf(invoices)
  await at.world.advance(30)
  assert.equal(await outcomeOf(guard, at.world), 'allowed')
})

test('product: news of the issuer replace the table at once, and nothing that cannot be kept to does', async () => {
  const at = declared(tableOf(invoices))
  const guard = at.guard()
  assert.equal(await outcomeOf(guard, at.world), 'allowed')
  at.answer = tableOf({ ...invoices, path: '/bills' })
  await at.feed.tell('policy', {})
  assert.equal(await outcomeOf(guard, at.world), 'path_unknown')
  assert.equal(await outcomeOf(guard, at.world, '/bills'), 'allowed')
  const foreign = { apis: [{ ...tableOf(invoices).apis[0], audience: 'https://other.example' }] }
  const bad = [
    ...[null, {}, foreign, tableOf({ method: 'GET', path: '/bills' })],
    ...[tableOf({ ...invoices, limit: { requests: 1 } }), tableOf(invoices, invoices)],
  ]
  for (const answer of bad) {
    at.answer = answer
    await at.feed.tell('policy', {})
    assert.notEqual(guard.status().policy?.failure, null, JSON.stringify(answer))
    assert.equal(await outcomeOf(guard, at.world, '/bills'), 'allowed')
  }
})

test('RFC 6749 §3.3: a table with a scope that no token can have is refused by the name of its endpoint', async () => {
  const at = declared(tableOf(invoices, { ...invoices, path: '/files', scope: 'files/*' }))
  const guard = at.guard()
  assert.equal(await outcomeOf(guard, at.world), 'allowed')
  for (const scope of ['two words', ' ', 'say"so"', 'back\\slash', 'größe', 'x\n', 'x'.repeat(5_000)]) {
    at.answer = tableOf(invoices, { ...invoices, path: '/bills', scope })
    await at.feed.tell('policy', {})
    assert.equal(guard.status().policy?.failure, 'endpoint GET /bills: a scope that no token can have', scope)
    assert.equal(await outcomeOf(guard, at.world), 'allowed')
    assert.equal(await outcomeOf(guard, at.world, '/files'), 'insufficient_scope')
  }
})

test('product: an attempt that failed is made again, and never after the guard is closed', async () => {
  const at = declared(null)
  const guard = at.guard()
  await settled()
  const asked = () => at.world.asked.filter((url) => url.endsWith('/oauth2/policy')).length
  const begun = asked()
  for (const seconds of [1, 2, 4]) await at.world.advance(seconds)
  assert.ok(asked() > begun)
  guard.close()
  const closed = asked()
  await at.world.advance(600)
  assert.equal(asked(), closed)
})

test('product: a guard that is closed while it asks does not ask again when that fails', async () => {
  const at = declared(tableOf(invoices))
  const { promise, resolve } = Promise.withResolvers<Response>()
  at.world.answers.set('/oauth2/policy', () => promise)
  const guard = at.guard()
  await settled()
  guard.close()
  resolve(new Response(null, { status: 503 }))
  await settled()
  const closed = at.world.asked.length
  await at.world.advance(600)
  assert.equal(at.world.asked.length, closed)
})

test('product: without a connection to the feed the table is asked for every five minutes', async () => {
  const at = declared(tableOf(invoices))
  const guard = at.guard()
  await settled()
  at.feed.refuses = true
  await at.feed.end()
  at.answer = tableOf({ ...invoices, path: '/bills' })
  await at.world.advance(300)
  assert.equal(await outcomeOf(guard, at.world), 'path_unknown')
})

test('product: endpoints of the issuer need credentials', () => {
  assert.throws(() => guardOf(createWorld(), { endpoints: 'issuer' }), GuardOptionsError)
})
