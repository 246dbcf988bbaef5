/** The client certificate as a TLS-terminating proxy forwards it: one small reader a proxy, all of them strict. */
import {
  type Found,
  flatten,
  readBase64Certificate,
  readByteSequences,
  readConcatenatedCertificates,
  readPemCertificates,
} from './certificate-text.ts'
import { lastForwardedElement } from './forwarded-element.ts'
import { decodePercent } from './percent.ts'

/** DER bytes as the client has sent them to the proxy. Nothing about them is proven yet. */
export interface ForwardedCertificate {
  readonly leaf: Uint8Array
  /** Without the leaf, in the order of the header. Untrusted: only a help to find the way to an authority. */
  readonly chain: readonly Uint8Array[]
}

/** The values of each header by its lower-case name, one entry a header line: `headersDistinct` of node:http. */
export type HeaderLines = Readonly<Record<string, readonly string[] | undefined>>

interface Preset {
  readonly headers: readonly string[]
  /** Gets one value a header, '' for what is absent, and answers with the leaf and then the chain. */
  readonly read: (first: string, second: string) => Found
}

const headerCharacters = 32_768

/**
 * One entry a proxy. Every proxy must delete these headers from what it receives, whether or not the client showed a
 * certificate. Each can be set up to forward what it has not verified (nginx `optional_no_ca`, HAProxy
 * `crt-ignore-err`, Envoy without a validation context, Traefik `RequestClientCert`, ALB passthrough), so whoever
 * reads them checks the chain himself, and no header that claims "verified" counts.
 */
const presets = {
  /** RFC 9440 §2.2, §2.3: one byte sequence, and a list of them. */
  rfc9440: {
    headers: ['client-cert', 'client-cert-chain'],
    read: (leaf, chain) => join(readByteSequences(leaf), readByteSequences(chain)),
  },
  /** `$ssl_client_escaped_cert`, the leaf alone, and `$ssl_client_verify`, which can only contradict it. */
  nginx: {
    headers: ['ssl-client-cert', 'ssl-client-verify'],
    read: (leaf, verify) => (agrees(leaf, verify) ? join(readEscapedPem(leaf), []) : null),
  },
  /** `ssl_c_der,base64`, bare or between colons, and `ssl_c_chain_der,base64`: the whole chain in one piece. */
  haproxy: {
    headers: ['client-cert', 'client-cert-chain'],
    read: (leaf, chain) => join(readHaproxy(leaf), readHaproxy(chain)),
  },
  /** Only the last element: those before it came from the client, where the proxy is set to append. */
  envoy: {
    headers: ['x-forwarded-client-cert'],
    read: (elements) => readForwardedElement(elements),
  },
  /** PEM without its first and last line and without line ends; older versions escape it. */
  traefik: {
    headers: ['x-forwarded-tls-client-cert'],
    read: (list) => (list === '' ? [] : readCommaSeparated(decodePercent(list))),
  },
  /** The chain from a listener that passes certificates through, the leaf alone from one that verifies. */
  aws_alb: {
    headers: ['x-amzn-mtls-clientcert', 'x-amzn-mtls-clientcert-leaf'],
    read: (chain, leaf) =>
      chain === '' ? join(readEscapedPem(leaf), []) : leaf === '' ? readEscapedPem(chain) : null,
  },
} as const satisfies Record<string, Preset>

/** The proxies whose way of forwarding is known. */
export type ForwardedCertificatePreset = keyof typeof presets

export const forwardedCertificatePresets = Object.keys(presets) as readonly ForwardedCertificatePreset[]

/** The headers, in lower case, that a proxy of this kind sets itself and must delete from what clients send. */
export const forwardedCertificateHeaders = (preset: ForwardedCertificatePreset): readonly string[] =>
  presets[preset].headers

/**
 * Reads the certificate that a proxy of this kind forwards. Null where there is none; `malformed` where there is
 * something else than it would send: a header line that came twice, another encoding, rubbish around it, too much.
 *
 * Checks that each certificate is one DER element and no more: not what is in it, not who signed it, and not who sent
 * the headers: ask only for the request of a listed proxy. Throws nothing. RFC 9440 §2, §4.
 */
export function readForwardedCertificate(
  preset: ForwardedCertificatePreset,
  lines: HeaderLines,
): ForwardedCertificate | null | 'malformed' {
  const values = forwardedCertificateHeaders(preset).map((name) => singleValue(lines[name]))
  const [first = '', second = ''] = values
  if (first === null || second === null) return 'malformed'
  const found = presets[preset].read(first, second)
  if (!found) return 'malformed'
  const [leaf, ...chain] = found
  return leaf ? { leaf, chain: withoutLeaf(chain, leaf) } : null
}

/** Null for a header that came twice: two readers could believe different lines. */
function singleValue(lines: readonly string[] | undefined): string | null {
  const [value = '', second] = lines ?? []
  return second !== undefined || value.length > headerCharacters ? null : value.trim()
}

/** A chain without a leaf, or two leaves, is nothing that a proxy sends. */
function join(leaf: Found, chain: Found): Found {
  if (!leaf || !chain || leaf.length > 1 || (leaf.length === 0 && chain.length > 0)) return null
  return [...leaf, ...chain]
}

/** Some chains begin with the leaf itself, others with its issuer. */
const withoutLeaf = (chain: readonly Uint8Array[], leaf: Uint8Array): readonly Uint8Array[] =>
  chain[0] && areEqual(chain[0], leaf) ? chain.slice(1) : chain

const areEqual = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index])

const agrees = (certificate: string, verify: string): boolean =>
  certificate === '' ? verify === '' || verify === 'NONE' : /^(?:SUCCESS|FAILED(?::.*)?|)$/.test(verify)

/** A plus is one of base64, which not every proxy escapes. */
function readEscapedPem(text: string): Found {
  const pem = decodePercent(text)
  return pem === null ? null : readPemCertificates(pem)
}

function readHaproxy(text: string): Found {
  const isDelimited = text.length > 1 && text.startsWith(':') && text.endsWith(':')
  return readConcatenatedCertificates(isDelimited ? text.slice(1, -1) : text)
}

const readCommaSeparated = (list: string | null): Found =>
  list === null ? null : flatten(list.split(','), readBase64Certificate)

function readForwardedElement(header: string): Found {
  const element = lastForwardedElement(header)
  if (!element) return null
  const leaf = readEscapedPem(element.get('cert') ?? '')
  const chain = readEscapedPem(element.get('chain') ?? '')
  if (!leaf || !chain || leaf.length > 1) return null
  const [first] = chain
  // The chain that Envoy sends holds the leaf, with or without it being sent on its own.
  if (leaf[0] && first && !areEqual(leaf[0], first)) return null
  return chain.length > 0 ? chain : leaf
}
