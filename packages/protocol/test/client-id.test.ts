import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../test/property.ts'
import { canonicalClientId } from '../src/index.ts'
import { anyText } from './any-text.ts'

test('trust F10: other case, NFC and NFD, outer blanks and percent spelling meet in one counter', () => {
  const spellings = [
    'Café-App',
    'café-app',
    'CAFÉ-APP',
    'Cafe\u0301-App',
    ' Café-App ',
    'Caf%C3%A9-App',
    'C%61f%c3%a9-App+',
    'Ｃafé-App\u00a0',
  ]
  assert.deepEqual(new Set(spellings.map(canonicalClientId)), new Set(['café-app']))
})

test('trust F10: letters that meet only in upper case meet too', () => {
  assert.equal(canonicalClientId('straße'), canonicalClientId('STRASSE'))
  assert.equal(canonicalClientId('ΟΔΟΣ'), canonicalClientId('οδος'))
  assert.equal(canonicalClientId('\u{1D400}pp'), canonicalClientId('app'))
})

test('trust F10: different ids keep different counters', () => {
  assert.notEqual(canonicalClientId('app-1'), canonicalClientId('app-2'))
  assert.equal(canonicalClientId('app_1-x'), 'app_1-x')
})

test('trust R12: a counter key is bounded, whatever was sent', () => {
  assert.equal(canonicalClientId('a'.repeat(100_000)).length, 256)
  // One character that compatibility normalization writes as eighteen.
  assert.ok(canonicalClientId('\ufdfa'.repeat(1000)).length <= 256)
})

test('trust F10: case never splits a counter, and no text makes this throw', () => {
  fc.assert(
    fc.property(fc.oneof(anyText(40), fc.string({ unit: 'grapheme', maxLength: 40 })), (text) => {
      const key = canonicalClientId(text)
      assert.ok(key.length <= 256)
      if (!text.includes('%')) assert.equal(canonicalClientId(text.toUpperCase()), key)
    }),
  )
})
