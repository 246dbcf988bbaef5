/** The steps of a plan as storage verbs, in an order in which no row ever points at one that is not there. */

import { sealSecret } from '../keys/sealed-secret.ts'
import type { Sealer } from '../keys/sealing.ts'
import { removeApi, saveApi } from '../store/apis.ts'
import { addApps, type NewApp, removeApp, saveApp } from '../store/apps.ts'
import { declareCredential } from '../store/credential-terms.ts'
import { addCredentials, type NewAppCredential, removeCredential } from '../store/credentials.ts'
import type { WriteTransaction } from '../store/database.ts'
import { removeOrganization, saveOrganization } from '../store/organizations.ts'
import { removePlan, savePlan } from '../store/plans.ts'
import { addTenant, removeTenant, replaceHosts, saveTenant } from '../store/tenants.ts'
import { type Comparison, disabledAfter, type Step } from './compare.ts'
import { PlanOutdated } from './plan.ts'
import type { Declared, DeclaredRow, Noun, Stored, StoredRow } from './rows.ts'

/** A clear secret, on its only way out. */
export interface GeneratedSecret {
  readonly tenantId: string
  readonly appId: string
  readonly credentialId: string
  readonly clientId: string
  readonly clientSecret: string
}

/** What a new credential proves with, and whose it must be: the proof holds for no other app. */
export type NewProof = Pick<
  NewAppCredential,
  'clientId' | 'format' | 'verifier' | 'pepperVersion' | 'sealedSecret' | 'lookup'
>

/** What of new rows no blueprint says. */
export interface Made {
  /** Of new apps, by `tenant/app`. */
  readonly clientIds: ReadonlyMap<string, string>
  readonly proofs: ReadonlyMap<DeclaredRow, NewProof>
  readonly secrets: readonly GeneratedSecret[]
}

interface Execution {
  readonly tx: WriteTransaction
  readonly proofs: Made['proofs']
  /** By `tenant/app`. */
  readonly clientIds: ReadonlyMap<string, string>
  readonly sealer: Sealer
}

/** Answers the client ids by `tenant/app`, those of new apps too. */
export async function executeSteps(
  tx: WriteTransaction,
  { steps, clientIds: kept }: Comparison,
  made: Made,
  sealer: Sealer,
): Promise<ReadonlyMap<string, string>> {
  const clientIds = new Map([...kept, ...made.clientIds])
  const execution: Execution = { tx, proofs: made.proofs, clientIds, sealer }
  // Names come free before others take them; plans go last, because organizations may just be leaving them.
  for (const noun of ['tenant', 'credential', 'app', 'organization', 'api'] as const)
    await remove(tx, steps, noun)
  await releaseHosts(tx, steps)
  for (const noun of ['tenant', 'api', 'plan', 'organization'] as const)
    for (const step of savedOf(steps, noun)) await saveRow(tx, step)
  await saveApps(execution, steps)
  await saveCredentials(execution, steps)
  await remove(tx, steps, 'plan')
  return clientIds
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

type SaveStep<N extends Noun> = Exclude<Step, { readonly sign: '-' }> & { readonly declared: Declared<N> }

const savedOf = <N extends Noun>(steps: readonly Step[], noun: N): SaveStep<N>[] =>
  steps.filter((step): step is SaveStep<N> => step.sign !== '-' && step.declared.noun === noun)

/** Nothing of whether it is disabled: that is said beside the blueprint, and stays. */
const commonOf = ({ settings, blueprint }: DeclaredRow) => ({ settings, blueprint: blueprint.file.blueprint })

function saveRow(
  tx: WriteTransaction,
  { sign, declared }: SaveStep<'tenant' | 'api' | 'plan' | 'organization'>,
): Promise<void> {
  const { tenantId } = declared
  const common = commonOf(declared)
  switch (declared.noun) {
    case 'tenant':
      return saveTenantRow(tx, declared, common, sign === '+')
    case 'api':
      return saveApi(tx, tenantId, { ...common, id: declared.fields.id, audience: declared.fields.audience })
    case 'plan':
      return savePlan(tx, tenantId, { ...common, id: declared.fields.id })
    case 'organization': {
      const { id, name, plan } = declared.fields
      return saveOrganization(tx, tenantId, { ...common, id, name, planId: plan })
    }
  }
}

/** New ones all at once: there may be thousands, and until the commit others wait who want to write. */
async function saveApps(execution: Execution, steps: readonly Step[]): Promise<void> {
  const { tx } = execution
  const added: (NewApp & OfTenant)[] = []
  for (const { sign, declared } of savedOf(steps, 'app')) {
    const { tenantId, fields } = declared
    const { id, name, organization } = fields
    const clientId = clientIdOf(execution, tenantId, id)
    const app = { ...commonOf(declared), id, name, organizationId: organization, clientId }
    if (sign === '+') added.push({ ...app, tenantId })
    else await saveApp(tx, tenantId, app)
  }
  for (const [tenantId, apps] of byTenant(added)) await addApps(tx, tenantId, apps)
}

interface OfTenant {
  readonly tenantId: string
}

const byTenant = <Row extends OfTenant>(rows: readonly Row[]) => Map.groupBy(rows, ({ tenantId }) => tenantId)

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

/** New ones all at once, like apps. */
async function saveCredentials(execution: Execution, steps: readonly Step[]): Promise<void> {
  const { tx } = execution
  const added: (NewAppCredential & OfTenant)[] = []
  for (const step of savedOf(steps, 'credential')) {
    const { tenantId, fields, blueprint } = step.declared
    const clientId = clientIdOf(execution, tenantId, fields.appId)
    const terms = { id: fields.id, expiresAt: fields.expires_at, blueprint: blueprint.file.blueprint }
    const stored = step.sign === '~' && step.stored.noun === 'credential' ? step.stored : null
    if (stored && step.sign === '~' && !step.replacesProof) {
      const sealedSecret = keptSealing(execution, step.declared, stored.verifier)
      await declareCredential(tx, tenantId, clientId, { ...terms, sealedSecret })
      continue
    }
    // A new proof under an old id is a new credential: its exposure and last use were the old one's.
    if (stored) await removeCredential(tx, tenantId, clientId, fields.id)
    added.push({
      ...{ ...terms, tenantId },
      ...proofFor(execution, step.declared, clientId),
      disabledAt: stored && disabledAfter(stored, true),
    })
  }
  for (const [tenantId, credentials] of byTenant(added)) await addCredentials(tx, tenantId, credentials)
}

function clientIdOf({ clientIds }: Execution, tenantId: string, appId: string): string {
  const clientId = clientIds.get(`${tenantId}/${appId}`)
  if (clientId === undefined) throw new Error(`App ${tenantId}/${appId} has no client id.`)
  return clientId
}

/** Somebody else may have put another app of that name in the place of the one that it was made for. */
function proofFor({ proofs }: Execution, row: Declared<'credential'>, clientId: string): NewProof {
  const proof = proofs.get(row)
  if (proof?.clientId !== clientId) throw new PlanOutdated()
  return proof
}

/** The same secret; whether it is kept sealed as well can have changed. Undefined where it has not. */
function keptSealing(
  { sealer }: Execution,
  row: Declared<'credential'>,
  stored: Stored<'credential'>['verifier'],
): Uint8Array | null | undefined {
  const { proof } = row
  if (proof.form !== 'secret' || !proof.isSealed) return null
  if (stored.sealedSecret !== null || proof.secret.kind !== 'clear') return undefined
  const place = { tenantId: row.tenantId, clientId: stored.clientId, credentialId: row.fields.id }
  return sealSecret(sealer, place, proof.secret.secret.reveal())
}
