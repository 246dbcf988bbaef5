/** Where the client's certificate is: in the connection itself, or in a header of a listed proxy that ends TLS. */

import type { BlockList } from 'node:net'
import type { TLSSocket } from 'node:tls'
import {
  type ForwardedCertificatePreset,
  forwardedCertificatePresets,
  readForwardedCertificate,
} from '@sallyport/protocol'
import { GuardOptionsError } from '../options.ts'

/** A proxy that ends TLS and hands the client's certificate on. It must delete that header from what clients send. */
export interface ProxyOptions {
  /** Of whom the header is believed: addresses and networks, such as `127.0.0.1` and `10.0.0.0/8`. */
  readonly proxies: readonly string[]
  /** How the proxy writes it: `rfc9440` is the header `Client-Cert`. */
  readonly certificateHeader: ForwardedCertificatePreset
}

/** What tells who is at the other end, and what they have sent. */
export interface Connected {
  readonly socket: { readonly remoteAddress?: string | undefined }
  readonly rawHeaders: readonly string[]
}

export type CertificateReader = (message: Connected) => Uint8Array | undefined

/** TLS itself has shown that the client holds its key; who has signed it is not asked (RFC 8705 §2.2). */
export function certificateOfConnection({ socket }: Connected): Uint8Array | undefined {
  const certificate = (socket as Partial<TLSSocket>).getPeerCertificate?.()
  return certificate?.raw
}

/** Throws `GuardOptionsError` for what is no address and no kind of proxy. */
export function createCertificateReader(options: ProxyOptions | undefined): CertificateReader {
  if (options === undefined) return certificateOfConnection
  const { proxies, certificateHeader } = options
  if (!forwardedCertificatePresets.includes(certificateHeader))
    fail(`certificateHeader must be ${forwardedCertificatePresets.join(' or ')}`)
  const isListed = createProxyList(proxies)
  return (message) => {
    // Its own certificate, which such a proxy may show, is not the client's.
    if (!isListed(message.socket.remoteAddress)) return certificateOfConnection(message)
    const forwarded = readForwardedCertificate(certificateHeader, linesOf(message.rawHeaders))
    return typeof forwarded === 'string' ? undefined : forwarded?.leaf
  }
}

/** What `headersDistinct` is, which messages of HTTP/2 do not have. */
function linesOf(rawHeaders: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const lines: Record<string, string[]> = Object.create(null)
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase()
    const before = lines[name]
    if (before === undefined) lines[name] = [rawHeaders[index + 1] ?? '']
    else before.push(rawHeaders[index + 1] ?? '')
  }
  return lines
}

type Net = typeof import('node:net')
type Family = 'ipv4' | 'ipv6'
type Lists = Readonly<Record<Family, BlockList>>

function createProxyList(entries: readonly string[]): (address: string | undefined) => boolean {
  const net = builtinNet() ?? fail('proxies need Node.js 20.16 or newer, Bun or Deno')
  // One list a family: in a shared one, ::/0 would hold all of IPv4.
  const lists: Lists = { ipv4: new net.BlockList(), ipv6: new net.BlockList() }
  if (!Array.isArray(entries) || entries.length === 0) fail('proxies must be a list of addresses')
  for (const entry of entries) add(lists, entry, net)
  return (written) => {
    const address = plain(written ?? '')
    const version = net.isIP(address)
    return version !== 0 && lists[familyOf(version)].check(address, familyOf(version))
  }
}

/** Found at run time: whoever bundles an adapter for another runtime lists no proxies. */
function builtinNet(): Net | undefined {
  return globalThis.process?.getBuiltinModule?.('node:net')
}

const familyOf = (version: number): Family => (version === 4 ? 'ipv4' : 'ipv6')

/** A socket that listens for both families says `::ffff:192.0.2.1`. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '')

function add(lists: Lists, entry: unknown, net: Net): void {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(String(entry)) ?? []
  const version = net.isIP(address)
  const longest = { 0: -1, 4: 32, 6: 128 }[version] ?? -1
  const prefix = Number(bits ?? longest)
  if (longest < 0 || prefix > longest) fail('proxies must be addresses, or networks such as 10.0.0.0/8')
  lists[familyOf(version)].addSubnet(address, prefix, familyOf(version))
}

const fail = (problem: string): never => {
  throw new GuardOptionsError(problem)
}
