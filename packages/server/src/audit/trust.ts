/** TLS to sinks: whom a certificate may come from (the system's authorities, those that the operator has named), and what is spoken. */

import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { cipherSuites } from '../cipher-suites.ts'

/** `authorities`: PEM. Made once and late: reading all authorities takes 14 ms in which nobody is served. */
export function trusting(authorities: readonly string[]): () => SecureContext {
  let context: SecureContext | undefined
  return () => {
    context ??= createSecureContext({
      minVersion: 'TLSv1.2',
      ciphers: cipherSuites,
      ...(authorities.length > 0 && { ca: [...getCACertificates('default'), ...authorities] }),
    })
    return context
  }
}
