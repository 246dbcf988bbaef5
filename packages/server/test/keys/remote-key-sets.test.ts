// trust 67, F38, 178: the keys of others, fetched seldom, and gone when their owners take them away.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createRemoteKeySets } from '../../src/keys/remote-key-sets.ts'
import type { Fetched } from '../../src/outbound/fetch-json.ts'
import { makeKey } from '../oauth/signed.ts'
import { createClock } from '../store/each-store.ts'

const url = 'https://keys.example/jwks'

async function start(maxAgeSeconds: number | null = null) {
  const clock = createClock()
  const failures: string[] = []
  const one = { ...(await makeKey()).publicJwk, kid: 'one' }
  const two = { ...(await makeKey('EdDSA')).publicJwk, kid: 'two' }
  const origin = { keys: [one] as unknown, isDown: false, fetches: 0 }
  const sets = createRemoteKeySets({
    clock,
    onFailure: (_url, reason) => failures.push(reason),
    fetchJson: async (at): Promise<Fetched> => {
      origin.fetches += 1
      if (at.startsWith('https://silent.example/')) return new Promise(() => {})
      return origin.isDown
        ? { ok: false, reason: 'it answers 503' }
        : { ok: true, value: { keys: origin.keys }, maxAgeSeconds }
    },
  })
  const kids = async (kid: string | null = null, at = url, owner = 'acme') =>
    (await sets.keysFor(at, { kid, owner })).map((key) => key.kid)
  return { clock, failures, one, two, origin, sets, kids }
}

test('trust 67: a set is fetched once for all who wait, and then answered from memory', async () => {
  const { origin, sets, kids } = await start()
  const all = await Promise.all(Array.from({ length: 20 }, () => kids('one')))
  assert.deepEqual(new Set(all.flat()), new Set(['one']))
  assert.equal(origin.fetches, 1)
  assert.ok(Array.isArray(sets.keysFor(url, { kid: 'one', owner: 'acme' })), 'at once')
})

test('trust 178: a thousand unknown key ids cost one fetch for each cool-down', async () => {
  const { origin, kids, clock, one, two } = await start()
  await kids('one')
  for (let index = 0; index < 1_000; index++) await kids(`made-up-${index}`)
  assert.equal(origin.fetches, 1)
  origin.keys = [one, two]
  clock.advance(30)
  const [first] = await Promise.all([kids('two'), kids('three'), kids('four')])
  assert.deepEqual(first, ['one', 'two'])
  for (let index = 0; index < 1_000; index++) await kids(`made-up-${index}`)
  assert.equal(origin.fetches, 2)
})

test('trust 178: a token that names no key has the set fetched again where no key of it has signed, once for each cool-down', async () => {
  const { origin, sets, kids, clock, one, two } = await start()
  const known = await sets.keysFor(url, { kid: null, owner: 'acme' })
  const others = async () =>
    (await sets.keysFor(url, { kid: null, owner: 'acme', noneOf: known })).map(({ kid }) => kid)
  for (let index = 0; index < 1_000; index++) assert.deepEqual(await others(), [])
  assert.equal(origin.fetches, 1)
  origin.keys = [one, two]
  clock.advance(30)
  const all = await Promise.all(Array.from({ length: 20 }, others))
  assert.deepEqual(new Set(all.flat()), new Set(['two']))
  // Whoever asked too late for that fetch has its answer all the same.
  assert.deepEqual(await others(), ['two'])
  assert.equal(origin.fetches, 2)
  clock.advance(30)
  assert.deepEqual(await kids(), ['one', 'two'])
  assert.equal(origin.fetches, 2, 'a key that is there is not asked for')
})

test('trust F38: a key that was removed is refused after the lifetime of its set', async () => {
  const { origin, kids, clock, two } = await start(120)
  assert.deepEqual(await kids(), ['one'])
  origin.keys = [two]
  clock.advance(119)
  assert.deepEqual(await kids(), ['one'])
  clock.advance(1)
  assert.deepEqual(await kids(), ['two'])
})

test('trust F38: whatever a host says of its set, it is asked again between a minute and an hour', async () => {
  for (const [said, kept] of [
    [0, 60],
    [999_999_999, 3_600],
    [null, 300],
  ] as const) {
    const { origin, kids, clock } = await start(said)
    await kids()
    clock.advance(kept - 1)
    await kids()
    assert.equal(origin.fetches, 1)
    clock.advance(1)
    await kids()
    assert.equal(origin.fetches, 2)
  }
})

test('trust 178: while the host is down its set stays for ten minutes and no longer', async () => {
  const { origin, kids, clock, failures } = await start()
  await kids()
  origin.isDown = true
  clock.advance(300)
  assert.deepEqual(await kids(), ['one'])
  assert.deepEqual(failures, ['it answers 503'])
  await kids()
  assert.equal(origin.fetches, 2, 'a failure is remembered for a while')
  clock.advance(599)
  assert.deepEqual(await kids(), ['one'])
  clock.advance(1)
  assert.deepEqual(await kids(), [])
  origin.isDown = false
  clock.advance(10)
  assert.deepEqual(await kids(), ['one'])
})

test('trust 67: a host that has never answered is asked every ten seconds at most', async () => {
  const { origin, kids, clock } = await start()
  origin.isDown = true
  for (let index = 0; index < 100; index++) assert.deepEqual(await kids('one'), [])
  assert.equal(origin.fetches, 1)
  clock.advance(10)
  await kids('one')
  assert.equal(origin.fetches, 2)
})

test('trust R17, F38: after a clock was set back a set is asked for again, and a removed key is gone', async () => {
  const { origin, kids, clock, two } = await start(3_600)
  assert.deepEqual(await kids('one'), ['one'])
  clock.advance(-3_600)
  origin.keys = [two]
  assert.deepEqual(await kids('one'), ['two'])
  assert.equal(origin.fetches, 2)
  assert.deepEqual(await kids('two'), ['two'])
  assert.equal(origin.fetches, 2)
})

test('trust R17: after a clock was set back a set is good for ten minutes while its host is down, and no longer', async () => {
  const { origin, kids, clock } = await start(3_600)
  await kids()
  clock.advance(-86_400)
  origin.isDown = true
  assert.deepEqual(await kids(), ['one'])
  assert.equal(origin.fetches, 2)
  clock.advance(599)
  assert.deepEqual(await kids(), ['one'])
  clock.advance(1)
  assert.deepEqual(await kids(), [])
})

test('trust R17: after a clock was set back a failure does not count for longer than ten seconds', async () => {
  const { origin, kids, clock } = await start()
  origin.isDown = true
  assert.deepEqual(await kids(), [])
  clock.advance(-3_600)
  origin.isDown = false
  assert.deepEqual(await kids(), ['one'])
})

test('trust R12: what is asked for all the time stays, however many others come', async () => {
  const { origin, kids } = await start()
  for (let index = 0; index < 1_500; index++) {
    await kids(null, `${url}/${index}`)
    await kids(null, url)
  }
  assert.equal(origin.fetches, 1_501)
})

test('RFC 7517 §5: keys that are not for us are passed over, and fifty are enough', async () => {
  const { origin, kids, one, two } = await start()
  origin.keys = [{ kty: 'oct', k: 'AAAA' }, { ...one, use: 'enc' }, 'x', null, { kty: 'new' }, two]
  assert.deepEqual(await kids(), ['two'])
  const many = await start()
  many.origin.keys = Array.from({ length: 100 }, (_, index) => ({ ...many.one, kid: `kid-${index}` }))
  assert.equal((await many.kids()).length, 50)
})

test('trust F38: an empty set takes all keys away, an error page that says 200 none', async () => {
  const { origin, kids, clock, failures } = await start()
  await kids()
  origin.keys = undefined
  clock.advance(300)
  assert.deepEqual(await kids(), ['one'])
  assert.deepEqual(failures, ['its answer is no key set'])
  origin.keys = []
  clock.advance(10)
  assert.deepEqual(await kids(), [])
})

test('trust R12: whoever has much kept makes room himself, and nobody else loses a set to him', async () => {
  const { origin, one, clock, kids } = await start(3_600)
  await kids('one')
  origin.keys = Array.from({ length: 50 }, (_, index) => ({ ...one, kid: `kid-${index}` }))
  for (let index = 0; index < 500; index++) await kids(null, `${url}/${index}`, 'flood')
  assert.equal(origin.fetches, 501)
  clock.advance(3_599)
  assert.deepEqual(await kids('one'), ['one'])
  assert.equal(origin.fetches, 501)
  origin.isDown = true
  clock.advance(1)
  assert.deepEqual(await kids('one'), ['one'])
})

test('trust R12: a set that several ask for is taken along by none of them', async () => {
  const { origin, kids } = await start()
  await kids(null, url, 'flood')
  await kids(null, url, 'acme')
  await kids(null, url, 'flood')
  for (let index = 0; index < 1_500; index++) await kids(null, `${url}/${index}`, 'flood')
  await kids(null, url, 'acme')
  assert.equal(origin.fetches, 1_501)
})

test('trust R12: among many who have little kept the set goes that was asked for longest ago', async () => {
  const { origin, kids } = await start()
  for (let index = 0; index <= 1_000; index++) await kids(null, `${url}/${index}`, `owner-${index}`)
  await kids(null, `${url}/1`, 'owner-1')
  assert.equal(origin.fetches, 1_001)
  // Whose set had to make room has it fetched again, and is not refused.
  assert.deepEqual(await kids('one', `${url}/0`, 'owner-0'), ['one'])
  assert.equal(origin.fetches, 1_002)
})

test('trust 67: however many others come, a host that has not answered is asked every ten seconds at most', async () => {
  const { origin, kids } = await start()
  origin.isDown = true
  for (let round = 0; round < 2; round++)
    for (let index = 0; index < 2_000; index++) await kids(null, `${url}/${index}`)
  assert.equal(origin.fetches, 2_000)
})

test('trust F23: whose own hosts take all his turns keeps nobody from a set by asking for it, nor has its host failed', async () => {
  const { origin, sets, kids, failures } = await start()
  for (let index = 0; index < 4; index++) kids(null, `https://silent.example/${index}`, 'flood')
  const over = new AbortController()
  const waiting = sets.keysFor(url, { kid: 'one', owner: 'flood' }, over.signal)
  await turn()
  assert.equal(origin.fetches, 4)
  over.abort()
  assert.deepEqual(await waiting, [])
  assert.deepEqual(failures, ['it could not be fetched in time'])
  assert.deepEqual(await kids('one'), ['one'])
  assert.deepEqual(
    await sets.keysFor(url, { kid: 'one', owner: 'flood' }),
    await sets.keysFor(url, { kid: null, owner: 'acme' }),
  )
})

test('trust R12: a thousand sets and ten thousand keys are kept, the latest', async () => {
  const { origin, kids } = await start()
  for (let index = 0; index <= 1_000; index++) await kids(null, `${url}/${index}`)
  assert.equal(origin.fetches, 1_001)
  await kids(null, `${url}/1`)
  assert.equal(origin.fetches, 1_001)
  await kids(null, `${url}/0`)
  assert.equal(origin.fetches, 1_002)

  const large = await start()
  large.origin.keys = Array.from({ length: 50 }, (_, index) => ({ ...large.one, kid: `kid-${index}` }))
  for (let index = 0; index <= 200; index++) await large.kids(null, `${url}/${index}`)
  await large.kids(null, `${url}/1`)
  assert.equal(large.origin.fetches, 201)
  await large.kids(null, `${url}/0`)
  assert.equal(large.origin.fetches, 202)
})
