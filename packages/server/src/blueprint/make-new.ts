/**
 * Client ids, secrets and what verifies them, for all that a plan adds. Before the transaction: thousands of them take as
 * long to make as to write, and others wait for its end.
 */

import { formatClientSecret, generateIdentifier } from '@sallyport/protocol'
import { sealSecret } from '../keys/sealed-secret.ts'
import type { Sealer } from '../keys/sealing.ts'
import type { SecretHasher } from '../keys/secret-hasher.ts'
import { defaultClientIdShape, identifierBytes } from '../tenants/client-id-shape.ts'
import type { Comparison, Step } from './compare.ts'
import type { GeneratedSecret, Made, NewProof } from './execute.ts'
import { appKey, type Declared, type DeclaredRow } from './rows.ts'

export interface MakeEffects {
  readonly random: (bytes: number) => Uint8Array
  readonly hasher: Pick<SecretHasher, 'compute' | 'hash'>
  readonly sealer: Sealer
}

export function makeNew({ steps, clientIds: kept }: Comparison, effects: MakeEffects): Made {
  const clientIds = new Map<string, string>()
  const proofs = new Map<DeclaredRow, NewProof>()
  const secrets: GeneratedSecret[] = []
  for (const row of steps.flatMap(addedRow))
    if (row.noun === 'app') clientIds.set(appKey(row), row.fields.client_id ?? generateClientId(row, effects))
  for (const row of steps.flatMap(addedRow)) {
    if (row.noun !== 'credential') continue
    const key = `${row.tenantId}/${row.fields.appId}`
    const clientId = clientIds.get(key) ?? kept.get(key)
    if (clientId === undefined) throw new Error(`App ${key} has no client id.`)
    proofs.set(row, makeProof(row, clientId, effects, secrets))
  }
  return { clientIds, proofs, secrets }
}

const addedRow = (step: Step): DeclaredRow[] =>
  step.sign === '+' || (step.sign === '~' && step.replacesProof) ? [step.declared] : []

/** In the tenant's shape. */
function generateClientId({ tenantId, blueprint }: Declared<'app'>, { random }: MakeEffects): string {
  const shape = blueprint.file.tenants.find(({ id }) => id === tenantId)?.client_id ?? defaultClientIdShape
  return generateIdentifier(random(identifierBytes), shape)
}

function makeProof(
  row: Declared<'credential'>,
  clientId: string,
  effects: MakeEffects,
  secrets: GeneratedSecret[],
): NewProof {
  const { proof, tenantId } = row
  const unhashed = { clientId, pepperVersion: null, sealedSecret: null }
  if (proof.form !== 'secret') return { ...unhashed, format: proof.format, verifier: proof.verifier }
  const { secret } = proof
  if (secret.kind === 'hash') return { ...unhashed, format: secret.format, verifier: secret.verifier }
  if (secret.kind === 'kept') throw new Error(`Credential ${row.address} is not there, so nothing is kept.`)
  const text =
    secret.kind === 'clear' ? secret.secret.reveal() : generateSecret(row, clientId, effects, secrets)
  const hashed = effects.hasher.hash(tenantId, clientId, text)
  const place = { tenantId, clientId, credentialId: row.fields.id }
  return {
    ...hashed,
    clientId,
    sealedSecret: proof.isSealed ? sealSecret(effects.sealer, place, text) : null,
  }
}

function generateSecret(
  { tenantId, fields, blueprint }: Declared<'credential'>,
  clientId: string,
  { random }: MakeEffects,
  secrets: GeneratedSecret[],
): string {
  const environment = blueprint.file.tenants.find(({ id }) => id === tenantId)?.environment ?? 'test'
  const clientSecret = formatClientSecret(environment, random(32))
  secrets.push({ tenantId, appId: fields.appId, credentialId: fields.id, clientId, clientSecret })
  return clientSecret
}
