/** The steps of a plan as storage verbs, in an order in which no row ever points at one that is not there. */

import { formatClientSecret, generateIdentifier } from '@sallyport/protocol'
import { sealSecret } from '../keys/sealed-secret.ts'
import type { Sealer } from '../keys/sealing.ts'
import type { SecretHasher } from '../keys/secret-hasher.ts'
import { removeApi, saveApi } from '../store/apis.ts'
import { removeApp, saveApp } from '../store/apps.ts'
import { addCredential, declareCredential } from '../store/credential-terms.ts'
import { type NewCredential, removeCredential } from '../store/credentials.ts'
import type { WriteTransaction } from '../store/database.ts'
import { removeOrganization, saveOrganization } from '../store/organizations.ts'
import { removePlan, savePlan } from '../store/plans.ts'
import { addTenant, removeTenant, replaceHosts, saveTenant } from '../store/tenants.ts'
import { defaultClientIdShape, identifierBytes } from '../tenants/client-id-shape.ts'
import { type Comparison, disabledAfter, type Step } from './compare.ts'
import { PlanOutdated } from './plan.ts'
import {
  appKey,
  type Declared,
  type DeclaredRow,
  type Noun,
  nouns,
  type Stored,
  type StoredRow,
} from './rows.ts'

export interface ExecuteEffects {
  readonly random: (bytes: number) => Uint8Array
  readonly hasher: Pick<SecretHasher, 'compute' | 'hash'>
  readonly sealer: Sealer
}

/** A clear secret, on its only way out. */
export interface GeneratedSecret {
  readonly tenantId: string
  readonly appId: string
  readonly credentialId: string
  readonly clientId: string
  readonly clientSecret: string
}

interface Execution {
  readonly tx: WriteTransaction
  readonly effects: ExecuteEffects
  /** By `tenant/app`; grows as apps are added. */
  readonly clientIds: Map<string, string>
  readonly generated: GeneratedSecret[]
}

export interface Executed {
  readonly generated: readonly GeneratedSecret[]
  /** By `tenant/app`, those just made too. */
  readonly clientIds: ReadonlyMap<string, string>
}

export async function executeSteps(
  tx: WriteTransaction,
  { steps, clientIds }: Comparison,
  effects: ExecuteEffects,
): Promise<Executed> {
  const execution: Execution = { tx, effects, clientIds: new Map(clientIds), generated: [] }
  // Names come free before others take them; plans go last, because organizations may just be leaving them.
  for (const noun of ['tenant', 'credential', 'app', 'organization', 'api'] as const)
    await remove(tx, steps, noun)
  await releaseHosts(tx, steps)
  for (const noun of nouns) await save(execution, steps, noun)
  await remove(tx, steps, 'plan')
  return execution
}

async function remove(tx: WriteTransaction, steps: readonly Step[], noun: Noun): Promise<void> {
  for (const step of steps) {
    if (step.sign === '-' && step.stored.noun === noun) await removeRow(tx, step.stored)
  }
}

/** What went with its tenant, organization or app already is gone, and removing it again does nothing. */
function removeRow(tx: WriteTransaction, row: StoredRow): Promise<void> {
  const { tenantId } = row
  switch (row.noun) {
    case 'tenant':
      return removeTenant(tx, tenantId)
    case 'api':
      return removeApi(tx, tenantId, row.fields.id)
    case 'plan':
      return removePlan(tx, tenantId, row.fields.id)
    case 'organization':
      return removeOrganization(tx, tenantId, row.fields.id)
    case 'app':
      return removeApp(tx, tenantId, row.clientId)
    case 'credential':
      return removeCredential(tx, tenantId, row.verifier.clientId, row.fields.id)
  }
}

/** A host that changes tenants within one run must leave the one before it can join the other. */
async function releaseHosts(tx: WriteTransaction, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    if (step.sign !== '~' || step.declared.noun !== 'tenant' || step.stored.noun !== 'tenant') continue
    const wanted = step.declared.fields.hosts
    const kept = step.stored.fields.hosts.filter((host) => wanted.includes(host))
    await replaceHosts(tx, step.declared.tenantId, kept)
  }
}

async function save(execution: Execution, steps: readonly Step[], noun: Noun): Promise<void> {
  for (const step of steps) {
    if (step.sign === '-' || step.declared.noun !== noun) continue
    await saveRow(execution, step.declared, step.sign === '~' ? step : null)
  }
}

type ChangeStep = Extract<Step, { readonly sign: '~' }>

function saveRow(execution: Execution, row: DeclaredRow, change: ChangeStep | null): Promise<void> {
  const { tx } = execution
  const { tenantId, settings } = row
  const blueprint = row.blueprint.file.blueprint
  // Nothing of whether it is disabled: that is said beside the blueprint, and stays.
  const common = { settings, blueprint }
  switch (row.noun) {
    case 'tenant':
      return saveTenantRow(tx, row, common, change === null)
    case 'api':
      return saveApi(tx, tenantId, { ...common, id: row.fields.id, audience: row.fields.audience })
    case 'plan':
      return savePlan(tx, tenantId, { ...common, id: row.fields.id })
    case 'organization': {
      const { id, name, plan } = row.fields
      return saveOrganization(tx, tenantId, { ...common, id, name, planId: plan })
    }
    case 'app': {
      const { id, name, organization } = row.fields
      const clientId = clientIdFor(execution, row)
      return saveApp(tx, tenantId, { ...common, id, name, organizationId: organization, clientId })
    }
    case 'credential':
      return saveCredentialRow(execution, row, change)
  }
}

async function saveTenantRow(
  tx: WriteTransaction,
  { tenantId, fields }: Declared<'tenant'>,
  common: { readonly settings: object; readonly blueprint: string },
  isNew: boolean,
): Promise<void> {
  const tenant = { ...common, name: fields.name, environment: fields.environment }
  // Nobody can lock what is not there, so somebody else may have made it since.
  if (!isNew) await saveTenant(tx, tenantId, tenant)
  else if (!(await addTenant(tx, tenantId, tenant))) throw new PlanOutdated()
  await replaceHosts(tx, tenantId, fields.hosts)
}

/** Kept, or as the blueprint says, or made once in the tenant's shape. */
function clientIdFor({ clientIds, effects }: Execution, row: Declared<'app'>): string {
  const key = appKey(row)
  const shape =
    row.blueprint.file.tenants.find(({ id }) => id === row.tenantId)?.client_id ?? defaultClientIdShape
  const clientId =
    clientIds.get(key) ?? row.fields.client_id ?? generateIdentifier(effects.random(identifierBytes), shape)
  clientIds.set(key, clientId)
  return clientId
}

async function saveCredentialRow(
  execution: Execution,
  row: Declared<'credential'>,
  change: ChangeStep | null,
): Promise<void> {
  const { tx, clientIds } = execution
  const { tenantId, fields } = row
  const clientId = clientIds.get(`${tenantId}/${fields.appId}`)
  if (clientId === undefined) throw new Error(`App ${tenantId}/${fields.appId} has no client id.`)
  const stored = change?.stored.noun === 'credential' ? change.stored : null
  const terms = {
    ...{ id: fields.id, expiresAt: fields.expires_at },
    blueprint: row.blueprint.file.blueprint,
  }
  if (stored && !change?.replacesProof) {
    const sealedSecret = keptSealing(execution, row, stored.verifier)
    return declareCredential(tx, tenantId, clientId, { ...terms, sealedSecret })
  }
  // A new proof under an old id is a new credential: its exposure and last use were the old one's.
  if (stored) await removeCredential(tx, tenantId, clientId, fields.id)
  await addCredential(tx, tenantId, clientId, {
    ...terms,
    ...newVerifier(execution, row, clientId),
    disabledAt: stored && disabledAfter(stored, true),
  })
}

type Verifier = Pick<NewCredential, 'format' | 'verifier' | 'pepperVersion' | 'sealedSecret' | 'lookup'>

function newVerifier(execution: Execution, row: Declared<'credential'>, clientId: string): Verifier {
  const { proof, tenantId } = row
  if (proof.form !== 'secret')
    return { format: proof.format, verifier: proof.verifier, pepperVersion: null, sealedSecret: null }
  const { secret } = proof
  if (secret.kind === 'hash')
    return { format: secret.format, verifier: secret.verifier, pepperVersion: null, sealedSecret: null }
  if (secret.kind === 'kept') throw new Error(`Credential ${row.address} is not there, so nothing is kept.`)
  const text = secret.kind === 'clear' ? secret.secret.reveal() : generateSecret(execution, row, clientId)
  const hashed = execution.effects.hasher.hash(tenantId, clientId, text)
  return { ...hashed, sealedSecret: proof.isSealed ? seal(execution, row, clientId, text) : null }
}

/** The same secret; whether it is kept sealed as well can have changed. Undefined where it has not. */
function keptSealing(
  execution: Execution,
  row: Declared<'credential'>,
  stored: Stored<'credential'>['verifier'],
): Uint8Array | null | undefined {
  const { proof } = row
  if (proof.form !== 'secret' || !proof.isSealed) return null
  if (stored.sealedSecret !== null || proof.secret.kind !== 'clear') return undefined
  return seal(execution, row, stored.clientId, proof.secret.secret.reveal())
}

const seal = (
  { effects }: Execution,
  { tenantId, fields }: Declared<'credential'>,
  clientId: string,
  text: string,
): Uint8Array => sealSecret(effects.sealer, { tenantId, clientId, credentialId: fields.id }, text)

function generateSecret(
  { effects, generated }: Execution,
  row: Declared<'credential'>,
  clientId: string,
): string {
  const { tenantId, fields, blueprint } = row
  const environment = blueprint.file.tenants.find(({ id }) => id === tenantId)?.environment ?? 'test'
  const clientSecret = formatClientSecret(environment, effects.random(32))
  generated.push({ tenantId, appId: fields.appId, credentialId: fields.id, clientId, clientSecret })
  return clientSecret
}
