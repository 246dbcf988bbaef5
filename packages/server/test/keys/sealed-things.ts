/** One of everything that is sealed by the master key, and whether each can still be read. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { openSecret, sealSecret } from '../../src/keys/sealed-secret.ts'
import type { Sealer } from '../../src/keys/sealing.ts'
import { createSecretHasher } from '../../src/keys/secret-hasher.ts'
import { generateSigningKey, keepSigningKey, openSigningKey } from '../../src/keys/signing-keys.ts'
import { findClient } from '../../src/store/apps.ts'
import { saveCredential } from '../../src/store/credentials.ts'
import type { Database } from '../../src/store/database.ts'
import { listSigningKeys } from '../../src/store/signing-keys.ts'
import { saveSampleTenant } from '../store/each-store.ts'

const place = (credentialId: string) => ({ tenantId: 'own', clientId: 'client-1', credentialId })
const secretOf = (credentialId: string) => `the clear secret ${credentialId}`

export async function addKey(
  db: Database,
  sealer: Sealer,
  algorithm: 'ES256' | 'HS512',
  apiId: string | null,
) {
  const key = await generateSigningKey({ algorithm, apiId, keyIdEncoding: 'base64url' }, randomBytes)
  assert.ok(await db.write((tx) => keepSigningKey(tx, sealer, 'own', key, 'active')))
}

export async function sealThings(db: Database, sealer: Sealer): Promise<void> {
  await saveSampleTenant(db, 'own')
  await createSecretHasher(db, sealer, randomBytes)
  await addKey(db, sealer, 'ES256', null)
  await addKey(db, sealer, 'HS512', 'storage')
  for (const id of ['one', 'two']) {
    const sealedSecret = sealSecret(sealer, place(id), secretOf(id))
    const proof = { format: 'hmac-sha256', verifier: Buffer.from(id), pepperVersion: 1, sealedSecret }
    await db.write((tx) => saveCredential(tx, 'own', 'client-1', { id, ...proof }))
  }
}

/** Whoever cannot open one of them throws. What they hold is compared by what they make of one text. */
export async function readThings(db: Database, sealer: Sealer): Promise<readonly string[]> {
  const { compute } = await createSecretHasher(db, sealer, randomBytes)
  const keys = (await listSigningKeys(db, 'own')).map((record) => {
    const key = openSigningKey(sealer, 'own', record)
    return key.type === 'secret'
      ? key.export().toString('hex')
      : JSON.stringify(key.export({ format: 'jwk' }))
  })
  const rows = await db.kysely
    .selectFrom('credentials')
    .select(['id', 'sealed_secret as sealedSecret'])
    .where('tenant_id', '=', 'own')
    .execute()
  const client = await findClient(db, 'own', 'client-1')
  const sealed = [...rows, ...(client?.credentials ?? [])].filter(({ sealedSecret }) => sealedSecret !== null)
  assert.equal(sealed.length, 4, 'each secret stands in its row and in its app')
  for (const { id, sealedSecret } of sealed)
    assert.equal(openSecret(sealer, place(id), sealedSecret as Uint8Array), secretOf(id))
  return [compute(1, 'own', 'client-1', 'a secret')?.toString('hex') ?? '', ...keys.toSorted()]
}
