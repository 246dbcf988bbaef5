/** What a token is, whether it is good, and why not: read against this server's own keys and store. */

import type { KeyObject } from 'node:crypto'
import { compactVerify, errors } from 'jose'
import { isUsable } from '../apps/client.ts'
import type { Sealer } from '../keys/sealing.ts'
import { verificationKeyOf } from '../keys/signing-keys.ts'
import { type ClientRecord, findClient } from '../store/apps.ts'
import type { Database } from '../store/database.ts'
import { findOrganization } from '../store/organizations.ts'
import { listSigningKeys, type SigningKeyRecord } from '../store/signing-keys.ts'
import { listTenantIds, loadTenant, type TenantRecord } from '../store/tenants.ts'
import type { TenantSettings } from '../tenants/settings.ts'
import { instantText } from './instant-text.ts'
import { readTokenText } from './read-token-text.ts'

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
  const read = readTokenText(text)
  const { header, claims } = read
  if (read.problem !== undefined) return { ...unread, header, claims, problems: [read.problem] }
  const keys = await ownKeys(deps.db)
  const signer = await findSigner(read.token, read.header, keys, deps.sealer)
  if (signer === null) return { ...unread, header, claims, problems: [whoseIsIt(read.header, keys)] }
  return judge(read.header, read.claims, signer, deps)
}

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
    ? 'No key of this server made its signature: it is from elsewhere, or was altered.'
    : 'It is from elsewhere: this server has no key of that id.'
}

async function judge(
  header: JsonObject,
  claims: JsonObject,
  { tenantId, record }: OwnKey,
  deps: InspectDeps,
): Promise<TokenReport> {
  const tenant = await loadTenant(deps.db, tenantId)
  const clientId = claimHolding('client_id', claims, tenant) ?? claims.client_id
  const client = typeof clientId === 'string' ? await findClient(deps.db, tenantId, clientId) : null
  const credentialId = claimHolding('credential_id', claims, tenant) ?? claims.cred
  const problems = [
    ...timeProblems(claims, deps.now),
    ...(record.state === 'retired' ? ['Its signing key is retired.'] : []),
    ...(tenant === null || tenant.disabledAt !== null ? ['Its tenant is disabled.'] : []),
    // A dialect may leave the client out; then nothing is known against it.
    ...(typeof clientId === 'string' && client === null ? ['Its app no longer exists.'] : []),
    ...(client === null ? [] : await appProblems(client, credentialId, tenantId, deps)),
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

/** What stands in the claim that the tenant's dialect fills with this variable. */
function claimHolding(variable: string, claims: JsonObject, tenant: TenantRecord | null): unknown {
  // The store holds only what the schema has let in.
  const settings = tenant?.settings as TenantSettings | undefined
  const template = settings?.dialect?.token?.claims ?? {}
  const names = Object.keys(template).filter((name) => template[name] === `\${${variable}}`)
  return names.map((name) => claims[name]).find((value) => value !== undefined)
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
  { db, now }: InspectDeps,
): Promise<string[]> {
  const organization = await findOrganization(db, tenantId, client.organizationId)
  const credential = client.credentials.find(({ id }) => id === credentialId)
  const isCredentialGone = credentialId !== undefined && credential === undefined
  return [
    ...(client.disabledAt === null ? [] : ['Its app is disabled.']),
    ...(organization === null || organization.disabledAt !== null ? ['Its organization is disabled.'] : []),
    ...(isCredentialGone ? ['The secret it was got with no longer exists.'] : []),
    ...(credential && !isUsable(credential, now)
      ? ['The secret it was got with is expired or disabled.']
      : []),
  ]
}
