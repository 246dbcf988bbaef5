/** What the endpoints beside the token endpoint share: a form from a client that shows who it is, in no dialect. */

import { refuse, type Soon, whenKnown } from '@sallyport/protocol'
import { standardDialect } from '../tenants/dialect.ts'
import { authenticateClient } from './client-auth/index.ts'
import type { AuthenticatedClient } from './client-auth/proven-client.ts'
import type { OAuthDeps } from './deps.ts'
import { refuseCredentialsInUrl } from './exposure.ts'
import { isOutage } from './outage.ts'
import { readForm } from './read-form.ts'
import { readQuery } from './read-query.ts'
import { noParameters, type OAuthCall, type OAuthRequest } from './request.ts'

export interface ClientRequest extends OAuthRequest {
  readonly caller: AuthenticatedClient
}

export function readClientRequest(
  call: OAuthCall,
  deps: OAuthDeps,
  { mayBeEmpty = false }: { readonly mayBeEmpty?: boolean } = {},
): Soon<ClientRequest> {
  return whenKnown(readUrl(call, deps), (unread) => {
    const isEmpty = mayBeEmpty && call.http.body.length === 0 && call.http.contentType === undefined
    const form = isEmpty ? noParameters : readForm(call.http, standardDialect, call.notes.features)
    const request = { ...unread, form }
    return whenKnown(authenticateClient(request, deps), (caller) => ({ ...request, caller }))
  })
}

function readUrl(call: OAuthCall, deps: OAuthDeps): Soon<OAuthRequest> {
  const now = deps.effects.clock()
  const unread = { ...call, dialect: standardDialect, queryParameters: noParameters, form: noParameters, now }
  return call.http.query === '' ? unread : readQueryOf(unread, call, deps)
}

async function readQueryOf(unread: OAuthRequest, call: OAuthCall, deps: OAuthDeps): Promise<OAuthRequest> {
  const request = { ...unread, queryParameters: await readQuery(call, deps) }
  await refuseCredentialsInUrl(request, deps)
  return request
}

/** RFC 7662 §2.1: whoever asks about tokens has proven who it is; a bare client id proves nothing. */
export function refusePublicCaller({ caller }: ClientRequest): void {
  if (caller.credential === null) refuse('invalid_client', 'public client asks about tokens')
}

/** RFC 7662 §2.1, RFC 7009 §2.1. The hint beside it is not needed: every form is told by its looks. */
export const tokenOf = ({ form }: ClientRequest): string =>
  form.get('token') ?? refuse('invalid_request', 'token missing', 'token is missing.')

/** What cannot be known must not be answered: a revocation may be waiting in the database (trust 114). */
export function refuseWithoutDatabase(request: OAuthRequest, deps: OAuthDeps): void {
  if (isOutage(request, deps))
    refuse('temporarily_unavailable', 'the database is gone, and with it the news of revocations')
}
