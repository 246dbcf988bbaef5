/** The table of client authentication methods, and the one loop that runs them (RFC 6749 §2.3). */

import { refuse } from '@sallyport/protocol'
import { isUsable } from '../../apps/client.ts'
import type { Organization } from '../../tenants/organization.ts'
import type { TokenDeps } from '../deps.ts'
import type { TokenRequest } from '../token-request.ts'
import { clientSecretBasic } from './client-secret-basic.ts'
import { clientSecretPost } from './client-secret-post.ts'
import { clientSecretQuery } from './client-secret-query.ts'
import type { AuthenticatedClient, ClientAuthMethod, ProvenClient } from './method.ts'
import { none } from './none.ts'
import { proveClient } from './prove-client.ts'

const methods: readonly ClientAuthMethod[] = [clientSecretBasic, clientSecretPost, clientSecretQuery]

/** RFC 8414 §2: what metadata lists. */
export const clientAuthMethodNames: readonly string[] = ['client_secret_basic', 'client_secret_post']

/** RFC 6749 §2.3: a client must not use more than one authentication method in a request. */
export function presentedMethod(request: TokenRequest): ClientAuthMethod {
  const [method = none, second] = methods.filter((candidate) => candidate.isPresentedIn(request))
  if (second) {
    refuse(
      'invalid_request',
      `both ${method.name} and ${second.name}`,
      'Use one client authentication method only.',
    )
  }
  return method
}

/** Who is asking. Every cause of failure is the same answer: only the log knows more. */
export function authenticateClient(
  request: TokenRequest,
  deps: TokenDeps,
): AuthenticatedClient | Promise<AuthenticatedClient> {
  const method = presentedMethod(request)
  const claims = method.claims(request)
  request.notes.method = method.name
  if (claims.length === 0)
    refuse('invalid_client', method === none ? 'no credentials' : `malformed ${method.name}`)
  const proving = proveClient(request, claims, deps)
  return proving instanceof Promise
    ? proving.then((proven) => withOrganization(request, method, proven, deps))
    : withOrganization(request, method, proving, deps)
}

function withOrganization(
  request: TokenRequest,
  method: ClientAuthMethod,
  proven: ProvenClient,
  { directory }: TokenDeps,
): AuthenticatedClient | Promise<AuthenticatedClient> {
  const finding = directory.organization(request.tenant.id, proven.client.organizationId)
  return finding instanceof Promise
    ? finding.then((organization) => checkStanding(request, method, proven, organization))
    : checkStanding(request, method, proven, finding)
}

/** Checked after the proof, with the answer of a failed one: a stranger must not learn what was switched off. */
function checkStanding(
  { tenant, notes, now }: TokenRequest,
  method: ClientAuthMethod,
  { client, credential }: ProvenClient,
  organization: Organization | null,
): AuthenticatedClient {
  if (credential) notes.credentialId = credential.id
  if (tenant.isDisabled) refuse('invalid_client', 'tenant is disabled')
  if (client.isDisabled) refuse('invalid_client', 'app is disabled')
  if (credential && !isUsable(credential, now)) refuse('invalid_client', 'credential is expired or disabled')
  if (!organization || organization.isDisabled) refuse('invalid_client', 'organization is disabled')
  if (!client.settings.authenticationMethods.has(method.registeredAs)) {
    refuse('invalid_client', `client is not registered for ${method.registeredAs}`)
  }
  return { client, credential, organization }
}
