// product.md, numbers to reach: with a million apps, who comes once takes no place of who comes all day.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createReadThrough } from '../../src/store/read-through.ts'

const limit = 100
const strangers = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => `stranger-${from + index}`)

function counted<Loaded>(load: (key: string) => Loaded) {
  const loads: string[] = []
  const counting = (key: string) => {
    loads.push(key)
    return load(key)
  }
  return { loads, counting }
}

test('product, numbers to reach: what is had at once is kept while there is room, and then only if it comes again', () => {
  const { loads, counting } = counted((key) => ({ key }))
  const cache = createReadThrough(limit, counting)
  cache.get('regular')
  assert.deepEqual(cache.peek('regular'), { key: 'regular' })
  for (const key of strangers(limit)) cache.get(key)
  cache.get('regular')
  for (const key of strangers(1_000, limit)) cache.get(key)
  loads.length = 0
  assert.deepEqual(cache.get('regular'), { key: 'regular' })
  assert.deepEqual(loads, [])
  // Who begins to come often is let in at the second time.
  for (let time = 0; time < 3; time += 1) cache.get('newcomer')
  assert.deepEqual(loads, ['newcomer', 'newcomer'])
})

test('product, numbers to reach: what had to be waited for is kept at once', async () => {
  const { loads, counting } = counted(async (key) => ({ key }))
  const cache = createReadThrough(limit, counting)
  for (const key of strangers(1_000)) await cache.get(key)
  await cache.get('newcomer')
  loads.length = 0
  assert.deepEqual(cache.get('newcomer'), { key: 'newcomer' })
  assert.deepEqual(loads, [])
})

test('product, revocation within a second: what was dropped is loaded anew, in a full memory too', () => {
  let edition: number | null = 1
  const cache = createReadThrough(limit, (key) => edition && `${key} ${edition}`)
  for (const key of strangers(1_000)) cache.get(key)
  for (let time = 0; time < 2; time += 1) cache.get('app')
  assert.equal(cache.peek('app'), 'app 1')
  edition = 2
  cache.drop('app')
  assert.equal(cache.get('app'), 'app 2')
  assert.equal(cache.peek('app'), 'app 2')
  edition = null
  cache.drop('app')
  assert.equal(cache.get('app'), null)
  assert.equal(cache.peek('app'), undefined)
})
