// Names of buckets: nothing that stands in one part can be taken for another.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../../test/property.ts'
import { bucketName, limitKey } from '../../src/limits/key.ts'

/** Code units, so half surrogate pairs too, and what names are made of. */
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'"\\,[]/:0123 a'), maxLength: 6 }),
  fc
    .array(fc.integer({ min: 0xd7f0, max: 0xe010 }), { maxLength: 3 })
    .map((units) => String.fromCharCode(...units)),
  fc.string({ unit: 'binary', maxLength: 6 }),
)
const owner = fc.record({ issuer: text, audience: text, clientId: text, endpoint: text })
const limit = fc.record({
  name: text,
  requests: fc.integer({ min: 0, max: 99 }),
  windowSeconds: fc.integer({ min: 1, max: 99 }),
})
const bytesOf = (name: string): string => Buffer.from(name, 'utf8').toString('hex')

/** Alike but for where one part ends and the next begins: what any of these delimiters would confuse. */
const delimiter = fc.constantFrom('', '|', ':', '/', ',', ' ', '","', '\n', '\0')
const shifted = fc.tuple(delimiter, text, text, text, text).map(([between, a, b, c, d]) => [
  { issuer: a + between + b, audience: c, clientId: 'app', endpoint: d },
  { issuer: a, audience: b + between + c, clientId: 'app', endpoint: d },
])

test('trust 37: two owners have one key only if every part is the same, also as the bytes that Redis sees', () => {
  fc.assert(
    fc.property(fc.oneof(fc.tuple(owner, owner), shifted), ([one, other]) => {
      assert.ok(one && other)
      const isSame =
        one.issuer === other.issuer && one.clientId === other.clientId && one.endpoint === other.endpoint
      assert.equal(bytesOf(limitKey(one)) === bytesOf(limitKey(other)), isSame)
    }),
    { numRuns: 3000 },
  )
})

test('trust 37: neither the name nor the numbers of a limit can run into the key', () => {
  fc.assert(
    fc.property(limit, limit, text, text, (one, other, key, otherKey) => {
      const isSame =
        key === otherKey &&
        one.name === other.name &&
        one.requests === other.requests &&
        one.windowSeconds === other.windowSeconds
      assert.equal(bucketName(key, one) === bucketName(otherKey, other), isSame)
    }),
    { numRuns: 3000 },
  )
  const shape = { requests: 1, windowSeconds: 1 }
  assert.notEqual(bucketName('bc', { name: 'a', ...shape }), bucketName('c', { name: 'ab', ...shape }))
})
