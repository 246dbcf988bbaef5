/** Subject alternative names (RFC 5280 §4.2.1.6), each in the one spelling in which names of its kind are compared. */
import { isIPv4, isIPv6 } from 'node:net'
import { DerReader, decodeAscii, malformed, primitive } from './der.ts'

/** Kinds that RFC 8705 §2.1.2 lets a client be known by; other kinds are left out. */
export interface AlternativeNames {
  readonly dns: readonly string[]
  readonly uri: readonly string[]
  readonly ip: readonly string[]
  readonly email: readonly string[]
}

export const noAlternativeNames: AlternativeNames = { dns: [], uri: [], ip: [], email: [] }

const [email, dns, uri, ip] = [primitive(1), primitive(2), primitive(6), primitive(7)]
const names = 256

/** Throws `MalformedDer`. */
export function readAlternativeNames(value: Buffer): AlternativeNames {
  const outer = new DerReader(value)
  const reader = outer.enter(0x30)
  outer.finish()
  const found = { dns: [] as string[], uri: [] as string[], ip: [] as string[], email: [] as string[] }
  for (let count = 0; !reader.isAtEnd; count++) {
    const { tag, content } = reader.readAny()
    if (count === names) malformed('too many alternative names')
    if (tag === dns) found.dns.push(canonicalDns(decodeAscii(content)))
    else if (tag === uri) found.uri.push(decodeAscii(content))
    else if (tag === email) found.email.push(canonicalEmail(decodeAscii(content)))
    else if (tag === ip) found.ip.push(canonicalAddress(content))
  }
  return found
}

export const canonicalDns = (name: string): string => name.toLowerCase()

/** RFC 5280 §7.5: only the host part has no case. */
export function canonicalEmail(address: string): string {
  const at = address.lastIndexOf('@') + 1
  return address.slice(0, at) + address.slice(at).toLowerCase()
}

function canonicalAddress(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.length !== 16) malformed('an address of neither length')
  return canonicalIpv6(bytes.toString('hex').match(/..../g)?.join(':') ?? '')
}

/** RFC 5952 §4 as the platform's URLs have it. */
const canonicalIpv6 = (text: string): string => new URL(`http://[${text}]`).hostname.slice(1, -1)

/** Undefined for what is no address. An IPv4 address inside an IPv6 address is another address. */
export const canonicalIp = (text: string): string | undefined =>
  isIPv4(text) ? text : isIPv6(text) && !text.includes('%') ? canonicalIpv6(text) : undefined
