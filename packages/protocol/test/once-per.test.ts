import assert from 'node:assert/strict'
import { test } from 'node:test'
import { oncePer } from '../src/index.ts'

test('product, numbers to reach: what is computed per object is computed once for each, null included, and again where it threw', () => {
  const calls: object[] = []
  const sizeOf = oncePer((thing: { readonly size: number | null }) => {
    calls.push(thing)
    if (thing.size === 0) throw new RangeError('empty')
    return thing.size
  })
  const [one, same, none, empty] = [{ size: 1 }, { size: 1 }, { size: null }, { size: 0 }] as const
  for (const each of [one, same, one, none, none]) assert.equal(sizeOf(each), each.size)
  assert.throws(() => sizeOf(empty), RangeError)
  assert.throws(() => sizeOf(empty), RangeError)
  assert.deepEqual(calls, [one, same, none, empty, empty])
})
