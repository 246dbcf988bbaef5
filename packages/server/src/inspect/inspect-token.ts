/** What a token is, whether it is good, and why not: read against this server's own keys and store. */

import { createHash } from 'node:crypto'
import { parseOpaqueToken, publicMembersOf, type RevocationKind, type TokenFacts } from '@sallyport/protocol'
import type { Sealer } from '../keys/sealing.ts'
import type { AppRecord } from '../store/apps.ts'
import type { Database } from '../store/database.ts'
import { findOpaqueToken } from '../store/opaque-tokens.ts'
import { listRevocations, type Revocation } from '../store/revocations.ts'
import type { SigningKeyRecord } from '../store/signing-keys.ts'
import { loadTenant, type TenantRecord } from '../store/tenants.ts'
import { isAccessToken } from '../tokens/own-jwt.ts'
import type { OwnToken } from '../tokens/own-token.ts'
import { cutOffsThatHit, type Subject, tellCutOffs } from './cut-offs.ts'
import { endpointsOf } from './endpoints.ts'
import { findSigner, ownKeys, whoseIsIt } from './find-signer.ts'
import { readMadeByClient } from './made-by-client.ts'
import { type Found, readIssued } from './read-issued.ts'
import { readTokenText, unwrap } from './read-token-text.ts'
import {
  keyProblems,
  readStanding,
  type Standing,
  type StandingProblem,
  standingProblems,
  timeProblems,
} from './standing-problems.ts'
import { nothingKnown, type Problem, type TokenReport, withProblems } from './token-report.ts'

export interface InspectDeps {
  readonly db: Database
  readonly sealer: Sealer
  readonly now: number
}

type JsonObject = Readonly<Record<string, unknown>>

/** A proof names the key that it is signed with, and who makes it wrongly may have put all of that key there. */
const withoutPrivateKey = (header: JsonObject | null): JsonObject | null =>
  isObject(header?.jwk) ? { ...header, jwk: publicMembersOf(header.jwk) } : header

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Does not tell whether an API accepts the token: what it asks of audience, issuer and proof is for that API to check. */
export async function inspectToken(text: string, deps: InspectDeps): Promise<TokenReport> {
  const opaque = parseOpaqueToken(unwrap(text))
  if (opaque !== null) return inspectOpaque(unwrap(text), opaque.partition, deps)
  const read = readTokenText(text)
  const { header, claims } = read
  if (read.problem !== undefined)
    return withProblems({ ...nothingKnown, kind: read.kind, header, claims }, [
      { sentence: read.problem, nextStep: read.nextStep },
    ])
  const keys = await ownKeys(deps.db)
  const signer = await findSigner(read, keys, deps.sealer)
  if (signer === null) {
    const { kind, problem } = readMadeByClient(read, deps.now) ?? {
      kind: 'other_token',
      problem: whoseIsIt(read.header, read.claims, keys),
    }
    return withProblems({ ...nothingKnown, kind, header: withoutPrivateKey(header), claims }, [problem])
  }
  const [signingInput = ''] = /^[^.]+\.[^.]+/.exec(read.token) ?? []
  const { tenantId, record: key } = signer
  const { header: signed, claims: said } = read
  return judge({ tenantId, header: signed, claims: said, key, ...jwtOf(key, signingInput) }, deps)
}

const jwtOf = (key: SigningKeyRecord, signingInput: string) => ({
  apiId: key.apiId,
  digest: digestOf(signingInput),
})

async function inspectOpaque(token: string, partition: string, deps: InspectDeps): Promise<TokenReport> {
  const digest = digestOf(token)
  const kept = await findOpaqueToken(deps.db, partition, digest, deps.now)
  if (kept === null)
    return withProblems(nothingKnown, [
      {
        sentence: 'It is an opaque token that is not known here, or no longer: it may have expired.',
        nextStep: 'Name the right database with --config or --data, or get a new one.',
      },
    ])
  const { tenantId, apiId } = kept
  const claims = JSON.parse(kept.claims) as JsonObject
  return judge({ tenantId, header: null, claims, key: null, apiId, digest }, deps)
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url')

async function judge(found: Found, deps: InspectDeps): Promise<TokenReport> {
  const { tenantId, header, claims, key } = found
  const named = { ...nothingKnown, header, claims, tenantId, kid: key?.kid ?? null }
  const tenant = await loadTenant(deps.db, tenantId)
  if (tenant === null) return withProblems(named, [tenantGone])
  const { token, isApiGone, dialects } = readIssued(tenant, found)
  if (header !== null && !isAccessToken({ header }, dialects))
    return withProblems({ ...named, kind: 'other_token' }, [forAnotherPurpose])
  const revocations = await listRevocations(deps.db, tenantId)
  const { standing, facts } = await standingOf(deps.db, tenantId, token.facts, revocations)
  const hits = cutOffsThatHit(tenantId, revocations, facts)
  const gone = standingProblems(tenant, standing, facts)
  const problems = [
    ...timeProblems(claims, deps.now),
    ...keyProblems(key),
    ...(isApiGone ? [apiGone] : []),
    ...gone,
    // What is gone or disabled has cut its tokens off as well, and says more.
    ...(gone.length > 0 || key?.state === 'retired' ? [] : revocationProblems(hits)),
  ]
  const cutOffs = await tellCutOffs(deps.db, tenantId, subjectsOf(hits, gone), facts.issuedAt)
  return withProblems({ ...named, ...whatItIs(tenant, token, standing, isApiGone), cutOffs }, problems)
}

const tenantGone: Problem = {
  sentence: 'Its tenant no longer exists.',
  nextStep: 'Get one from a tenant that exists.',
}

const apiGone: Problem = {
  sentence: 'The API that it was for no longer exists.',
  nextStep: 'Get one for an API of the tenant.',
}

const forAnotherPurpose: Problem = {
  sentence: 'This server has signed it, but not as an access token: its header says so in typ.',
  nextStep: 'Give the access token: the member access_token of what the token endpoint answers.',
}

/** A dialect may leave the organization out of its tokens, which die with it all the same. */
async function standingOf(
  db: Database,
  tenantId: string,
  facts: TokenFacts,
  revocations: readonly Revocation[],
): Promise<{ readonly standing: Standing; readonly facts: TokenFacts }> {
  const hits = cutOffsThatHit(tenantId, revocations, facts)
  const wasCutOff = (kind: RevocationKind) => hits.some((hit) => hit.kind === kind)
  const standing = await readStanding(db, tenantId, facts, wasCutOff)
  const organizationId = facts.organizationId ?? standing.app?.organizationId
  return { standing, facts: { ...facts, organizationId } }
}

const whatItIs = (tenant: TenantRecord, token: OwnToken, standing: Standing, isApiGone: boolean) => ({
  kind: 'access_token' as const,
  app: standing.app && appOf(standing.app),
  apiId: isApiGone ? null : token.apiId,
  scopes: token.scopes,
  endpoints: isApiGone ? [] : endpointsOf(tenant, token, standing),
})

const appOf = ({ clientId, id, name, organizationId }: AppRecord) => ({ clientId, id, name, organizationId })

function subjectsOf(hits: readonly Revocation[], gone: readonly StandingProblem[]): readonly Subject[] {
  const subjects = [...hits, ...gone.map(({ subject }) => subject)]
  return [...new Map(subjects.map((one) => [`${one.kind} ${one.subjectId}`, one])).values()]
}

const revokedWith: Readonly<Record<RevocationKind, string>> = {
  tenant: 'all tokens of its tenant were revoked after it was issued',
  key: 'its signing key was revoked',
  organization: 'all tokens of its organization were revoked after it was issued',
  app: 'all tokens of its app were revoked after it was issued',
  credential: 'all that was got with its secret was revoked after it was issued',
  user: 'all tokens of its user were revoked after it was issued',
  token: 'it was given back or cut off by itself',
}
const widestFirst = Object.keys(revokedWith) as RevocationKind[]

function revocationProblems(hits: readonly Revocation[]): readonly Problem[] {
  const widest = widestFirst.find((kind) => hits.some((hit) => hit.kind === kind))
  if (widest === undefined) return []
  return [
    {
      sentence: `It is revoked: ${revokedWith[widest]}.`,
      nextStep: 'Get a new one from the token endpoint: what is issued after a cut-off is good.',
    },
  ]
}
