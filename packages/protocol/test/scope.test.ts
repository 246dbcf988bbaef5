import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../test/property.ts'
import { createScopeSet, isScopeToken, isWildcardScope, parseScope, scopeCovers } from '../src/scope.ts'
import { outcomeOf, refusalOf } from './refusal.ts'

const segment = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '+', '(', '?'), maxLength: 3 })
const scope = fc
  .tuple(segment, fc.array(fc.tuple(fc.constantFrom(':', '/'), fc.oneof(segment, fc.constant('*')))))
  .map(([first, rest]) => first + rest.flat().join(''))

test('RFC 6749 §3.3: scopes are read in the order asked, without repeats', () => {
  assert.deepEqual(parseScope('read'), ['read'])
  assert.deepEqual(parseScope('b a b c a'), ['b', 'a', 'c'])
})

test('001-13 and 003-13: slashes, colons, dots and stars are ordinary characters of a scope', () => {
  assert.deepEqual(parseScope('transactions/post notarization:* api.read *'), [
    'transactions/post',
    'notarization:*',
    'api.read',
    '*',
  ])
})

test('RFC 6749 §3.3: blanks elsewhere than between two scopes, and other characters, are refused', () => {
  for (const value of [
    '',
    ' ',
    ' read',
    'read ',
    'read  write',
    'read\twrite',
    'a"b',
    'a\\b',
    'ü',
    'a\0',
    'read\n',
  ]) {
    refusalOf('invalid_scope', () => parseScope(value))
  }
})

test('trust 16: a scope over 4,096 characters is refused, one of 4,096 is read', () => {
  assert.equal(parseScope('a'.repeat(4096)).length, 1)
  refusalOf('invalid_scope', () => parseScope('a'.repeat(4097)))
  refusalOf('invalid_scope', () => parseScope('a '.repeat(25_000)))
})

test('RFC 6749 §3.3: a scope token is visible ASCII without quotes and backslashes', () => {
  assert.equal(isScopeToken('transactions/post'), true)
  for (const text of ['', 'a b', 'a"', 'a\\', 'ü', 'a\n']) assert.equal(isScopeToken(text), false)
})

test('003-14: notarization:* opens notarization:read, not notarizationx:read, not bare notarization', () => {
  const set = createScopeSet(['notarization:*', 'sso'])
  const expected: readonly (readonly [string, boolean])[] = [
    ['notarization:read', true],
    ['notarization:stamps:read', true],
    ['notarization:stamps/read', true],
    ['notarization:*', true],
    ['sso', true],
    ['notarization', false],
    ['notarization:', false],
    ['notarizationx:read', false],
    ['notarization/read', false],
    ['xnotarization:read', false],
    ['notarization:stamps:*', false],
    ['sso:read', false],
    ['', false],
    ['*', false],
  ]
  for (const [asked, answer] of expected) {
    assert.equal(set.covers(asked), answer, asked)
    assert.equal(
      ['notarization:*', 'sso'].some((granted) => scopeCovers(granted, asked)),
      answer,
      asked,
    )
  }
})

test('003-14: an app holding storage:read cannot obtain storage:*', () => {
  assert.equal(createScopeSet(['storage:read']).covers('storage:*'), false)
  assert.equal(scopeCovers('storage:read', 'storage:*'), false)
})

test('trust 68-69: read:users is not granted by read:user', () => {
  assert.equal(createScopeSet(['read:user']).covers('read:users'), false)
  assert.equal(scopeCovers('read:user', 'read:users'), false)
})

test('003-14: only a whole last segment is a wildcard', () => {
  for (const wildcard of ['a:*', 'a/*', 'a:b:*', 'a*:*']) assert.equal(isWildcardScope(wildcard), true)
  for (const plain of ['*', ':*', '/*', 'a*', 'a.*', 'a:b*', 'a:*:b', 'a:**', '*:a']) {
    assert.equal(isWildcardScope(plain), false)
    assert.equal(scopeCovers(plain, `${plain}x`), false)
    assert.equal(scopeCovers(plain, plain.replace('*', 'x')), false)
  }
})

test('003-14: a compiled set answers as the plain rule does, and a star is never a regular expression', () => {
  fc.assert(
    fc.property(fc.array(scope), scope, (granted, asked) => {
      const answer = createScopeSet(granted).covers(asked)
      assert.equal(
        answer,
        granted.some((one) => scopeCovers(one, asked)),
      )
      const byHand = granted.some((one) => {
        if (one === asked) return true
        const held = one.length > 2 && /[:/]\*$/.test(one)
        return (
          held &&
          !(asked.length > 2 && /[:/]\*$/.test(asked)) &&
          asked.length >= one.length &&
          asked.indexOf(one.slice(0, -1)) === 0
        )
      })
      assert.equal(answer, byHand)
    }),
    { numRuns: 1000 },
  )
})

test('trust F5: a hostile scope of many separators costs no more than the longest wildcard held', () => {
  assert.equal(createScopeSet(['a:*']).covers(`b${':'.repeat(4000)}`), false)
})

test('trust R22: no text makes the scope parser throw anything but a refusal', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), scope), (value) => void outcomeOf(() => parseScope(value))))
})
