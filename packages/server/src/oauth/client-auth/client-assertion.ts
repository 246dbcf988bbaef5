/** RFC 7521 §4.2, RFC 7523 §2.2: a signed statement of who the client is; three methods share this place. */

import { readJws, refuse } from '@sallyport/protocol'
import type { TokenRequest } from '../token-request.ts'
import { clientSecretJwt } from './client-secret-jwt.ts'
import type { Presentation } from './method.ts'
import { privateKeyJwt } from './private-key-jwt.ts'
import { proveClaimed } from './prove-claimed.ts'

const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export const clientAssertion: Presentation = {
  name: 'client_assertion',
  isPresentedIn: ({ form }) =>
    form.get('client_assertion') !== undefined || form.get('client_assertion_type') !== undefined,
  prove(request, deps) {
    const jws = readJws(assertionOf(request))
    if (jws === null) return refuse('invalid_client', 'assertion malformed')
    const { sub } = jws.payload
    if (typeof sub !== 'string') return refuse('invalid_client', 'assertion without sub')
    // RFC 7521 §4.2: the parameter is not needed, but then it names the same client.
    if ((request.form.get('client_id') ?? sub) !== sub)
      return refuse('invalid_client', 'client_id is not sub')
    const method = jws.algorithm.startsWith('HS') ? clientSecretJwt : privateKeyJwt
    return proveClaimed(request, sub, (client) => method(client, { request, jws, clientId: sub }, deps), deps)
  },
}

function assertionOf({ form }: TokenRequest): string {
  if (form.get('client_assertion_type') !== jwtBearer) {
    refuse(
      'invalid_request',
      'client_assertion_type missing or unknown',
      `client_assertion_type must be ${jwtBearer}.`,
    )
  }
  return form.get('client_assertion') ?? refuse('invalid_request', 'client_assertion missing')
}
