import assert from 'node:assert/strict'
import { BlockList } from 'node:net'
import { test } from 'node:test'
import * as fc from '../../../test/property.ts'
import { networksOf } from '../src/index.ts'

const networkOf = (address: string) => networksOf(address).network

test('trust F11: all spellings of one IPv4 address are one bucket', () => {
  for (const address of [
    '192.0.2.7',
    '::ffff:192.0.2.7',
    '::FFFF:192.0.2.7',
    '::ffff:c000:207',
    '0:0:0:0:0:ffff:C000:0207',
    '0::ffff:192.0.2.7',
  ]) {
    assert.equal(networkOf(address), '192.0.2.7', address)
  }
  assert.notEqual(networkOf('192.0.2.8'), networkOf('192.0.2.7'))
})

test('trust F11: all addresses of one /64 are one bucket, in any spelling', () => {
  for (const address of [
    '2001:db8:1:2::',
    '2001:db8:1:2:3:4:5:6',
    '2001:DB8:1:2::ffff',
    '2001:0db8:0001:0002::1',
    '2001:db8:1:2::1%eth0',
    '2001:db8:1:2::192.0.2.1',
  ]) {
    assert.equal(networkOf(address), '2001:db8:1:2::/64', address)
  }
  assert.equal(networkOf('2001:db8::1'), '2001:db8::/64')
  assert.equal(networkOf('2001:db8:0:1::1'), '2001:db8:0:1::/64')
  assert.equal(networkOf('fe80::1%lo'), 'fe80::/64')
  assert.equal(networkOf('::1'), '::/64')
  assert.equal(networkOf('::192.0.2.7'), '::/64')
})

test('trust F11: what is no address falls into one bucket', () => {
  for (const text of [
    '',
    'unknown',
    '1.2.3',
    '1.2.3.4.5',
    '256.0.0.1',
    '01.2.3.4',
    '1.2.3.4:80',
    ' 1.2.3.4',
    '1.2.3.4\n',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4::5:6:7:8',
    '1:2:3:4:5:6:7::8:9',
    '12345::',
    'g::',
    '[::1]',
    '::1%',
    '1.2.3.4::',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::ffff:1.2.3.256',
    '/64',
    `::1%${'a'.repeat(1000)}`,
  ]) {
    assert.equal(networkOf(text), 'unknown', text)
  }
})

test('trust F11: the site of an IPv6 address is its /48, however it is written; IPv4 has none', () => {
  for (const [address, site] of [
    ['2001:db8:7:1::1', '2001:db8:7::/48'],
    ['2001:0DB8:0007:ffff::', '2001:db8:7::/48'],
    ['fe80::1%eth0', 'fe80::/48'],
    ['192.0.2.1', null],
    ['::ffff:192.0.2.1', null],
    ['::FFFF:c000:0201', null],
    ['nonsense', null],
    ['', null],
  ] as const) {
    assert.equal(networksOf(address).site, site, address)
  }
})

test('trust F11: buckets are those of the platform’s own address lists', () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const [prefix = ''] = networkOf(address).split('/')
      const platform = new BlockList()
      if (prefix.includes(':')) platform.addSubnet(prefix, 64, 'ipv6')
      else platform.addAddress(prefix, 'ipv4')
      assert.ok(platform.check(address, 'ipv6'), `${address} in ${prefix}`)
    }),
  )
  fc.assert(fc.property(fc.ipV4(), (address) => assert.equal(networkOf(`::ffff:${address}`), address)))
})

test('trust R22: no text makes the address parser throw', () => {
  const hostile = fc
    .array(fc.constantFrom(':', '::', '.', '1', 'ffff', '%', '/', '255', '0'), { maxLength: 12 })
    .map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(fc.oneof(fc.string(), hostile), (text) =>
      assert.match(networkOf(text), /^(unknown|[\d.]+|[\da-f:]+\/64)$/),
    ),
  )
})
