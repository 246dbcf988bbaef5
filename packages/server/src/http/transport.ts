/**
 * What is true of a request beneath HTTP: who sent it, over what, for which host. Forwarding headers count only
 * from a listed proxy; from anybody else they are noise (trust part 1, row 22).
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { type AddressList, canonicalAddress } from './address-list.ts'

/** What is known of a connection before its first request. */
export interface Peer {
  readonly address: string
  readonly isListedProxy: boolean
  readonly hasTls: boolean
}

export interface Transport {
  readonly secure: boolean
  readonly clientAddress: string
  readonly host: string
  readonly inboundId: string | undefined
}

const requestIdShape = /^[A-Za-z0-9._-]{8,128}$/
const hostShape = /^(?:[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/

/** Undefined when the header is no host at all. */
export function parseHost(value: string): string | undefined {
  const host = value.toLowerCase()
  return hostShape.test(host) ? host : undefined
}

const lastOf = (list: string): string => list.slice(list.lastIndexOf(',') + 1).trim()

/** The value of a header that some proxies send twice, as one text. */
function textOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** The facts of a request that came straight from its client. */
export function directTransport(peer: Peer, host: string): Transport {
  return { secure: peer.hasTls, clientAddress: peer.address, host, inboundId: undefined }
}

/** The facts as a listed proxy tells them. Undefined when it names a host that is none. */
export function forwardedTransport(
  peer: Peer,
  host: string,
  headers: IncomingHttpHeaders,
  proxies: AddressList,
): Transport | undefined {
  const forwardedHost = textOf(headers, 'x-forwarded-host')
  const namedHost = forwardedHost === undefined ? host : parseHost(lastOf(forwardedHost))
  if (namedHost === undefined) return undefined
  const id = textOf(headers, 'x-request-id')
  return {
    secure: peer.hasTls || isHttps(textOf(headers, 'x-forwarded-proto')),
    clientAddress: clientBehind(peer, textOf(headers, 'x-forwarded-for'), proxies),
    host: namedHost,
    inboundId: id !== undefined && requestIdShape.test(id) ? id : undefined,
  }
}

/** Every hop must have been HTTPS: one plain hop is where a secret was readable. */
function isHttps(forwardedProto: string | undefined): boolean {
  if (forwardedProto === 'https') return true
  return forwardedProto?.split(',').every((hop) => hop.trim().toLowerCase() === 'https') ?? false
}

/** The right-most address that no listed proxy owns; what stands left of it is whatever the client wrote. */
function clientBehind(peer: Peer, forwardedFor: string | undefined, proxies: AddressList): string {
  let nearest = peer.address
  let rest = forwardedFor
  while (rest !== undefined) {
    const comma = rest.lastIndexOf(',')
    const address = parseForwardedAddress(rest.slice(comma + 1).trim())
    if (address === undefined) return nearest
    nearest = address
    if (!proxies.contains(address)) return nearest
    rest = comma < 0 ? undefined : rest.slice(0, comma)
  }
  return nearest
}

/** Bare, with a port, or bracketed: all three are in use. */
function parseForwardedAddress(entry: string): string | undefined {
  const bare = canonicalAddress(entry)
  if (bare !== undefined) return bare
  const [, bracketed, withPort] = /^\[([^\]]+)\](?::\d+)?$|^([^:]+):\d+$/.exec(entry) ?? []
  return canonicalAddress(bracketed ?? withPort ?? '')
}

export interface Target {
  readonly path: string
  readonly query: string
  /** RFC 9112 §3.2.2: an absolute target's host counts instead of the Host header. */
  readonly host: string | undefined
}

/** Splits the request target. Undefined when it is neither a path, an http(s) URL nor `*`. */
export function parseTarget(target: string): Target | undefined {
  if (target.charCodeAt(0) === 0x2f) return splitQuery(target, undefined)
  if (target === '*') return { path: '*', query: '', host: undefined }
  const [, host, rest] = /^https?:\/\/([^/?#@]+)(.*)$/i.exec(target) ?? []
  if (host === undefined || rest === undefined || !/^(?:$|[/?])/.test(rest)) return undefined
  return splitQuery(rest.startsWith('/') ? rest : `/${rest}`, host)
}

function splitQuery(target: string, host: string | undefined): Target {
  const mark = target.indexOf('?')
  if (mark < 0) return { path: target, query: '', host }
  return { path: target.slice(0, mark), query: target.slice(mark + 1), host }
}

export interface RepeatedHeaders {
  readonly authorization: readonly string[]
  readonly dpop: readonly string[]
  /** RFC 9110 §5.3: of a field that is no list there may be one line; Node believes the first. */
  readonly repeatsContentType: boolean
  /** Undefined without a Host header, null when there is more than one. */
  readonly host: string | null | undefined
}

const none: readonly string[] = []

/** One pass over the raw header lines for those whose repetition Node hides. */
export function readRepeatedHeaders(message: IncomingMessage): RepeatedHeaders {
  const raw = message.rawHeaders
  let authorization: string[] | undefined
  let dpop: string[] | undefined
  let contentTypes = 0
  let host: string | null | undefined
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? ''
    // Lengths first: comparing letters is needed for two names in a dozen.
    if (name.length === 4) {
      const lower = name.toLowerCase()
      if (lower === 'host') host = host === undefined ? (raw[index + 1] ?? '') : null
      else if (lower === 'dpop') dpop = [...(dpop ?? none), raw[index + 1] ?? '']
    } else if (name.length === 12) {
      if (name.toLowerCase() === 'content-type') contentTypes += 1
    } else if (name.length === 13 && name.toLowerCase() === 'authorization') {
      authorization ??= []
      authorization.push(raw[index + 1] ?? '')
    }
  }
  return {
    authorization: authorization ?? none,
    dpop: dpop ?? none,
    repeatsContentType: contentTypes > 1,
    host,
  }
}
