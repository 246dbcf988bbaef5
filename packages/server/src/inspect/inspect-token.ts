/** What a token is, whether it is good, and why not: read against this server's own keys and store. */

import { createHash, type KeyObject } from 'node:crypto'
import { parseOpaqueToken } from '@sallyport/protocol'
import { compactVerify, errors } from 'jose'
import type { Sealer } from '../keys/sealing.ts'
import { verificationKeyOf } from '../keys/signing-keys.ts'
import { revocationsOf, type TokenFacts } from '../revocation/revocations.ts'
import { type ClientRecord, findClient } from '../store/apps.ts'
import type { Database } from '../store/database.ts'
import { findOpaqueToken } from '../store/opaque-tokens.ts'
import { findOrganization } from '../store/organizations.ts'
import { listRevocations, type Revocation, type RevocationKind } from '../store/revocations.ts'
import { listSigningKeys, type SigningKeyRecord } from '../store/signing-keys.ts'
import { listTenantIds, loadTenant, type TenantRecord } from '../store/tenants.ts'
import type { TenantSettings } from '../tenants/settings.ts'
import { derivedFromClaim, readDerivedFrom } from '../tokens/derived-from.ts'
import { instantText } from './instant-text.ts'
import { readTokenText, unwrap } from './read-token-text.ts'

export interface TokenReport {
  readonly isGood: boolean
  /** Why not, one sentence each; empty for a good token. */
  readonly problems: readonly string[]
  readonly header: Readonly<Record<string, unknown>> | null
  readonly claims: Readonly<Record<string, unknown>> | null
  /** Set once a key of this server has verified the signature. */
  readonly tenantId: string | null
  readonly kid: string | null
  readonly app: {
    readonly clientId: string
    readonly id: string
    readonly name: string
    readonly organizationId: string
  } | null
}

export interface InspectDeps {
  readonly db: Database
  readonly sealer: Sealer
  readonly now: number
}

interface OwnKey {
  readonly tenantId: string
  readonly record: SigningKeyRecord
}

type JsonObject = Readonly<Record<string, unknown>>

const unread: TokenReport = {
  isGood: false,
  problems: [],
  header: null,
  claims: null,
  tenantId: null,
  kid: null,
  app: null,
}

/** Does not tell whether an API accepts the token: audience and scope are for that API to check. */
export async function inspectToken(text: string, deps: InspectDeps): Promise<TokenReport> {
  const opaque = parseOpaqueToken(unwrap(text))
  if (opaque !== null) return inspectOpaque(unwrap(text), opaque.partition, deps)
  const read = readTokenText(text)
  const { header, claims } = read
  if (read.problem !== undefined) return { ...unread, header, claims, problems: [read.problem] }
  const keys = await ownKeys(deps.db)
  const signer = await findSigner(read.token, read.header, keys, deps.sealer)
  if (signer === null) return { ...unread, header, claims, problems: [whoseIsIt(read.header, keys)] }
  const { tenantId, record } = signer
  const [signingInput = ''] = /^[^.]+\.[^.]+/.exec(read.token) ?? []
  const found = {
    tenantId,
    header: read.header,
    claims: read.claims,
    kid: record.kid,
    digest: digestOf(signingInput),
  }
  return judge(found, record.state === 'retired' ? ['Its signing key is retired.'] : [], deps)
}

async function inspectOpaque(token: string, partition: string, deps: InspectDeps): Promise<TokenReport> {
  const digest = digestOf(token)
  const kept = await findOpaqueToken(deps.db, partition, digest, deps.now)
  if (kept === null)
    return {
      ...unread,
      problems: ['It is an opaque token that is not known here, or no longer: it may have expired.'],
    }
  const claims = JSON.parse(kept.claims) as JsonObject
  return judge({ tenantId: kept.tenantId, header: null, claims, kid: null, digest }, [], deps)
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url')

async function ownKeys(db: Database): Promise<OwnKey[]> {
  const tenantIds = await listTenantIds(db)
  const ofTenants = tenantIds.map(async (tenantId) =>
    (await listSigningKeys(db, tenantId)).map((record) => ({ tenantId, record })),
  )
  return (await Promise.all(ofTenants)).flat()
}

async function findSigner(
  token: string,
  header: JsonObject,
  keys: readonly OwnKey[],
  sealer: Sealer,
): Promise<OwnKey | null> {
  for (const key of keys) {
    const { tenantId, record } = key
    // The algorithm is the key's own, never the token's word (RFC 8725 §3.1); `kid` only spares useless tries.
    if (header.alg !== record.algorithm || (header.kid !== undefined && header.kid !== record.kid)) continue
    if (await verifies(token, verificationKeyOf(sealer, tenantId, record), record.algorithm)) return key
  }
  return null
}

async function verifies(token: string, key: KeyObject, algorithm: string): Promise<boolean> {
  try {
    await compactVerify(token, key, { algorithms: [algorithm] })
    return true
  } catch (error) {
    if (error instanceof errors.JOSEError) return false
    throw error
  }
}

/** Why no key fits: somebody else's token, or one of ours that is not as it was made. */
function whoseIsIt({ alg, kid }: JsonObject, keys: readonly OwnKey[]): string {
  if (typeof alg !== 'string' || alg.toLowerCase() === 'none')
    return 'Nobody signed it: its header names no algorithm.'
  const named = keys.find(({ record }) => record.kid === kid)
  if (named) {
    return `The signature is wrong: it names key ${named.record.kid} of tenant ${named.tenantId}, but was altered or cut.`
  }
  return kid === undefined
    ? 'No key of this server made its signature: it is from elsewhere, was altered, or is of another database: name that with --config or --data.'
    : 'It is from elsewhere (this server has no key of that id), or of another database: name it with --config or --data.'
}

/** A token that this server has issued. */
interface Found {
  readonly tenantId: string
  readonly header: JsonObject | null
  readonly claims: JsonObject
  readonly kid: string | null
  /** What stands for it where it has no `jti`. */
  readonly digest: string
}

async function judge(
  { tenantId, header, claims, kid, digest }: Found,
  keyProblems: readonly string[],
  deps: InspectDeps,
): Promise<TokenReport> {
  const tenant = await loadTenant(deps.db, tenantId)
  const madeFrom = readDerivedFrom(claims[derivedFromClaim])
  // What speaks for another than its client is written as the standard says, in any dialect.
  const ofDialect = madeFrom === undefined ? tenant : null
  const clientId = claimHolding('client_id', claims, ofDialect) ?? claims.client_id
  const client = typeof clientId === 'string' ? await findClient(deps.db, tenantId, clientId) : null
  const credentialId = claimHolding('credential_id', claims, ofDialect) ?? claims.cred
  const facts: TokenFacts = {
    issuedAt: typeof claims.iat === 'number' ? claims.iat : undefined,
    keyId: kid ?? undefined,
    tokenId: typeof claims.jti === 'string' ? claims.jti : digest,
    clientId: typeof clientId === 'string' ? clientId : undefined,
    credentialId: typeof credentialId === 'string' ? credentialId : undefined,
    organizationId: client?.organizationId,
    madeFrom,
  }
  const problems = [
    ...timeProblems(claims, deps.now),
    ...keyProblems,
    ...(tenant === null || tenant.disabledAt !== null ? ['Its tenant is disabled.'] : []),
    // A dialect may leave the client out; then nothing is known against it.
    ...(typeof clientId === 'string' && client === null ? ['Its app no longer exists.'] : []),
    ...(client === null ? [] : await appProblems(client, credentialId, tenantId, deps)),
  ]
  // What is gone or disabled has cut its tokens off as well, and says more.
  if (problems.length === 0)
    problems.push(...revocationProblems(await listRevocations(deps.db, tenantId), tenantId, facts))
  return {
    isGood: problems.length === 0,
    problems,
    header,
    claims,
    tenantId,
    kid,
    app: client && {
      clientId: client.clientId,
      id: client.id,
      name: client.name,
      organizationId: client.organizationId,
    },
  }
}

/** What stands in the claim that the tenant's dialect fills with this variable. */
function claimHolding(variable: string, claims: JsonObject, tenant: TenantRecord | null): unknown {
  // The store holds only what the schema has let in.
  const settings = tenant?.settings as TenantSettings | undefined
  const template = settings?.dialect?.token?.claims ?? {}
  const names = Object.keys(template).filter((name) => template[name] === `\${${variable}}`)
  return names.map((name) => claims[name]).find((value) => value !== undefined)
}

const revokedWith: Readonly<Record<RevocationKind, string>> = {
  tenant: 'all tokens of its tenant were revoked after it was issued',
  organization: 'all tokens of its organization were revoked after it was issued',
  app: 'all tokens of its app were revoked after it was issued',
  credential: 'all that was got with its secret was revoked after it was issued',
  user: 'all tokens of its user were revoked after it was issued',
  token: 'it was given back or cut off by itself',
  key: 'its signing key was revoked',
}

function revocationProblems(
  revocations: readonly Revocation[],
  tenantId: string,
  facts: TokenFacts,
): readonly string[] {
  const hit = revocationsOf(tenantId, revocations).hits(facts)
  return hit === null ? [] : [`It is revoked: ${revokedWith[hit]}.`]
}

function timeProblems({ exp, nbf, iat }: JsonObject, now: number): string[] {
  return [
    ...(typeof exp === 'number' && now >= exp ? [`It expired at ${instantText(exp)}.`] : []),
    ...(typeof nbf === 'number' && now < nbf ? [`It is not valid before ${instantText(nbf)}.`] : []),
    ...(typeof iat === 'number' && iat > now + 60
      ? [`It was issued in the future, at ${instantText(iat)}.`]
      : []),
  ]
}

async function appProblems(
  client: ClientRecord,
  credentialId: unknown,
  tenantId: string,
  { db }: InspectDeps,
): Promise<string[]> {
  const organization = await findOrganization(db, tenantId, client.organizationId)
  const credential = client.credentials.find(({ id }) => id === credentialId)
  const isCredentialGone = credentialId !== undefined && credential === undefined
  return [
    ...(client.disabledAt === null ? [] : ['Its app is disabled.']),
    ...(organization === null || organization.disabledAt !== null ? ['Its organization is disabled.'] : []),
    ...(isCredentialGone ? ['The secret it was got with no longer exists.'] : []),
    // One that has expired takes nothing along: secrets are rotated without an outage.
    ...(credential && credential.disabledAt !== null ? ['The secret it was got with is disabled.'] : []),
  ]
}
