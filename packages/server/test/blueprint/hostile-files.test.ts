/** Blueprint files that are too large or too deep: refused in a line. Those broken at random are in yaml-source.property.test.ts. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusals, sample } from './sample.ts'

test('trust 15: a file over 1 MiB is refused before it is read as YAML', () => {
  assert.deepEqual(refusals(`${sample}#${'x'.repeat(1_048_576)}`), [
    'a.yaml:1:1 found more than 1 MiB, expected a shorter file',
  ])
})

test('trust F40: deep nesting is refused in one line', () => {
  for (const text of ['['.repeat(20_000), '- '.repeat(20_000), `a: ${'{a: '.repeat(40)}1${'}'.repeat(40)}`]) {
    const [line = '', ...more] = refusals(text)
    assert.match(line, /found lists and maps nested too deep, expected at most 32 levels$/)
    assert.deepEqual(more, [])
  }
})
