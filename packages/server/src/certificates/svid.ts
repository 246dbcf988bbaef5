/** SPIFFE's X.509-SVID: what a certificate must be to stand for a workload, beside leading to an authority. */

import type { Certificate } from './client-certificate.ts'
import type { NameRule } from './names.ts'

/** Of a certificate known by a SPIFFE ID; null for one that is good, or is known by another name. */
export function svidProblem({ kind, canonical }: NameRule, { keyUsage }: Certificate): string | null {
  if (kind !== 'san_uri' || !canonical.startsWith('spiffe:')) return null
  // X.509-SVID §3.1, §5.2: an ID without a path is the trust domain itself, and no workload.
  if (!/^spiffe:\/\/[^/]+\/[^/]/.test(canonical)) return 'certificate of a whole trust domain'
  // X.509-SVID §4.3, §5.2: who signs certificates or lists could make itself any workload.
  return keyUsage?.digitalSignature && !keyUsage.keyCertSign && !keyUsage.crlSign
    ? null
    : 'certificate is no X.509-SVID: its key usage must be for signatures, and neither for certificates nor for lists'
}
