/** Where a request's client certificate is: in the connection itself, or in a header of a listed proxy. */

import type { IncomingMessage } from 'node:http'
import { type DetailedPeerCertificate, TLSSocket } from 'node:tls'
import { type ForwardedCertificatePreset, readForwardedCertificate } from '@sallyport/protocol'
import { type PresentedCertificate, presentCertificate } from '../certificates/presented.ts'
import type { Peer } from './transport.ts'

/** `malformed` is an attempt to show one that failed, and must not pass for showing none. */
export type ClientCertificate = PresentedCertificate | 'malformed' | null

export interface CertificateSource {
  find(message: IncomingMessage, peer: Peer): ClientCertificate
}

export const noCertificates: CertificateSource = { find: () => null }

/** For a listener that asks for certificates. They are judged by the tenant's authorities, not by the handshake. */
export const connectionCertificates: CertificateSource = {
  find: ({ socket }) => (socket instanceof TLSSocket ? certificateOf(socket) : null),
}

/** RFC 9440 and its older relatives. From anybody but a listed proxy the header is noise (trust part 1, row 30). */
export const forwardedCertificates = (preset: ForwardedCertificatePreset): CertificateSource => ({
  find(message, peer) {
    if (!peer.isListedProxy) return null
    const forwarded = readForwardedCertificate(preset, message.headersDistinct)
    if (forwarded === null || forwarded === 'malformed') return forwarded
    return presentCertificate(forwarded.leaf, forwarded.chain) ?? 'malformed'
  },
})

const longestChain = 8

function certificateOf(socket: TLSSocket): ClientCertificate {
  const chain: Buffer[] = []
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  // A self-signed certificate names itself as its issuer, and no certificate at all is an object without bytes.
  while (next?.raw && chain.length <= longestChain && !chain.some((der) => der.equals(next?.raw ?? der))) {
    chain.push(next.raw)
    next = next.issuerCertificate
  }
  const [leaf, ...others] = chain
  return leaf === undefined ? null : (presentCertificate(leaf, others) ?? 'malformed')
}
