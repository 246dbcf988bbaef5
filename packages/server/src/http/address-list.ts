/** A list of addresses and networks, such as the proxies whose forwarding headers are believed. */
import { BlockList, isIP } from 'node:net'

export interface AddressList {
  contains(address: string): boolean
  readonly isEmpty: boolean
}

export class AddressRefused extends Error {
  override readonly name = 'AddressRefused'
}

const answersKept = 10_000

const mapped = /^::ffff:(?:(\d+\.\d+\.\d+\.\d+)|([0-9a-f]{1,4}):([0-9a-f]{1,4}))$/

/**
 * The one spelling of an address: `::FFFF:192.0.2.1` is `192.0.2.1`, `2001:DB8:0::1` is `2001:db8::1`. One machine
 * must not have two names in lists and limits (trust part 1, row 11). Undefined when it is no address.
 */
export function canonicalAddress(written: string): string | undefined {
  const family = isIP(written)
  if (family === 4) return written
  if (family === 0) return undefined
  const [bare = ''] = written.split('%')
  const short = new URL(`http://[${bare}]`).hostname.slice(1, -1)
  const [, dotted, high, low] = mapped.exec(short) ?? []
  if (dotted !== undefined) return dotted
  return high === undefined || low === undefined ? short : dottedFrom(high, low)
}

function dottedFrom(high: string, low: string): string {
  const [upper, lower] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return [upper >> 8, upper & 0xff, lower >> 8, lower & 0xff].join('.')
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 4 ? 'ipv4' : 'ipv6')

/** Takes `192.0.2.1`, `10.0.0.0/8`, `::1`, `fd00::/8`; throws `AddressRefused` with the entry it cannot read. */
export function parseAddressList(entries: readonly string[]): AddressList {
  // One list a family: in a shared one, ::/0 would quietly hold all of IPv4.
  const blocks: Blocks = { ipv4: new BlockList(), ipv6: new BlockList() }
  for (const entry of entries) addEntry(blocks, entry)
  const check = (address: string): boolean => {
    const plain = canonicalAddress(address)
    if (plain === undefined) return false
    const family = familyOf(plain)
    return blocks[family].check(plain, family)
  }
  // The same few addresses ask all day, and each answer costs as much as reading the whole request.
  const answers = new Map<string, boolean>()
  return {
    isEmpty: entries.length === 0,
    contains(address) {
      const known = answers.get(address)
      if (known !== undefined) return known
      if (answers.size >= answersKept) answers.clear()
      const answer = check(address)
      answers.set(address, answer)
      return answer
    },
  }
}

type Blocks = Readonly<Record<'ipv4' | 'ipv6', BlockList>>

function addEntry(blocks: Blocks, entry: string): void {
  const [written = '', bits, ...rest] = entry.split('/')
  const address = canonicalAddress(written)
  if (address === undefined || rest.length > 0) refuseEntry(entry)
  if (bits === undefined) {
    blocks[familyOf(address)].addAddress(address, familyOf(address))
    return
  }
  const prefix = Number(bits)
  const longest = isIP(address) === 4 ? 32 : 128
  if (!/^\d{1,3}$/.test(bits) || prefix > longest) refuseEntry(entry)
  blocks[familyOf(address)].addSubnet(address, prefix, familyOf(address))
}

function refuseEntry(entry: string): never {
  throw new AddressRefused(`"${entry}" is neither an address nor a network such as 10.0.0.0/8 or fd00::/8.`)
}
