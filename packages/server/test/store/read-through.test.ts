// trust.md R22 and product.md, revocation within a second: what stands in memory is bounded, and never what was dropped.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createReadThrough } from '../../src/store/read-through.ts'

for (const [when, answer] of [
  ['at once', <Value>(value: Value) => value],
  ['later', <Value>(value: Value) => Promise.resolve(value)],
] as const) {
  test(`trust R22: what is loaded ${when} is loaded once while it is asked for, and forgotten for what comes after`, async () => {
    const loads: string[] = []
    const cache = createReadThrough(10, (key) => {
      loads.push(key)
      return answer({ key })
    })
    for (let time = 0; time < 2; time += 1) assert.deepEqual(await cache.get('app'), { key: 'app' })
    assert.deepEqual(loads, ['app'])
    for (let number = 0; number < 10; number += 1) await cache.get(`other-${number}`)
    assert.equal(cache.peek('app'), undefined)
  })

  test(`product, revocation within a second: what is loaded ${when} and dropped is loaded anew`, async () => {
    let edition: number | null = 1
    const cache = createReadThrough(10, (key) => answer(edition && `${key} ${edition}`))
    assert.equal(await cache.get('app'), 'app 1')
    edition = 2
    cache.drop('app')
    assert.equal(await cache.get('app'), 'app 2')
    edition = null
    cache.clear()
    assert.equal(await cache.get('app'), null)
    assert.equal(cache.peek('app'), undefined)
  })
}

test('product, revocation within a second: what was dropped while it was loaded is used once, and not kept', async () => {
  const { promise, resolve } = Promise.withResolvers<string>()
  const cache = createReadThrough(10, () => promise)
  const got = cache.get('app')
  cache.drop('app')
  resolve('old')
  assert.equal(await got, 'old')
  assert.equal(cache.peek('app'), undefined)
})

test('product, revocation within a second: what changes while it is loaded is changed once it is there, and kept', async () => {
  const { promise, resolve } = Promise.withResolvers<string[]>()
  const cache = createReadThrough(10, () => promise)
  const got = cache.get('app')
  cache.amend('app', (value) => value.push('new'))
  resolve(['old'])
  assert.deepEqual(await got, ['old', 'new'])
  assert.deepEqual(cache.peek('app'), ['old', 'new'])
})

test('trust R22: what is renewed is answered from memory until it is there, and misses no change meanwhile', async () => {
  let answer = Promise.resolve(['swept'])
  const cache = createReadThrough(10, () => answer)
  await cache.get('app')
  const { promise, resolve } = Promise.withResolvers<string[]>()
  answer = promise
  const renewing = cache.renew('app')
  cache.amend('app', (value) => value.push('new'))
  assert.deepEqual(cache.get('app'), ['swept', 'new'])
  resolve([])
  await renewing
  assert.deepEqual(cache.peek('app'), ['new'])
})

test('trust R22: what is not in memory is not renewed', async () => {
  const cache = createReadThrough<string>(10, () => assert.fail())
  await cache.renew('app')
  assert.equal(cache.peek('app'), undefined)
})
