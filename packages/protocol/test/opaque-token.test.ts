import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../test/property.ts'
import { formatOpaqueToken, type OpaqueTokenKind, parseOpaqueToken } from '../src/index.ts'

const partsOf = fc.record({
  kind: fc.constantFrom<OpaqueTokenKind>('access', 'refresh'),
  partition: fc.stringMatching(/^[0-9a-z]{4}$/),
})
const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 })

test('product 5: an opaque token says by its looks what it is and where it is kept', () => {
  fc.assert(
    fc.property(partsOf, bytes, (parts, random) => {
      const text = formatOpaqueToken(parts, random)
      assert.match(text, /^sp_(at|rt)_[0-9a-z]{4}[0-9A-Za-z]{49}$/)
      assert.deepEqual(parseOpaqueToken(text), { ...parts })
    }),
  )
})

test('trust 17: cut, lengthened, of another case or with one character changed it is none by its looks', () => {
  fc.assert(
    fc.property(
      partsOf,
      bytes,
      fc.nat(),
      fc.constantFrom('0', 'a', 'Z', '_', ' '),
      (parts, random, place, other) => {
        const text = formatOpaqueToken(parts, random)
        const at = place % text.length
        const altered = [
          text.slice(0, -1 - (place % 20)),
          `${text}${other}`,
          text.slice(0, at) + other + text.slice(at + 1),
          text.toUpperCase(),
        ]
        for (const one of altered) if (one !== text) assert.equal(parseOpaqueToken(one), null, one)
      },
    ),
  )
})
