/** A request that only names its client: proven by the certificate of its connection, or a public client's. */

import { refuse } from '@sallyport/protocol'
import type { Client } from '../../apps/client.ts'
import type { OAuthDeps } from '../deps.ts'
import type { OAuthRequest } from '../request.ts'
import type { CertificateMethod } from './certificate-method.ts'
import type { Presentation } from './presentation.ts'
import { proveClaimed } from './prove-claimed.ts'
import type { ProvenClient } from './proven-client.ts'
import { selfSignedTlsClientAuth } from './self-signed-tls-client-auth.ts'
import { tlsClientAuth, verdictOf } from './tls-client-auth.ts'

export const clientIdOnly: Presentation = {
  name: 'client_id',
  // Only when nothing else is presented; the table keeps this line last.
  isPresentedIn: () => true,
  words: () => null,
  prove(request, deps) {
    const clientId = request.form.get('client_id')
    // RFC 8705 §2: the certificate proves, and the parameter says whom.
    if (clientId === undefined) return refuse('invalid_client', whyNobody(request))
    return proveClaimed(request, clientId, (client) => prove(client, request, deps), deps)
  },
}

const whyNobody = ({ http }: OAuthRequest): string =>
  http.clientCertificate() === null ? 'no credentials' : 'client certificate without client_id'

const certificateMethods: readonly (readonly [name: string, prove: CertificateMethod])[] = [
  ['tls_client_auth', tlsClientAuth],
  ['self_signed_tls_client_auth', selfSignedTlsClientAuth],
]

function prove(client: Client | null, request: OAuthRequest, deps: OAuthDeps): ProvenClient | string {
  // Read for an unknown client too: how long a refusal takes is nobody's business.
  const presented = request.http.clientCertificate()
  const authenticationMethods = client?.settings.authenticationMethods
  // RFC 6749 §2.1: a public client only says who it is.
  if (client && authenticationMethods?.has('none')) return { client, credential: null, method: 'none' }
  const methods = certificateMethods.filter(([name]) => authenticationMethods?.has(name))
  if (presented && !authenticationMethods?.has('tls_client_auth')) verdictOf(presented, request)
  if (client === null) return 'client unknown'
  if (methods.length === 0) return 'no credentials'
  if (presented === null) return 'no client certificate'
  const outcomes = methods.map(([, method]) => method(client, presented, request, deps))
  const proven = outcomes.find((outcome) => typeof outcome !== 'string')
  return proven ?? outcomes.join(', ')
}
