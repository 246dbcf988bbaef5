/** RFC 7521 §4.2, RFC 7523 §2.2: a signed statement of who the client is; three methods share this place. */

import { isAssertionType, type Jws, readJws, refuse } from '@sallyport/protocol'
import type { Client } from '../../apps/client.ts'
import { createSignatureTrials } from '../../keys/signature-trials.ts'
import type { OAuthRequest } from '../request.ts'
import type { AssertionMethod } from './assertion.ts'
import { refuseCostly } from './attempts.ts'
import { clientSecretJwt } from './client-secret-jwt.ts'
import { federation } from './federation.ts'
import type { Presentation } from './presentation.ts'
import { privateKeyJwt } from './private-key-jwt.ts'
import { proveClaimed } from './prove-claimed.ts'

const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
/** draft-ietf-oauth-spiffe-client-auth: a JWT-SVID, which names no client. */
const jwtSpiffe = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe'

export const clientAssertion: Presentation = {
  name: 'client_assertion',
  isPresentedIn: ({ form }) =>
    form.get('client_assertion') !== undefined || form.get('client_assertion_type') !== undefined,
  words: () => null,
  prove(request, deps) {
    const type = assertionType(request)
    const assertion =
      request.form.get('client_assertion') ??
      refuse('invalid_request', 'client_assertion missing', 'client_assertion is missing.')
    const jws = readJws(assertion)
    if (jws === null) return refuse('invalid_client', 'assertion malformed')
    const clientId = claimedClient(request, jws, type)
    const method = methodFor(clientId, jws, type)
    if (method !== federation && !isAssertionType(jws)) refuse('invalid_client', 'assertion of another type')
    if (method !== clientSecretJwt) refuseCostly(request, clientId, deps)
    const check = (client: Client | null) =>
      method(client, { request, jws, clientId, trials: createSignatureTrials(jws) }, deps)
    return proveClaimed(request, clientId, check, deps)
  },
}

function assertionType({ form }: OAuthRequest): string {
  const type = form.get('client_assertion_type')
  if (type === jwtBearer || type === jwtSpiffe) return type
  return refuse(
    'invalid_request',
    'client_assertion_type missing or unknown',
    `client_assertion_type must be ${jwtBearer}, or ${jwtSpiffe} for a JWT-SVID.`,
  )
}

/** RFC 7521 §4.2: the parameter is not needed where the assertion names the client itself. */
function claimedClient({ form }: OAuthRequest, { payload: { iss, sub } }: Jws, type: string): string {
  const named = form.get('client_id')
  if (named !== undefined) return named
  if (type === jwtBearer && typeof sub === 'string' && sub !== '' && iss === sub) return sub
  return refuse('invalid_client', 'assertion of another issuer without client_id')
}

/** Whoever is not the client is an outside issuer, also where its name for the client is ours: the client's rules decide. */
function methodFor(
  clientId: string,
  { algorithm, payload: { iss, sub } }: Jws,
  type: string,
): AssertionMethod {
  if (type === jwtSpiffe || (iss !== clientId && (sub !== clientId || isUrl(iss)))) return federation
  return algorithm.startsWith('HS') ? clientSecretJwt : privateKeyJwt
}

/** No client id holds a colon. */
const isUrl = (issuer: unknown): boolean => typeof issuer === 'string' && issuer.includes(':')
