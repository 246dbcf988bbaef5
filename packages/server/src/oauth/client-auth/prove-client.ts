/**
 * The comparison of a claim with what the store holds, built so that time and count tell a stranger nothing:
 * a failing request reads the store exactly once and computes one HMAC a reading, whether or not the client exists.
 */

import { refuse } from '@sallyport/protocol'
import type { Client, Credential } from '../../apps/client.ts'
import { sameVerifier, sha256 } from '../../keys/secret-hasher.ts'
import type { TokenDeps } from '../deps.ts'
import type { TokenRequest } from '../token-request.ts'
import type { AuthenticatedClient, ClientClaim } from './method.ts'

/** A claim with its HMAC under the current pepper, computed before it is known whether the client exists. */
interface HashedClaim extends ClientClaim {
  readonly mac: Buffer | null
}

export async function proveClient(
  request: TokenRequest,
  claims: readonly ClientClaim[],
  deps: TokenDeps,
): Promise<AuthenticatedClient> {
  const { tenant } = request
  if (claims.some(isGuessable)) refuseExceeded(request, claims, deps)
  const hashed = claims.map((claim) => hashClaim(tenant.id, claim, deps))
  const wasCached = hashed.some(({ clientId }) => deps.directory.isCached(tenant.id, clientId))
  const known = await findProven(request, hashed, deps, false)
  if (known) return known
  // What is cached may be a moment old: before a refusal the store has the last word, and every refusal reads it.
  const fresh = wasCached ? await findProven(request, hashed, deps, true) : null
  return fresh ?? refuseUnproven(request, claims, deps)
}

function hashClaim(tenantId: string, claim: ClientClaim, { hasher }: TokenDeps): HashedClaim {
  const { clientId, clientSecret } = claim
  return {
    ...claim,
    mac:
      clientSecret === null ? null : hasher.compute(hasher.currentVersion, tenantId, clientId, clientSecret),
  }
}

async function findProven(
  request: TokenRequest,
  claims: readonly HashedClaim[],
  deps: TokenDeps,
  isFresh: boolean,
): Promise<AuthenticatedClient | null> {
  const clients = await loadClients(request, claims, deps, isFresh)
  // Two readings of one header must never reach two clients: neither of them is who the sender surely meant.
  if (clients.length > 1) refuse('invalid_client', 'the two readings of the Basic header name two clients')
  const [client] = clients
  if (!client) return null
  if (claims.every(({ clientSecret }) => clientSecret === null)) return provenPublic(client)
  for (const claim of claims) {
    if (claim.clientId !== client.clientId) continue
    const credential = client.credentials.find((candidate) =>
      matches(request.tenant.id, claim, candidate, deps),
    )
    if (credential) return { client, credential }
  }
  return null
}

const provenPublic = (client: Client): AuthenticatedClient | null =>
  client.settings.authenticationMethods.has('none') ? { client, credential: null } : null

async function loadClients(
  request: TokenRequest,
  claims: readonly HashedClaim[],
  { directory }: TokenDeps,
  isFresh: boolean,
): Promise<Client[]> {
  const ids = claims.length === 1 ? [claims[0] as HashedClaim] : distinctById(claims)
  const clients: Client[] = []
  for (const { clientId } of ids) {
    const found = isFresh
      ? directory.freshClient(request.tenant.id, clientId)
      : directory.client(request.tenant.id, clientId)
    const client = found instanceof Promise ? await found : found
    if (client) clients.push(client)
  }
  return clients
}

const distinctById = (claims: readonly HashedClaim[]): HashedClaim[] => [
  ...new Map(claims.map((claim) => [claim.clientId, claim])).values(),
]

function matches(
  tenantId: string,
  claim: HashedClaim,
  credential: Credential,
  { hasher }: TokenDeps,
): boolean {
  if (claim.mac === null || claim.clientSecret === null) return false
  if (credential.format === 'sha256') return sameVerifier(sha256(claim.clientSecret), credential.verifier)
  const version = credential.pepperVersion ?? 0
  const isCurrent = version === hasher.currentVersion
  const mac = isCurrent ? claim.mac : hasher.compute(version, tenantId, claim.clientId, claim.clientSecret)
  return mac !== null && sameVerifier(mac, credential.verifier)
}

// `sp_test_` or `sp_live_`, 43 characters, a checksum of 6: 256 random bits, which nobody finds by trying.
const generatedSecretLength = 57

/** An imported secret may be short: guesses at it are counted before they are evaluated. */
const isGuessable = ({ clientSecret }: ClientClaim): boolean =>
  clientSecret !== null && !(clientSecret.length === generatedSecretLength && clientSecret.startsWith('sp_'))

function refuseExceeded(
  request: TokenRequest,
  claims: readonly ClientClaim[],
  { attempts }: TokenDeps,
): void {
  const clientId = claims[0]?.clientId ?? ''
  const { tenant, http, now } = request
  if (attempts.isExceeded(tenant.id, clientId, http.clientAddress, now)) {
    attempts.refuseIfExceeded(tenant.id, clientId, http.clientAddress, now)
  }
}

function refuseUnproven(
  request: TokenRequest,
  claims: readonly ClientClaim[],
  { attempts }: TokenDeps,
): never {
  const [claim] = claims
  attempts.refuseIfExceeded(request.tenant.id, claim?.clientId ?? '', request.http.clientAddress, request.now)
  return refuse('invalid_client', 'client unknown, or secret wrong')
}
