import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodePercent } from '../src/index.ts'

test('RFC 3986 §2.1: sequences are decoded once, and a plus stays one', () => {
  assert.equal(decodePercent('a%2Fb+c%20%C3%BC%e2%82%ac'), 'a/b+c ü€')
  assert.equal(decodePercent('%2525'), '%25')
  assert.equal(decodePercent(''), '')
})

test('RFC 3629 §3: a broken sequence, and one of bytes that are no UTF-8, spoil the text', () => {
  for (const text of ['%', 'a%2', '%zz', '%ff', '%c0%af', '%ed%a0%80', '%c3', '%c3x'])
    assert.equal(decodePercent(text), null, text)
})
