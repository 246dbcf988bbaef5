/** RFC 8705 §3: the token names the certificate that the connection must have shown. */

import type { RefusalReason } from '@sallyport/protocol'
import type { RequestView } from '../request-view.ts'
import type { Runtime } from '../runtime/runtime.ts'

export async function checkCertificate(
  thumbprint: string,
  { clientCertificate }: RequestView,
  runtime: Runtime,
): Promise<RefusalReason | null> {
  if (clientCertificate === undefined) return 'certificate'
  return (await runtime.sha256(clientCertificate)) === thumbprint ? null : 'certificate'
}
