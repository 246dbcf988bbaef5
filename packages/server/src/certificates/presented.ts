/** The certificate that a connection, or a listed proxy for it, has brought: read, and not yet judged. */

import { type Certificate, createCertificateReader } from './client-certificate.ts'

export interface PresentedCertificate {
  readonly leaf: Certificate
  /** What came beside it: helpers on the way to an authority, and believed in nothing. */
  readonly chain: readonly Certificate[]
}

const read = createCertificateReader()

/** Null for bytes that are no certificate; a broken one beside the leaf is passed over. */
export function presentCertificate(
  leafDer: Uint8Array,
  chainDer: readonly Uint8Array[],
): PresentedCertificate | null {
  const leaf = read(leafDer)
  return leaf && { leaf, chain: chainDer.flatMap((der) => read(der) ?? []) }
}
