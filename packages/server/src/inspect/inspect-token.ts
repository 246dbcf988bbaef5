/** What a token is, whether it is good, and why not: read against this server's own keys and store. */

import type { KeyObject } from 'node:crypto'
import { compactVerify, errors } from 'jose'
import { isUsable } from '../apps/client.ts'
import type { Sealer } from '../keys/sealing.ts'
import { verificationKeyOf } from '../keys/signing-keys.ts'
import { findClient } from '../store/apps.ts'
import type { Database } from '../store/database.ts'
import { findOrganization } from '../store/organizations.ts'
import { listSigningKeys, type SigningKeyRecord } from '../store/signing-keys.ts'
import { listTenantIds, loadTenant } from '../store/tenants.ts'

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

interface Signed {
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

// Far above any token of ours; a larger text is not worth decoding.
const maximumLength = 32_768

function parsePart(part: string): JsonObject | null {
  if (!/^[A-Za-z0-9_-]+$/.test(part)) return null
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
  } catch {
    return null
  }
}

const malformed = (problem: string, header: JsonObject | null = null): TokenReport => ({
  ...unread,
  problems: [problem],
  header,
})

/** Does not tell whether an API accepts the token: audience and scope are for that API to check. */
export async function inspectToken(text: string, deps: InspectDeps): Promise<TokenReport> {
  const token = text.trim().replace(/^Bearer /i, '')
  if (token.startsWith('$'))
    return malformed('This is the name of a shell variable, not its value: use double quotes around it.')
  if (token.length > maximumLength) return malformed('This is too long to be a token.')
  const [headerPart = '', claimsPart = '', , excess] = token.split('.')
  if (claimsPart === '' || excess !== undefined)
    return malformed('Not a JWT: a JWT has three parts with two dots between them.')
  const header = parsePart(headerPart)
  if (header === null) return malformed('Malformed header: the first part is not base64url of a JSON object.')
  const claims = parsePart(claimsPart)
  if (claims === null)
    return malformed('Malformed claims: the second part is not base64url of a JSON object.', header)

  const signed = await findSigner(token, header, deps)
  if (signed === null) {
    return {
      ...unread,
      header,
      claims,
      problems: ['Signature: no key of this server made it, or the token was altered.'],
    }
  }
  return judge(header, claims, signed, deps)
}

async function findSigner(
  token: string,
  header: JsonObject,
  { db, sealer }: InspectDeps,
): Promise<Signed | null> {
  for (const tenantId of await listTenantIds(db)) {
    for (const record of await listSigningKeys(db, tenantId)) {
      // The algorithm is the key's own, never the token's word (RFC 8725 §3.1); `kid` only spares useless tries.
      if (header.alg !== record.algorithm || (header.kid !== undefined && header.kid !== record.kid)) continue
      if (await verifies(token, verificationKeyOf(sealer, tenantId, record), record.algorithm))
        return { tenantId, record }
    }
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

async function judge(
  header: JsonObject,
  claims: JsonObject,
  signed: Signed,
  deps: InspectDeps,
): Promise<TokenReport> {
  const { tenantId, record } = signed
  const clientId = [claims.client_id, claims.sub].find((claim) => typeof claim === 'string')
  const client = typeof clientId === 'string' ? await findClient(deps.db, tenantId, clientId) : null
  const problems = [
    ...timeProblems(claims, deps.now),
    ...(record.state === 'retired' ? ['Its signing key is retired.'] : []),
    ...(await tenantProblems(deps.db, tenantId)),
    ...(client === null ? ['Its app no longer exists.'] : await appProblems(client, claims, tenantId, deps)),
  ]
  return {
    isGood: problems.length === 0,
    problems,
    header,
    claims,
    tenantId,
    kid: record.kid,
    app: client && {
      clientId: client.clientId,
      id: client.id,
      name: client.name,
      organizationId: client.organizationId,
    },
  }
}

function timeProblems({ exp, nbf, iat }: JsonObject, now: number): string[] {
  const at = (seconds: number) => new Date(seconds * 1000).toISOString()
  return [
    ...(typeof exp === 'number' && now >= exp ? [`It expired at ${at(exp)}.`] : []),
    ...(typeof nbf === 'number' && now < nbf ? [`It is not valid before ${at(nbf)}.`] : []),
    ...(typeof iat === 'number' && iat > now + 60 ? [`It was issued in the future, at ${at(iat)}.`] : []),
  ]
}

async function tenantProblems(db: Database, tenantId: string): Promise<string[]> {
  const tenant = await loadTenant(db, tenantId)
  return tenant === null || tenant.disabledAt !== null ? ['Its tenant is disabled.'] : []
}

async function appProblems(
  client: NonNullable<Awaited<ReturnType<typeof findClient>>>,
  claims: JsonObject,
  tenantId: string,
  { db, now }: InspectDeps,
): Promise<string[]> {
  const organization = await findOrganization(db, tenantId, client.organizationId)
  const credential = client.credentials.find(({ id }) => id === claims.cred)
  return [
    ...(client.disabledAt === null ? [] : ['Its app is disabled.']),
    ...(organization === null || organization.disabledAt !== null ? ['Its organization is disabled.'] : []),
    ...(claims.cred !== undefined && credential === undefined
      ? ['The credential it was got with no longer exists.']
      : []),
    ...(credential && !isUsable(credential, now)
      ? ['The credential it was got with is expired or disabled.']
      : []),
  ]
}
