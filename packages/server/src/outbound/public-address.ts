/** Which addresses belong to the public Internet: everything that is set apart for another use is not. */

import { BlockList, isIP } from 'node:net'

/** IANA's special-purpose registries (RFC 6890), multicast and the reserved rest; what embeds an IPv4 address goes whole. */
const reserved4: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
]
/** Outside 2000::/3 nothing is assigned to the public; inside it these are not (Teredo, ORCHID, documentation, 6to4). */
const reserved6: readonly (readonly [network: string, prefix: number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
]

const reserved = new BlockList()
for (const [network, prefix] of reserved4) reserved.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of reserved6) reserved.addSubnet(network, prefix, 'ipv6')
const assigned6 = new BlockList()
assigned6.addSubnet('2000::', 3, 'ipv6')

/** False for what is no address in its usual spelling, a zone (`fe80::1%eth0`) included. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !reserved.check(address, 'ipv4')
  return (
    family === 6 &&
    !address.includes('%') &&
    assigned6.check(address, 'ipv6') &&
    !reserved.check(address, 'ipv6')
  )
}
