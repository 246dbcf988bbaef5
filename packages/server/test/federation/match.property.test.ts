// Subject patterns of federation rules against the plainest reading of them there is.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../../test/property.ts'
import { type Claims, matchesPattern, mismatches } from '../../src/federation/match.ts'

const letters = fc.string({ unit: fc.constantFrom('a', 'b', '.', '+', '(', '[', '$', '\n'), maxLength: 4 })
const separator = fc.constantFrom(':', '/')
const join = (parts: readonly (readonly [string, string])[]) => parts.flat().join('')
const pattern = fc
  .array(
    fc.tuple(
      fc.array(fc.oneof(letters, fc.constant('*')), { maxLength: 4 }).map((parts) => parts.join('')),
      fc.oneof(separator, fc.constant('')),
    ),
    { maxLength: 4 },
  )
  .map(join)
const subject = fc.array(fc.tuple(letters, fc.oneof(separator, fc.constant('*'))), { maxLength: 4 }).map(join)
/** One that the pattern means, with each star filled. */
const matching = fc
  .tuple(
    pattern,
    fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 3 }), {
      minLength: 1,
    }),
  )
  .map(([text, fillings]) => {
    let count = 0
    return [text, text.replaceAll('*', () => fillings[count++ % fillings.length] ?? '')] as const
  })

const asRegExp = (text: string): RegExp =>
  new RegExp(`^${text.replaceAll(/[.+([$*]/g, (found) => (found === '*' ? '[^:/]+' : `\\${found}`))}$`)

test('issue 3, federation: a star stands for one character or more of its part, and everything else for itself', () => {
  fc.assert(
    fc.property(pattern, subject, (wanted, given) => {
      assert.equal(matchesPattern(wanted, given), asRegExp(wanted).test(given))
    }),
    { numRuns: 1000 },
  )
  fc.assert(
    fc.property(matching, fc.nat(), ([wanted, given], place) => {
      assert.ok(matchesPattern(wanted, given))
      const at = place % (given.length + 1)
      const shorter = given.slice(0, at) + given.slice(at + 1)
      assert.equal(matchesPattern(wanted, shorter), asRegExp(wanted).test(shorter))
    }),
    { numRuns: 1000 },
  )
})

test('issue 3, federation: no star reaches over a colon or a slash', () => {
  fc.assert(
    fc.property(matching, separator, fc.nat(), ([wanted, given], put, place) => {
      const at = place % (given.length + 1)
      assert.equal(matchesPattern(wanted, given.slice(0, at) + put + given.slice(at)), false)
    }),
    { numRuns: 500 },
  )
})

test('trust R22: a subject of more than 2,048 characters matches nothing, and many stars cost no more than few', () => {
  assert.equal(matchesPattern('*', 'a'.repeat(2_048)), true)
  assert.equal(matchesPattern('*', 'a'.repeat(2_049)), false)
  // Tried in every way to share the letters among the stars, this would not end.
  assert.equal(matchesPattern('*a'.repeat(500), `${'a'.repeat(2_000)}b`), false)
})

test('trust R22: no claims make the matching throw, and only what the rule says is in its reasons', () => {
  const rule = { issuer: 'https://issuer.example', subject: 'repo:*', claims: { ref: ['main', 'release'] } }
  const value = fc.oneof(
    fc.anything(),
    fc.constantFrom<unknown>('c4nary', ['c4nary'], rule.issuer, 'repo:x', 'main', 1_800_000_000),
  )
  const claims = fc.dictionary(
    fc.constantFrom('iss', 'aud', 'sub', 'exp', 'nbf', 'iat', 'ref', '__proto__'),
    value,
  )
  fc.assert(
    fc.property(claims, (found: Claims) => {
      const reasons = mismatches(rule as never, found, { issuer: 'https://own.example', now: 1_800_000_000 })
      assert.ok(reasons.every((reason) => !reason.includes('c4nary')))
      if (reasons.length === 0)
        assert.ok(found.iss === rule.issuer && matchesPattern(rule.subject, String(found.sub)))
    }),
    { numRuns: 500 },
  )
})
