// Lists of addresses and networks against arithmetic: a proxy is believed, or a caller counted, by these answers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../../test/property.ts'
import { AddressRefused, canonicalAddress, parseAddressList } from '../../src/http/address-list.ts'

interface Address {
  readonly value: bigint
  readonly bits: 32 | 128
}

const ipv4 = fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((value): Address => ({ value, bits: 32 }))
const anyIpv6 = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n })
const group = fc.constantFrom<bigint>(0n, 0n, 1n, 0xffffn, 0xdb8n)
const fewGroups = fc
  .array(group, { minLength: 8, maxLength: 8 })
  .map((groups) => groups.reduce((value, one) => (value << 16n) | one, 0n))
const isMapped = (value: bigint) => value >> 32n === 0xffffn
const ipv6 = fc
  .oneof(anyIpv6, fewGroups)
  .filter((value) => !isMapped(value))
  .map((value): Address => ({ value, bits: 128 }))
const address = fc.oneof(ipv4, ipv6)

const groupsOf = (value: bigint): string[] =>
  Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16))
const dotted = (value: bigint): string =>
  [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join('.')

/** The ways that the same address is written in. */
function spellings({ value, bits }: Address): string[] {
  if (bits === 32) {
    const low = groupsOf(value).slice(6).join(':')
    return [dotted(value), `::ffff:${dotted(value)}`, `::FFFF:${low}`, `0:0:0:0:0:ffff:${low}`]
  }
  const groups = groupsOf(value)
  const long = groups.map((one) => one.padStart(4, '0'))
  const withTail = [...groups.slice(0, 6), dotted(value & 0xffff_ffffn)]
  const start = groups.indexOf('0')
  const short =
    start < 0
      ? []
      : [[groups.slice(0, start), groups.slice(start + 1)].map((half) => half.join(':')).join('::')]
  return [groups, long, withTail].map((parts) => parts.join(':')).concat(long.join(':').toUpperCase(), short)
}

test('trust F11: every spelling of an address is one text, which is its own spelling, and two addresses are two', () => {
  fc.assert(
    fc.property(address, address, (one, other) => {
      const [first = '', ...rest] = spellings(one).map(canonicalAddress)
      for (const text of rest) assert.equal(text, first)
      assert.equal(canonicalAddress(first), first)
      if (one.value !== other.value || one.bits !== other.bits)
        assert.notEqual(canonicalAddress(spellings(other)[0] ?? ''), first)
    }),
    { numRuns: 500 },
  )
})

test('trust R11: a network holds the addresses that begin with its bits, in every spelling, and none of the other family', () => {
  const near = fc.tuple(address, fc.nat(128), fc.nat(127), fc.boolean())
  fc.assert(
    fc.property(near, address, ([base, length, turned, isTurned], other) => {
      const prefix = length % (base.bits + 1)
      const shift = BigInt(base.bits - prefix)
      const list = parseAddressList([`${spellings(base)[0]}/${prefix}`])
      const neighbour = {
        ...base,
        value: isTurned ? base.value ^ (1n << BigInt(turned % base.bits)) : base.value,
      }
      for (const asked of [neighbour, other]) {
        if (asked.bits === 128 && isMapped(asked.value)) continue
        const isIn = asked.bits === base.bits && asked.value >> shift === base.value >> shift
        for (const text of spellings(asked)) assert.equal(list.contains(text), isIn, `${text} in /${prefix}`)
      }
    }),
    { numRuns: 500 },
  )
})

test('trust R22: no entry makes the list throw anything but its refusal, and no text is found in it by chance', () => {
  const piece = fc.constantFrom(
    ':',
    '::',
    '.',
    '/',
    '1',
    '255',
    'ffff',
    '%',
    '%a',
    '[',
    ']',
    ' ',
    '08',
    '-1',
    '128',
  )
  const hostile = fc.oneof(
    fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join('')),
    fc.string(),
  )
  const list = parseAddressList(['192.0.2.0/24', '2001:db8::/32'])
  fc.assert(
    fc.property(hostile, (text) => {
      try {
        parseAddressList([text])
      } catch (error) {
        assert.ok(error instanceof AddressRefused, String(error))
      }
      const canonical = canonicalAddress(text)
      assert.equal(list.contains(text), canonical !== undefined && list.contains(canonical))
      if (canonical !== undefined) assert.match(canonical, /^[\da-f:.]+$/)
    }),
    { numRuns: 1000 },
  )
})
