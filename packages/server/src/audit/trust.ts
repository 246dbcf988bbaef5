/** Whom a sink's certificate may come from: the system's authorities, and those that the operator has named. */

import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'

/** `authorities`: PEM. Made once and late: reading all authorities takes 14 ms in which nobody is served. */
export function trusting(authorities: readonly string[]): () => SecureContext {
  let context: SecureContext | undefined
  return () => {
    context ??= createSecureContext({
      minVersion: 'TLSv1.2',
      ...(authorities.length > 0 && { ca: [...getCACertificates('default'), ...authorities] }),
    })
    return context
  }
}
