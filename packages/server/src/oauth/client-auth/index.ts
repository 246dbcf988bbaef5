/** Where credentials can stand in a request, and the one loop that has them proven (RFC 6749 §2.3). */

import { refuse, type Soon, whenKnown } from '@sallyport/protocol'
import {
  type AuthenticationMethod,
  authenticationMethodNames,
  authenticationMethods,
} from '../../apps/authentication-methods.ts'
import { isUsable } from '../../apps/client.ts'
import type { Organization } from '../../tenants/organization.ts'
import type { Tenant } from '../../tenants/tenant.ts'
import type { OAuthDeps } from '../deps.ts'
import type { OAuthRequest } from '../request.ts'
import { clientAssertion } from './client-assertion.ts'
import { clientIdOnly } from './client-id-only.ts'
import { clientSecretBasic } from './client-secret-basic.ts'
import { clientSecretPost } from './client-secret-post.ts'
import { clientSecretQuery } from './client-secret-query.ts'
import type { Presentation } from './presentation.ts'
import type { AuthenticatedClient, ProvenClient } from './proven-client.ts'
import type { PresentedWords } from './proven-recently.ts'

const presentations: readonly Presentation[] = [
  clientSecretBasic,
  clientSecretPost,
  clientSecretQuery,
  clientAssertion,
]

/** RFC 8414 §2: what metadata lists. Certificates count only where a connection can bring one. */
export const clientAuthMethodNames = (
  { security }: Tenant,
  takesCertificates: boolean,
): readonly AuthenticationMethod[] =>
  authenticationMethodNames.filter((name) => {
    const { isStandard, needs } = authenticationMethods[name]
    const isOpen = needs !== 'certificate' || takesCertificates
    return isStandard && isOpen && security.authenticationMethods.has(name)
  })

/** RFC 6749 §2.3: a client must not use more than one authentication method in a request. */
function presentationOf(request: OAuthRequest): Presentation {
  const [first = clientIdOnly, second] = presentations.filter((one) => one.isPresentedIn(request))
  if (second) {
    refuse(
      'invalid_request',
      `both ${first.name} and ${second.name}`,
      'Use one client authentication method only.',
    )
  }
  return first
}

/** Who is asking. Every cause of failure is the same answer: only the log knows more. */
export function authenticateClient(request: OAuthRequest, deps: OAuthDeps): Soon<AuthenticatedClient> {
  const presentation = presentationOf(request)
  request.notes.method = presentation.name
  const words = wordsOf(presentation, request)
  const known = words === null ? undefined : deps.provenRecently.find(words, request.now)
  if (known !== undefined) return greet(request, known)
  const proving = presentation.prove(request, deps)
  const authenticating = whenKnown(proving, (proven) => withOrganization(request, proven, deps))
  // What had to wait for the store may have changed in the meantime: the next one will be kept.
  if (words !== null && !(authenticating instanceof Promise)) deps.provenRecently.keep(words, authenticating)
  return authenticating
}

function wordsOf(presentation: Presentation, request: OAuthRequest): PresentedWords | null {
  const text = presentation.words(request)
  return text === null ? null : { tenantId: request.tenant.id, place: presentation.name, text }
}

function greet(request: OAuthRequest, known: AuthenticatedClient): AuthenticatedClient {
  request.notes.clientId = known.client.clientId
  return checkStanding(request, known, known.organization)
}

const withOrganization = (
  request: OAuthRequest,
  proven: ProvenClient,
  { directory }: OAuthDeps,
): Soon<AuthenticatedClient> =>
  whenKnown(directory.organization(request.tenant.id, proven.client.organizationId), (organization) =>
    checkStanding(request, proven, organization),
  )

/** Checked after the proof, with the answer of a failed one: a stranger must not learn what was switched off. */
function checkStanding(
  { tenant, notes, now }: OAuthRequest,
  { client, credential, method }: ProvenClient,
  organization: Organization | null,
): AuthenticatedClient {
  if (credential) notes.credentialId = credential.id
  if (tenant.isDisabled) refuse('invalid_client', 'tenant is disabled')
  if (client.isDisabled) refuse('invalid_client', 'app is disabled')
  if (credential && !isUsable(credential, now)) refuse('invalid_client', 'credential is expired or disabled')
  if (!organization || organization.isDisabled) refuse('invalid_client', 'organization is disabled')
  if (!client.settings.authenticationMethods.has(method)) {
    refuse('invalid_client', `client is not registered for ${method}`)
  }
  if (!tenant.security.authenticationMethods.has(method)) {
    refuse('invalid_client', `tenant does not allow ${method}`)
  }
  return { client, credential, method, organization }
}
