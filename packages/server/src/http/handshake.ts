/** How TLS is spoken: versions, suites, and whether the client is asked for a certificate. */

import { constants } from 'node:crypto'
import type { TlsOptions } from 'node:tls'
import { cipherSuites } from '../cipher-suites.ts'
import { type CertificateSource, connectionCertificates } from './client-certificate.ts'
import type { TlsPair } from './tls.ts'

const asksForCertificates = (source: CertificateSource | undefined) => source === connectionCertificates

/** What may change while the server runs, because the certificate is renewed. */
export const secureContextOptions = (pair: TlsPair, certificates: CertificateSource | undefined) => ({
  cert: pair.cert,
  key: pair.key,
  // RFC 9325 §3.1.1: nothing below TLS 1.2.
  minVersion: 'TLSv1.2' as const,
  ciphers: cipherSuites,
  honorCipherOrder: true,
  // A resumed session keeps the leaf and loses what came beside it, and so its way to an authority.
  ...(asksForCertificates(certificates) && { secureOptions: constants.SSL_OP_NO_TICKET }),
})

export const handshakeOptions = (
  pair: TlsPair,
  certificates: CertificateSource | undefined,
  timeoutMilliseconds: number,
): TlsOptions => ({
  ...secureContextOptions(pair, certificates),
  handshakeTimeout: timeoutMilliseconds,
  // RFC 8705 §2: whom a certificate proves depends on the tenant, so the handshake lets every one in.
  requestCert: asksForCertificates(certificates),
  rejectUnauthorized: false,
})
