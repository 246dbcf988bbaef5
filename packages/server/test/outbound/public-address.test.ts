// trust 153: which addresses are the public Internet's, and where each block that is not begins and ends.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../../test/property.ts'
import { isPublicAddress } from '../../src/outbound/public-address.ts'

test('trust 153: an address is public only if nothing sets it apart', () => {
  const byte = fc.nat(255)
  const table: readonly (readonly [first: number, second: fc.Arbitrary<number>])[] = [
    [10, byte],
    [127, byte],
    [0, byte],
    [169, fc.constant(254)],
    [172, fc.integer({ min: 16, max: 31 })],
    [192, fc.constant(168)],
    [100, fc.integer({ min: 64, max: 127 })],
    [224, byte],
    [255, byte],
  ]
  for (const [first, second] of table) {
    fc.assert(
      fc.property(second, byte, byte, (b, c, d) => {
        const address = `${first}.${b}.${c}.${d}`
        const hex = (one: number, two: number) => ((one << 8) | two).toString(16)
        assert.equal(isPublicAddress(address), false)
        assert.equal(isPublicAddress(`::ffff:${address}`), false)
        assert.equal(isPublicAddress(`64:ff9b::${hex(first, b)}:${hex(c, d)}`), false)
        assert.equal(isPublicAddress(`2002:${hex(first, b)}:${hex(c, d)}::1`), false)
      }),
    )
  }
  for (const address of [
    '93.184.216.34',
    '1.1.1.1',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    '2a00::1',
  ])
    assert.equal(isPublicAddress(address), true, address)
  for (const address of [
    '::',
    '::1',
    'fc00::1',
    'fe80::1',
    'fe80::1%eth0',
    '2a00::1%eth0',
    'ff02::1',
    '2001:db8::1',
    'x',
    '',
    '1.2.3',
    '4000::1',
  ])
    assert.equal(isPublicAddress(address), false, address)
})

test('trust 153: each block that is set apart ends where the registries say', () => {
  // The first and last address of each block, and their public neighbours.
  const blocks: readonly (readonly [
    before: string | null,
    first: string,
    last: string,
    after: string | null,
  ])[] = [
    [null, '0.0.0.0', '0.255.255.255', '1.0.0.0'],
    ['9.255.255.255', '10.0.0.0', '10.255.255.255', '11.0.0.0'],
    ['100.63.255.255', '100.64.0.0', '100.127.255.255', '100.128.0.0'],
    ['126.255.255.255', '127.0.0.0', '127.255.255.255', '128.0.0.0'],
    ['169.253.255.255', '169.254.0.0', '169.254.255.255', '169.255.0.0'],
    ['172.15.255.255', '172.16.0.0', '172.31.255.255', '172.32.0.0'],
    ['191.255.255.255', '192.0.0.0', '192.0.0.255', '192.0.1.0'],
    ['192.0.1.255', '192.0.2.0', '192.0.2.255', '192.0.3.0'],
    ['192.31.195.255', '192.31.196.0', '192.31.196.255', '192.31.197.0'],
    ['192.52.192.255', '192.52.193.0', '192.52.193.255', '192.52.194.0'],
    ['192.88.98.255', '192.88.99.0', '192.88.99.255', '192.88.100.0'],
    ['192.167.255.255', '192.168.0.0', '192.168.255.255', '192.169.0.0'],
    ['192.175.47.255', '192.175.48.0', '192.175.48.255', '192.175.49.0'],
    ['198.17.255.255', '198.18.0.0', '198.19.255.255', '198.20.0.0'],
    ['198.51.99.255', '198.51.100.0', '198.51.100.255', '198.51.101.0'],
    ['203.0.112.255', '203.0.113.0', '203.0.113.255', '203.0.114.0'],
    ['223.255.255.255', '224.0.0.0', '255.255.255.255', null],
    [null, '::', '1fff:ffff::', '2000::'],
    ['2000:ffff::', '2001::', '2001:1ff:ffff::', '2001:200::'],
    ['2001:db7:ffff::', '2001:db8::', '2001:db8:ffff::', '2001:db9::'],
    ['2001:ffff::', '2002::', '2002:ffff::', '2003::'],
    ['2620:4f:7fff::', '2620:4f:8000::', '2620:4f:8000:ffff::', '2620:4f:8001::'],
    ['3ffe:ffff::', '3fff::', '3fff:fff::', '3fff:1000::'],
    ['3fff:ffff::', '4000::', 'ffff:ffff::', null],
  ]
  for (const [before, first, last, after] of blocks) {
    for (const address of [before, after])
      if (address !== null) assert.equal(isPublicAddress(address), true, address)
    for (const address of [first, last]) assert.equal(isPublicAddress(address), false, address)
  }
})
