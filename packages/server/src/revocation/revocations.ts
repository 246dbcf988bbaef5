/**
 * Which tokens are dead before their time, as this process knows it: of each tenant that is asked about, the rows of
 * `revocations` in memory, kept true by the change feed. What a token is matched by are facts, never its text.
 */

import type { ChangeFeed } from '../store/changes.ts'
import { createReadThrough } from '../store/read-through.ts'
import {
  credentialSubject,
  type Revocation,
  type RevocationKind,
  readRevocation,
} from '../store/revocations.ts'

/** What is known of a token. A fact that is missing matches nothing. */
export interface TokenFacts {
  /** Epoch seconds; a token without `iat` is as old as can be. */
  readonly issuedAt: number | undefined
  readonly keyId?: string | undefined
  /** Its `jti`, or the digest of what was signed. */
  readonly tokenId?: string | undefined
  readonly clientId?: string | undefined
  readonly credentialId?: string | undefined
  readonly organizationId?: string | undefined
  readonly userId?: string | undefined
  /** Of what it was got with, and of whoever else it hangs on: it dies with each of them. */
  readonly madeFrom?: readonly TokenFacts[] | undefined
}

export interface TenantRevocations {
  /** The latest of all cut-offs, in epoch seconds: whatever is issued after it is hit by none. */
  readonly latest: number
  /** By what it is dead; null for a token that none of them hits. */
  hits(facts: TokenFacts): RevocationKind | null
}

export interface Revocations {
  /** At once for a tenant that is in memory. */
  ofTenant(tenantId: string): TenantRevocations | Promise<TenantRevocations>
  /** Without asking the database. */
  inMemory(tenantId: string): TenantRevocations | undefined
  /** Reads it without anybody waiting, so that it is in memory soon; a failure is passed over. */
  prepare(tenantId: string): void
  /** Reads it again when it is next asked for: what has been swept from the table leaves the memory as well. */
  forget(tenantId: string): void
  close(): void
}

export interface RevocationsOptions {
  readonly changes: ChangeFeed
  readonly load: (tenantId: string) => Promise<readonly Revocation[]>
  readonly tenantEntries?: number
}

const tenantsInMemory = 10_000

export function createRevocations({
  changes,
  load,
  tenantEntries = tenantsInMemory,
}: RevocationsOptions): Revocations {
  const tenants = createReadThrough<CutOffs>(tenantEntries, async (tenantId) => {
    return cutOffsOf(tenantId, await load(tenantId))
  })
  const unfollow = changes.follow(
    (news) => {
      for (const { noun, tenantId, detail } of news) {
        if (noun !== 'revocation' || detail === undefined) continue
        const known = tenants.peek(tenantId)
        if (known) known.add(readRevocation(detail))
        // A load that is under way may have read before the commit: the next question asks again.
        else tenants.drop(tenantId)
      }
    },
    () => tenants.clear(),
  )
  return {
    // The loader never answers null.
    ofTenant: (tenantId) => tenants.get(tenantId) as CutOffs | Promise<CutOffs>,
    inMemory: (tenantId) => tenants.peek(tenantId),
    prepare(tenantId) {
      void Promise.resolve(tenants.get(tenantId)).catch(() => {})
    },
    forget: (tenantId) => tenants.drop(tenantId),
    close: unfollow,
  }
}

function cutOffsOf(tenantId: string, revocations: readonly Revocation[]): CutOffs {
  const cutOffs = new CutOffs(tenantId)
  for (const revocation of revocations) cutOffs.add(revocation)
  return cutOffs
}

/** As they were a moment ago, for who looks once. */
export const revocationsOf: (tenantId: string, revocations: readonly Revocation[]) => TenantRevocations =
  cutOffsOf

/** Whatever kind of subject: until when tokens that belong to it are dead. */
class CutOffs implements TenantRevocations {
  latest = Number.NEGATIVE_INFINITY
  readonly #tenantId: string
  readonly #issuedUntil = new Map<string, number>()
  /** By client id: for tokens that do not say which of its credentials they were got with. */
  readonly #anyCredentialUntil = new Map<string, number>()

  constructor(tenantId: string) {
    this.#tenantId = tenantId
  }

  add({ kind, subjectId, issuedUntil }: Revocation): void {
    this.latest = Math.max(this.latest, issuedUntil)
    raise(this.#issuedUntil, keyOf(kind, subjectId), issuedUntil)
    if (kind === 'credential') raise(this.#anyCredentialUntil, clientOf(subjectId), issuedUntil)
  }

  hits(facts: TokenFacts): RevocationKind | null {
    if (this.#issuedUntil.size === 0) return null
    const hit = this.#hitsItself(facts)
    if (hit !== null || facts.madeFrom === undefined) return hit
    return facts.madeFrom.map((one) => this.hits(one)).find((one) => one !== null) ?? null
  }

  #hitsItself(facts: TokenFacts): RevocationKind | null {
    const { issuedAt = Number.NEGATIVE_INFINITY, clientId, credentialId } = facts
    const isOver = (until: number | undefined): boolean => until !== undefined && until >= issuedAt
    const isHit = (kind: RevocationKind, subjectId: string | undefined): boolean =>
      subjectId !== undefined && isOver(this.#issuedUntil.get(keyOf(kind, subjectId)))
    // All of them are asked: an earlier cut-off of one subject hides no later one of another (trust 6).
    if (isHit('tenant', this.#tenantId)) return 'tenant'
    if (isHit('key', facts.keyId)) return 'key'
    if (isHit('organization', facts.organizationId)) return 'organization'
    if (isHit('app', clientId)) return 'app'
    if (clientId !== undefined && isOver(this.#credentialUntil(clientId, credentialId))) return 'credential'
    if (isHit('user', facts.userId)) return 'user'
    return isHit('token', facts.tokenId) ? 'token' : null
  }

  /** A token that names none of its client's credentials may have been got with any of them. */
  #credentialUntil(clientId: string, credentialId: string | undefined): number | undefined {
    if (credentialId === undefined) return this.#anyCredentialUntil.get(clientId)
    return this.#issuedUntil.get(keyOf('credential', credentialSubject(clientId, credentialId)))
  }
}

function raise(untils: Map<string, number>, key: string, until: number): void {
  const known = untils.get(key)
  if (known === undefined || known < until) untils.set(key, until)
}

/** Neither id holds a blank. */
const clientOf = (subjectId: string): string => subjectId.slice(0, subjectId.indexOf(' '))

// No kind holds a blank.
const keyOf = (kind: RevocationKind, subjectId: string): string => `${kind} ${subjectId}`
