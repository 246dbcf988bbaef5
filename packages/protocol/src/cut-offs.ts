/**
 * Which tokens are dead before their time: cut-offs by what a token hangs on, held against the facts of a token, never
 * its text. The server and whoever follows its revocations decide by this same code.
 */

/** What a cut-off is about. */
export type RevocationKind = 'tenant' | 'organization' | 'app' | 'credential' | 'user' | 'token' | 'key'

/** Tokens of the subject with an `iat` up to and including `issuedUntil` are dead. */
export interface CutOff {
  readonly kind: RevocationKind
  /** An id of that kind; of a credential `client_id id`; of a token its `jti` or its digest. */
  readonly subjectId: string
  /** Epoch seconds. */
  readonly issuedUntil: number
}

/** How a credential is named: its id is its app's affair. Neither id holds a blank. */
export const credentialSubject = (clientId: string, credentialId: string): string =>
  `${clientId} ${credentialId}`

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

/**
 * The cut-offs of one tenant, in memory. Grows with the subjects that were cut off, not with the tokens: who keeps it
 * replaces it now and then by what still counts. Does not know which of them are over.
 */
export class CutOffs {
  /** The latest of all, in epoch seconds. */
  latest = Number.NEGATIVE_INFINITY
  readonly #tenantId: string
  readonly #issuedUntil = new Map<string, number>()
  /** By client id: for tokens that do not say which of its credentials they were got with. */
  readonly #anyCredentialUntil = new Map<string, number>()

  constructor(tenantId: string) {
    this.#tenantId = tenantId
  }

  /** A later cut-off of a subject replaces an earlier one, and never the other way round. */
  add({ kind, subjectId, issuedUntil }: CutOff): void {
    this.latest = Math.max(this.latest, issuedUntil)
    raise(this.#issuedUntil, keyOf(kind, subjectId), issuedUntil)
    if (kind === 'credential') raise(this.#anyCredentialUntil, clientOf(subjectId), issuedUntil)
  }

  /** Whether any of them could hit what was issued then; what that was made from is older, and is not looked at. */
  reach(issuedAt: number | undefined): boolean {
    return issuedAt === undefined || issuedAt <= this.latest
  }

  /** By what a token is dead; null for one that none of them hits. */
  hits(facts: TokenFacts): RevocationKind | null {
    if (this.#issuedUntil.size === 0) return null
    const hit = this.#hitsItself(facts)
    if (hit !== null || facts.madeFrom === undefined) return hit
    return facts.madeFrom.map((one) => this.hits(one)).find((one) => one !== null) ?? null
  }

  /** The latest cut-off of what these facts name, in epoch seconds: what is issued after it is hit by none of them. */
  until({ keyId, organizationId, clientId, credentialId, userId, tokenId }: TokenFacts): number {
    const named: readonly (readonly [RevocationKind, string | undefined])[] = [
      ['tenant', this.#tenantId],
      ['key', keyId],
      ['organization', organizationId],
      ['app', clientId],
      ['user', userId],
      ['token', tokenId],
    ]
    // No id is empty.
    const untils = named.map(([kind, id = '']) => this.#issuedUntil.get(keyOf(kind, id)))
    untils.push(this.#credentialUntil(clientId ?? '', credentialId))
    return Math.max(...untils.map((until) => until ?? Number.NEGATIVE_INFINITY))
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

const clientOf = (subjectId: string): string => subjectId.slice(0, subjectId.indexOf(' '))

// No kind holds a blank.
const keyOf = (kind: RevocationKind, subjectId: string): string => `${kind} ${subjectId}`
