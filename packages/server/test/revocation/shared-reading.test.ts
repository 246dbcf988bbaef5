// Issue 4, no. 4: a thousand followers that come at once cost the database two readings.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shareReading } from '../../src/revocation/shared-reading.ts'

/** Each reading ends when it is told to, and is of what there was when it began. */
function controlled() {
  const state = { value: 0 }
  const begun: { readonly key: string; end(error?: Error): void }[] = []
  const read = shareReading((key: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const seen = `${key} ${state.value}`
    begun.push({ key, end: (error) => (error === undefined ? resolve(seen) : reject(error)) })
    return promise
  })
  return { state, begun, read }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('who asks while a reading is under way shares the next one with all others, and sees what was there when it asked', async () => {
  const { state, begun, read } = controlled()
  const first = read('acme')
  state.value = 1
  const others = Array.from({ length: 1000 }, () => read('acme'))
  assert.equal(begun.length, 1)
  begun[0]?.end()
  assert.equal(await first, 'acme 0')
  await turn()
  assert.equal(begun.length, 2)
  begun[1]?.end()
  assert.deepEqual(new Set(await Promise.all(others)), new Set(['acme 1']))
  await turn()
  const later = read('acme')
  assert.equal(begun.length, 3)
  begun[2]?.end()
  assert.equal(await later, 'acme 1')
})

test('a reading that fails is the failure of those who shared it, and of nobody after them', async () => {
  const { begun, read } = controlled()
  const first = read('acme')
  const second = read('acme')
  begun[0]?.end(new Error('gone'))
  await assert.rejects(first, /gone/)
  await turn()
  begun[1]?.end()
  assert.equal(await second, 'acme 0')
})

test('tenants do not wait for each other', () => {
  const { begun, read } = controlled()
  void read('acme')
  void read('other')
  assert.deepEqual(
    begun.map(({ key }) => key),
    ['acme', 'other'],
  )
})
