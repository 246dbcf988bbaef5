// What a limit is, wherever it comes from: what no bucket could hold and no header could say is none.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readLimit } from '../../src/limits/limit.ts'

test('003-20: a limit is read as programs write it, and as blueprints do', () => {
  const limit = { name: 'payments', requests: 600, windowSeconds: 60 }
  assert.equal(readLimit(limit), limit)
  assert.deepEqual(readLimit({ requests: 0, window_seconds: 60 }), {
    ...{ name: 'app', requests: 0, windowSeconds: 60 },
  })
})

const none: readonly unknown[] = [
  ...[undefined, null, 600, '600/60', [], {}],
  { name: 'app', requests: -1, windowSeconds: 0 },
  { name: 'app', requests: 1.5, windowSeconds: 60 },
  { name: 'app', requests: '600', windowSeconds: 60 },
  { name: 'app', requests: Number.NaN, windowSeconds: 60 },
  { name: 'app', requests: 600, windowSeconds: 0 },
  { name: 'app', requests: 600, windowSeconds: 10 ** 9 },
  { name: 'Zahlungen für alle', requests: 600, windowSeconds: 60 },
  { name: 7, requests: 600, windowSeconds: 60 },
  { requests: 600 },
]

for (const value of none)
  test(`003-20: ${JSON.stringify(value) ?? 'nothing'} is no limit`, () => {
    assert.throws(() => readLimit(value), TypeError)
  })
