/**
 * The comparison of a claimed secret with what the store holds, built so that time and count tell a stranger nothing:
 * a failing request reads each name it claims exactly once and computes the same HMACs, whether or not the client
 * exists, stands in memory, or keeps its secret in another form. One thing does tell: a hash that was made to be slow
 * takes its time, until its first use replaces it.
 */

import { OAuthError, refuse } from '@sallyport/protocol'
import type { AuthenticationMethod } from '../../apps/authentication-methods.ts'
import { type Client, type Credential, contentOf, isUsable } from '../../apps/client.ts'
import type { PlainAlgorithm } from '../../keys/imported/hash.ts'
import { digest } from '../../keys/imported/sha.ts'
import { type SecretHasher, sameVerifier } from '../../keys/secret-hasher.ts'
import type { Attempt, CountedAttempt } from '../../limits/wrong-attempts.ts'
import type { OAuthDeps } from '../deps.ts'
import type { OAuthRequest } from '../request.ts'
import { attemptBy, isGuessable, refuseThrottled, refuseUnproven } from './attempts.ts'
import {
  foreignHashOf,
  isForeign,
  isRemembered,
  rememberProven,
  type SlowSecret,
  slowSecretsOf,
} from './foreign-secrets.ts'
import type { ProvenClient } from './proven-client.ts'

/** One reading of the credentials in a request. Basic has two: with RFC 6749 §2.3.1's encoding undone, and raw. */
export interface SecretClaim {
  readonly clientId: string
  readonly clientSecret: string
}

type Found = Client | null

/** A claim with its HMAC under the current pepper, computed before it is known whether the client exists. */
interface HashedClaim extends SecretClaim {
  /** By the pepper's version. */
  readonly macs: Map<number, Buffer | null>
  /** Of the secret alone, as some imported ones are kept. */
  digests: Map<PlainAlgorithm, Buffer> | null
}

export function proveSecret(
  request: OAuthRequest,
  method: AuthenticationMethod,
  claims: readonly SecretClaim[],
  deps: OAuthDeps,
): ProvenClient | Promise<ProvenClient> {
  const { directory, hasher } = deps
  const tenantId = request.tenant.id
  const attempt = attemptBy(request, claims[0]?.clientId ?? '')
  const isGuess = claims.some(({ clientSecret }) => isGuessable(clientSecret))
  if (isGuess) refuseExceeded(attempt, deps)

  const hashed = claims.map((claim) => hashClaim(tenantId, claim, hasher))
  const names = namesOf(claims)
  const cachedNames = names.filter((name) => directory.isCached(tenantId, name))
  const proof: Proof = { request, method, attempt, isGuess, claims: hashed, names, cachedNames }
  const finding = names.map((name) => directory.client(tenantId, name))
  return finding.some((client) => client instanceof Promise)
    ? Promise.all(finding).then((clients) => compare(proof, clients, deps))
    : compare(proof, finding as Found[], deps)
}

/** What one request wants proven, and how far that has come. */
interface Proof {
  readonly request: OAuthRequest
  readonly method: AuthenticationMethod
  readonly attempt: Attempt
  readonly isGuess: boolean
  readonly claims: readonly HashedClaim[]
  readonly names: readonly string[]
  /** The names whose clients came from memory. */
  readonly cachedNames: readonly string[]
}

function compare(
  proof: Proof,
  clients: readonly Found[],
  deps: OAuthDeps,
): ProvenClient | Promise<ProvenClient> {
  const { request, attempt, isGuess } = proof
  const known = clients.find((client) => client !== null)
  // Never what was merely sent: people put the secret in the id's place, and the log would keep it.
  if (known) request.notes.clientId = known.clientId
  // Asked again: of guesses that arrive together, all have passed the first time.
  if (isGuess) refuseExceeded(attempt, deps)
  const proven = findProven(proof, clients, deps.hasher)
  if (proven) return settle(proof, proven, deps)
  const slow = slowSecretsOf(known)
  if (known && slow.length > 0) return proveSlowly(proof, known, slow, deps)
  // In the same breath as the comparison, so that no number of guesses at once gets past the count.
  return askStore(proof, clients, countWrong(proof, deps), deps)
}

/** On its first use a secret that others have hashed becomes one that we have, and an older one can be found by itself. */
function settle({ request, claims }: Proof, proven: ProvenClient, deps: OAuthDeps): ProvenClient {
  const { client, credential } = proven
  if (credential === null || credential.isIndexed || isSettled(credential, claims)) return proven
  const tenantId = request.tenant.id
  const claim = claims.find((one) => matches(tenantId, one, credential, deps.hasher))
  if (claim?.clientId === client.clientId && coversWhole(credential, claim.clientSecret))
    deps.upgradeSecret(tenantId, client.clientId, credential, claim.clientSecret)
  return proven
}

const isSettled = (credential: Credential, claims: readonly SecretClaim[]): boolean =>
  !isForeign(credential) && claims.every(({ clientSecret }) => isGuessable(clientSecret))

const coversWhole = (credential: Credential, secret: string): boolean =>
  !isForeign(credential) || foreignHashOf(credential).coversWhole(secret)

const uncounted: CountedAttempt = { waitSeconds: 0, forgive: () => {} }

/**
 * Each attempt counts before it is evaluated, whatever its secret looks like: nobody has us compute at will. Those who
 * bring the same secret at the same time wait for one computation, and are one attempt.
 */
async function proveSlowly(
  proof: Proof,
  client: Client,
  slow: readonly SlowSecret[],
  deps: OAuthDeps,
): Promise<ProvenClient> {
  const counted = deps.slowHashes.isUnderWay(questionOf(proof, client, deps.hasher))
    ? uncounted
    : countWrong(proof, deps)
  if (counted.waitSeconds > 0) refuseThrottled(counted.waitSeconds)
  const proven = await findSlowly(proof, client, slow, counted, deps)
  const clients = proof.names.map((name) => (name === client.clientId ? client : null))
  return proven ?? askStore(proof, clients, counted, deps, slow)
}

/** Of what is asked, so that whoever asks the same waits for the same; nothing of the secret can be read from it. */
const questionOf = ({ request, claims }: Proof, client: Client, hasher: SecretHasher): string =>
  [
    request.tenant.id,
    contentOf(client),
    ...claims.map((claim) => macOf(request.tenant.id, claim, hasher.currentVersion, hasher)?.toString('hex')),
  ].join(' ')

async function findSlowly(
  proof: Proof,
  client: Client,
  slow: readonly SlowSecret[],
  counted: CountedAttempt,
  deps: OAuthDeps,
): Promise<ProvenClient | null> {
  const { request, method } = proof
  const claims = proof.claims.filter(({ clientId }) => clientId === client.clientId)
  const secrets = [...new Set(claims.map(({ clientSecret }) => clientSecret))]
  const question = questionOf(proof, client, deps.hasher)
  const { clientId } = client
  const found = await deps.slowHashes.find(question, slow, secrets, { tenantId: request.tenant.id, clientId })
  if (found === null) return null
  // Still counted: or whoever sends enough guesses at once would have them for nothing.
  if (found === 'busy') return refuseBusy()
  counted.forgive()
  const { credential } = found.of
  const claim = claims.find(({ clientSecret }) => clientSecret === found.secret)
  if (claim)
    rememberProven(credential, macOf(request.tenant.id, claim, deps.hasher.currentVersion, deps.hasher))
  return settle(proof, { client, credential, method }, deps)
}

function refuseBusy(): never {
  throw new OAuthError('temporarily_unavailable', 'too many slow hashes at once', { retryAfterSeconds: 1 })
}

/** What is cached may be a moment old: before a refusal the store has the last word, and every refusal reads it. */
async function askStore(
  proof: Proof,
  clients: readonly Found[],
  counted: CountedAttempt,
  deps: OAuthDeps,
  tried: readonly SlowSecret[] = [],
): Promise<ProvenClient> {
  const { directory, hasher } = deps
  const { request, claims, names, cachedNames } = proof
  const tenantId = request.tenant.id
  for (const claim of claims) computeRest(tenantId, claim, hasher)
  const fresh = await Promise.all(
    names.map((name, index) =>
      cachedNames.includes(name) ? directory.freshClient(tenantId, name) : (clients[index] ?? null),
    ),
  )
  const proven =
    cachedNames.length > 0
      ? (findProven(proof, fresh, hasher) ?? (await findNewSlowly(proof, fresh, tried, counted, deps)))
      : null
  if (!proven) return refuseUnproven(counted.waitSeconds, whyNobody(fresh))
  counted.forgive()
  return settle(proof, proven, deps)
}

/** For the log: three mistakes of three people. */
function whyNobody(found: readonly Found[]): string {
  const client = found.find((one) => one !== null)
  if (!client) return 'client unknown'
  return client.secrets.length === 0 ? 'client has no secret' : 'secret wrong'
}

/** A slow hash that was stored a moment ago, and so has not been tried. */
async function findNewSlowly(
  proof: Proof,
  clients: readonly Found[],
  tried: readonly SlowSecret[],
  counted: CountedAttempt,
  deps: OAuthDeps,
): Promise<ProvenClient | null> {
  const client = clients.find((one) => one !== null)
  const untried = slowSecretsOf(client).filter(
    ({ credential }) => !tried.some((one) => sameVerifier(one.credential.verifier, credential.verifier)),
  )
  if (!client || untried.length === 0 || counted.waitSeconds > 0) return null
  return findSlowly(proof, client, untried, counted, deps)
}

/** Nearly always one; two where the readings of a Basic header differ in the id. */
function namesOf(claims: readonly SecretClaim[]): readonly string[] {
  const names = claims.map(({ clientId }) => clientId)
  return names.length === 1 ? names : [...new Set(names)]
}

function hashClaim(tenantId: string, claim: SecretClaim, hasher: SecretHasher): HashedClaim {
  const hashed: HashedClaim = { ...claim, macs: new Map(), digests: null }
  macOf(tenantId, hashed, hasher.currentVersion, hasher)
  return hashed
}

function macOf(tenantId: string, claim: HashedClaim, version: number, hasher: SecretHasher): Buffer | null {
  const { clientId, clientSecret, macs } = claim
  const known = macs.get(version)
  if (known !== undefined) return known
  const mac = hasher.compute(version, tenantId, clientId, clientSecret)
  macs.set(version, mac)
  return mac
}

/** Everything that some credential might have asked for, so that a refusal has cost the same for all of them. */
function computeRest(tenantId: string, claim: HashedClaim, hasher: SecretHasher): void {
  for (const version of hasher.versions) macOf(tenantId, claim, version, hasher)
  for (const algorithm of ['sha256', 'sha512'] as const) digestOf(claim, algorithm)
}

function digestOf(claim: HashedClaim, algorithm: PlainAlgorithm): Buffer {
  claim.digests ??= new Map()
  const known = claim.digests.get(algorithm)
  if (known !== undefined) return known
  const made = digest(algorithm, claim.clientSecret)
  claim.digests.set(algorithm, made)
  return made
}

/** A client that does not exist is compared as well, with a secret that nobody has. */
const decoy: Credential = {
  id: '',
  format: 'hmac-sha256',
  verifier: Buffer.alloc(32),
  pepperVersion: null,
  sealedSecret: null,
  expiresAt: null,
  disabledAt: null,
  exposedAt: null,
  isIndexed: true,
}

function findProven(
  { request, method, claims }: Proof,
  found: readonly Found[],
  hasher: SecretHasher,
): ProvenClient | null {
  const [client, second] = found.filter((candidate) => candidate !== null)
  // Two readings of one header must never reach two clients: neither of them is who the sender surely meant.
  if (second) refuse('invalid_client', 'the two readings of the Basic header name two clients')
  const clientId = client?.clientId ?? claims[0]?.clientId
  const matching = (client?.secrets ?? [decoy]).filter((credential) =>
    claims.some(
      (claim) => claim.clientId === clientId && matches(request.tenant.id, claim, credential, hasher),
    ),
  )
  if (!client) return null
  // One secret may stand under two credentials; it is good while one of them is.
  const credential = matching.find((candidate) => isUsable(candidate, request.now)) ?? matching[0]
  return credential ? { client, credential, method } : null
}

function matches(
  tenantId: string,
  claim: HashedClaim,
  credential: Credential,
  hasher: SecretHasher,
): boolean {
  if (isForeign(credential)) return matchesForeign(tenantId, claim, credential, hasher)
  const expected = macOf(tenantId, claim, credential.pepperVersion ?? hasher.currentVersion, hasher)
  return expected !== null && sameVerifier(expected, credential.verifier)
}

/** A slow hash matches here only what it has matched before. */
function matchesForeign(
  tenantId: string,
  claim: HashedClaim,
  credential: Credential,
  hasher: SecretHasher,
): boolean {
  const hash = foreignHashOf(credential)
  return hash.isSlow
    ? isRemembered(credential, macOf(tenantId, claim, hasher.currentVersion, hasher))
    : hash.matches(claim.clientSecret, (algorithm) => digestOf(claim, algorithm))
}

// So much of a HMAC that no two secrets meet in it, and not so much that it could stand for one.
const digestBytes = 8

function countWrong(
  { request, method, attempt, claims }: Proof,
  { attempts, hasher }: OAuthDeps,
): CountedAttempt {
  const digests = claims.map((claim) => {
    const mac = macOf(request.tenant.id, claim, hasher.currentVersion, hasher)
    return mac?.toString('latin1', 0, digestBytes) ?? ''
  })
  return attempts.count(attempt, { presentation: request.notes.method ?? method, digests })
}

function refuseExceeded(attempt: Attempt, { attempts }: OAuthDeps): void {
  const waitSeconds = attempts.waitSeconds(attempt)
  if (waitSeconds === 0) return
  attempts.count(attempt)
  refuseThrottled(waitSeconds)
}
