/** A token that is brought to be exchanged, ours or of an outside issuer: alive, and all that the exchange goes by. */

import {
  type Confirmation,
  derivedFromClaim,
  mediaTypeOf,
  readConfirmation,
  readDerivedFrom,
  readJws,
  refuse,
  type SourceFacts,
  type TokenFacts,
} from '@sallyport/protocol'
import type { Client } from '../../apps/client.ts'
import type { Organization } from '../../tenants/organization.ts'
import type { TrustedIssuer } from '../../tenants/trusted-issuers.ts'
import { findOwnToken } from '../../tokens/find.ts'
import type { OwnToken } from '../../tokens/own-token.ts'
import { deadBecause } from '../../tokens/standing.ts'
import type { AuthenticatedClient } from '../client-auth/proven-client.ts'
import type { OAuthDeps } from '../deps.ts'
import type { OAuthRequest } from '../request.ts'
import { type OutsideWords, ownNames, readActors } from './actors.ts'
import type { PresentedToken } from './exchange-form.ts'
import type { Actor } from './grant.ts'
import { type OutsideToken, readOutsideToken, trustBehind } from './outside-token.ts'

export interface BroughtToken {
  readonly subject: string
  /** With whom it hangs together, the nearest first. */
  readonly facts: readonly SourceFacts[]
  /** The apps that it has passed through; none for a token of an outside issuer. */
  readonly clients: readonly Client[]
  /** Infinity for a token without end. */
  readonly expiresAt: number
  readonly boundTo: readonly Confirmation[]
  readonly act: Actor | null
  /** RFC 8693 §4.4. */
  readonly mayAct: unknown
  readonly own: { readonly token: OwnToken; readonly organization: Organization } | null
  readonly outside: OutsideToken | null
  /** In the outside issuers whose words it hangs on: what each of these leaves open. */
  readonly trust: readonly TrustedIssuer[]
}

/** RFC 8693 §2.2.2: whatever is wrong with it is one answer; the reason goes to the log. */
export const refuseToken = (role: string, reason: string): never =>
  refuse(
    'invalid_request',
    `${role} token: ${reason}`,
    `The ${role} token is not valid here, or this client may not exchange it.`,
  )

export async function readBroughtToken(
  role: 'subject' | 'actor',
  { text, type }: PresentedToken,
  request: OAuthRequest,
  caller: AuthenticatedClient,
  deps: OAuthDeps,
): Promise<BroughtToken> {
  if (type === 'jwt' && !text.includes('.')) return refuseToken(role, 'no JWT')
  const own = await findOwnToken(request.tenant, text, deps)
  if (own !== null) return readOwn(role, own, request, deps)
  return role === 'subject'
    ? readOutside(text, request, caller, deps)
    : refuseToken(role, 'not of this tenant')
}

async function readOwn(
  role: string,
  token: OwnToken,
  { tenant, now }: OAuthRequest,
  deps: OAuthDeps,
): Promise<BroughtToken> {
  const dead = await deadBecause(token, tenant, now, deps)
  if (dead !== null) return refuseToken(role, dead)
  const { madeFrom: _, ...facts } = token.facts
  const madeFrom = readDerivedFrom(token.claims[derivedFromClaim]) ?? []
  const clients = await clientsOf([facts, ...madeFrom], tenant.id, deps)
  const [client] = clients
  const organizationId = facts.organizationId ?? client?.organizationId ?? ''
  const organization = await deps.directory.organization(tenant.id, organizationId)
  if (client === undefined || organization === null) return refuseToken(role, 'of nobody')
  const ofToken = { ...facts, organizationId, apiId: token.apiId ?? undefined, scope: token.scopes.join(' ') }
  const all = [ofToken, ...madeFrom]
  const trust = trustBehind(all, clients, tenant)
  if (trust === 'none') return refuseToken(role, 'made from the words of an issuer that is trusted no more')
  return {
    subject: facts.userId ?? client.clientId,
    facts: all,
    clients,
    expiresAt: token.expiresAt ?? Number.POSITIVE_INFINITY,
    boundTo: boundTo(role, token.claims.cnf),
    act: actorsOf(role, token.claims.act, null),
    mayAct: token.claims.may_act,
    own: { token, organization },
    outside: null,
    trust,
  }
}

async function clientsOf(
  facts: readonly TokenFacts[],
  tenantId: string,
  { directory }: OAuthDeps,
): Promise<readonly Client[]> {
  const ids = new Set(facts.flatMap(({ clientId }) => clientId ?? []))
  const clients = await Promise.all([...ids].map((id) => directory.client(tenantId, id)))
  return clients.filter((client) => client !== null)
}

// RFC 9068 §2.1, and JWTs of before it: neither an ID-JAG nor what else an issuer signs.
const accessTokenTypes: readonly (string | null)[] = ['at+jwt', 'jwt', null]

async function readOutside(
  text: string,
  request: OAuthRequest,
  caller: AuthenticatedClient,
  deps: OAuthDeps,
): Promise<BroughtToken> {
  const jws = readJws(text)
  if (jws === null || !accessTokenTypes.includes(mediaTypeOf(jws)))
    return refuseToken('subject', 'no access token')
  const outside = await readOutsideToken(jws, 'subject_token', request, caller, deps)
  if (typeof outside === 'string') return refuseToken('subject', outside)
  const { claims, subject, facts, expiresAt, trusted } = outside
  const ours = ownNames(request.tenant, deps)
  return {
    subject,
    facts: [facts],
    clients: [],
    expiresAt,
    boundTo: boundTo('subject', claims.cnf),
    act: actorsOf('subject', claims.act, { issuer: trusted.rule.issuer, ours }),
    mayAct: claims.may_act,
    own: null,
    outside,
    trust: [trusted],
  }
}

function boundTo(role: string, cnf: unknown): readonly Confirmation[] {
  if (cnf === undefined) return []
  return [readConfirmation(cnf) ?? refuseToken(role, 'bound to what cannot be proven here')]
}

function actorsOf(role: string, claim: unknown, words: OutsideWords | null): Actor | null {
  const read = readActors(claim, words)
  return read === 'unreadable' ? refuseToken(role, 'with an act that cannot be read') : read
}
