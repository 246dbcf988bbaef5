/** The network that a caller is counted in. */

/** An address as eight 16-bit groups; IPv4 stands in its IPv6-mapped form, so that both spellings are one address. */
type Groups = readonly number[]

export interface Networks {
  /**
   * What throttles count: an IPv4 address as it is, an IPv6 address as its /64, which one customer commonly has for
   * himself. IPv4-mapped IPv6 is IPv4; zone ids and case do not matter. Anything else is `unknown`.
   */
  readonly network: string
  /** The /48 of an IPv6 address, which is what a customer may have of networks; null where there is no such thing. */
  readonly site: string | null
}

export function networksOf(address: string): Networks {
  const groups = parseAddress(address)
  if (!groups) return { network: 'unknown', site: null }
  return isMapped(groups)
    ? { network: formatIpv4(groups), site: null }
    : { network: prefixOf(groups, 4), site: prefixOf(groups, 3) }
}

const formatIpv4 = (groups: Groups): string =>
  groups
    .slice(6)
    .flatMap((group) => [group >> 8, group & 255])
    .join('.')

function prefixOf(groups: Groups, count: number): string {
  const prefix = groups.slice(0, count)
  while (prefix.at(-1) === 0) prefix.pop()
  return `${prefix.map((group) => group.toString(16)).join(':')}::/${count * 16}`
}

const isMapped = (groups: Groups): boolean =>
  groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0)

function parseAddress(text: string): Groups | null {
  // 45 characters are the longest address; a zone id may follow.
  if (text.length > 100) return null
  if (!text.includes(':')) {
    const low = parseIpv4(text)
    return low && [0, 0, 0, 0, 0, 0xffff, ...low]
  }
  return parseIpv6(text.replace(/%[^%]+$/, ''))
}

function parseIpv4(text: string): Groups | null {
  const [, a, b, c, d] = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text) ?? []
  const octets = [a, b, c, d].map(parseOctet)
  const [first = -1, second = -1, third = -1, fourth = -1] = octets
  if (octets.includes(-1)) return null
  return [(first << 8) | second, (third << 8) | fourth]
}

/** A leading zero is refused: half of the world reads it as octal. */
function parseOctet(text: string | undefined): number {
  if (text === undefined || (text.length > 1 && text.startsWith('0'))) return -1
  return Number(text) > 255 ? -1 : Number(text)
}

/** RFC 4291 §2.2: groups, at most one `::` for a run of zeros, and IPv4 notation allowed for the last two. */
function parseIpv6(text: string): Groups | null {
  const halves = text.split('::')
  if (halves.length > 2) return null
  const head = parseGroups(halves[0] ?? '', halves.length === 1)
  const tail = halves.length === 1 ? [] : parseGroups(halves[1] ?? '', true)
  if (!head || !tail) return null
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null
  return [...head, ...new Array<number>(missing).fill(0), ...tail]
}

function parseGroups(text: string, mayEndInIpv4: boolean): number[] | null {
  if (text === '') return []
  const groups: number[] = []
  const pieces = text.split(':')
  for (const [index, piece] of pieces.entries()) {
    const ipv4 = mayEndInIpv4 && index === pieces.length - 1 ? parseIpv4(piece) : null
    if (ipv4) groups.push(...ipv4)
    else if (/^[0-9a-f]{1,4}$/i.test(piece)) groups.push(Number.parseInt(piece, 16))
    else return null
  }
  return groups
}
