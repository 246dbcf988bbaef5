/** Which key of this server has signed a JWT, or whose it then is. */

import type { KeyObject } from 'node:crypto'
import { compactVerify, errors } from 'jose'
import type { Sealer } from '../keys/sealing.ts'
import { verificationKeyOf } from '../keys/signing-keys.ts'
import type { Database } from '../store/database.ts'
import { listSigningKeys, type SigningKeyRecord } from '../store/signing-keys.ts'
import { listTenantIds } from '../store/tenants.ts'
import type { Problem } from './token-report.ts'

export interface OwnKey {
  readonly tenantId: string
  readonly record: SigningKeyRecord
}

type JsonObject = Readonly<Record<string, unknown>>

/** The retired too. */
export async function ownKeys(db: Database): Promise<OwnKey[]> {
  const tenantIds = await listTenantIds(db)
  const ofTenants = tenantIds.map(async (tenantId) =>
    (await listSigningKeys(db, tenantId)).map((record) => ({ tenantId, record })),
  )
  return (await Promise.all(ofTenants)).flat()
}

export async function findSigner(
  { token, header }: { readonly token: string; readonly header: JsonObject },
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
export function whoseIsIt({ alg, kid }: JsonObject, claims: JsonObject, keys: readonly OwnKey[]): Problem {
  if (typeof alg !== 'string' || alg.toLowerCase() === 'none')
    return {
      sentence: 'Nobody signed it: its header names no algorithm.',
      nextStep: 'Trust nothing in it. Get one from the token endpoint.',
    }
  const named = keys.find(({ record }) => record.kid === kid)
  if (named)
    return {
      sentence: `The signature is wrong: it names key ${named.record.kid} of tenant ${named.tenantId}, but was altered or cut.`,
      nextStep: 'Copy it again, whole and without line breaks; if it stays so, get a new one.',
    }
  const sentence =
    kid === undefined
      ? 'No key of this server made its signature: it is from elsewhere, was altered, or is of another database: name that with --config or --data.'
      : 'It is from elsewhere (this server has no key of that id), or of another database: name it with --config or --data.'
  return { sentence, nextStep: whereToAsk(claims) }
}

const longestIssuer = 200

const whereToAsk = ({ iss }: JsonObject): string =>
  typeof iss === 'string' && iss.length <= longestIssuer
    ? `It says that its issuer is ${iss}: ask there, or get one from the token endpoint of this server.`
    : 'It does not say who has issued it: ask whoever gave it to you, or get one from the token endpoint.'
