/** RFC 8705 §2.2: the very certificate that the client registered, whoever has signed it. */

import { type Client, credentialsOf, isUsable } from '../../apps/client.ts'
import type { CertificateMethod } from './certificate-method.ts'

export const selfSignedTlsClientAuth: CertificateMethod = (client, { leaf }, { now }) => {
  const matching = thumbprintsOf(client).filter(({ sha256 }) => sha256 === leaf.thumbprintSha256)
  const registered = matching.find(({ credential }) => isUsable(credential, now)) ?? matching[0]
  if (registered === undefined) return 'certificate is not registered'
  // The connection has proven the key; the dates are all that is left to look at.
  if (now < leaf.notBeforeAt || now > leaf.notAfterAt) return 'certificate expired or not yet valid'
  return { client, credential: registered.credential, method: 'self_signed_tls_client_auth' }
}

const thumbprintsOf = (client: Client) =>
  credentialsOf(client, 'certificate').map((credential) => {
    const { sha256 } = JSON.parse(Buffer.from(credential.verifier).toString()) as { readonly sha256?: string }
    return { credential, sha256 }
  })
