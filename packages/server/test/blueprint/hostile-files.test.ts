/** Blueprint files that are too large, too deep or broken at random: refused in a line and quickly, and nothing is thrown. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBlueprints } from '../../src/blueprint/parse.ts'
import { refusals, sample } from './sample.ts'

test('trust 15: a file over 1 MiB is refused before it is read as YAML', () => {
  assert.deepEqual(refusals(`${sample}#${'x'.repeat(1_048_576)}`), [
    'a.yaml:1:1 found more than 1 MiB, expected a shorter file',
  ])
})

test('trust F40: deep nesting is refused in one line and quickly', () => {
  for (const text of ['['.repeat(20_000), '- '.repeat(20_000), `a: ${'{a: '.repeat(40)}1${'}'.repeat(40)}`]) {
    const before = performance.now()
    const [line = '', ...more] = refusals(text)
    assert.match(line, /found lists and maps nested too deep, expected at most 32 levels$/)
    assert.deepEqual(more, [])
    assert.ok(performance.now() - before < 2_000)
  }
})

test('blueprints: mutations of a good file are read or refused, and nothing is ever thrown', () => {
  const pieces = [
    ':',
    '-',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '&a',
    '*a',
    '!',
    '|',
    '>',
    '%',
    '\t',
    '\n',
    '  ',
    '\0',
    '\ud800',
    '#',
    '? ',
  ]
  let state = 1
  const next = (limit: number) => {
    state = (state * 48_271) % 2_147_483_647
    return state % limit
  }
  for (let round = 0; round < 500; round++) {
    const at = next(sample.length)
    const text = sample.slice(0, at) + pieces[next(pieces.length)] + sample.slice(at + next(3))
    assert.ok(parseBlueprints([{ name: 'a.yaml', text }]))
  }
})
