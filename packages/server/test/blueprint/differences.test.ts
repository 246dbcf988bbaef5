/** The words of a ~ line. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeDifferences, describeOrder, findDifferences } from '../../src/blueprint/differences.ts'

test("blueprints: the order of a row's own members says nothing, the order inside a template does", () => {
  assert.deepEqual(describeOrder({ a: 1, b: { c: 1, d: 2 } }, { b: { c: 1, d: 2 }, a: 1 }), [])
  assert.deepEqual(describeOrder({ b: { c: 1, d: 2 } }, { b: { d: 2, c: 1 } }), ['order of members in b'])
})

test('blueprints: many differences are counted, and long values are cut', () => {
  const after = Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [name, 'x'.repeat(100)]))
  const lines = describeDifferences(findDifferences({}, after))
  assert.deepEqual(lines.slice(-1), ['2 more'])
  assert.ok(lines.every((line) => line.length < 80))
})
