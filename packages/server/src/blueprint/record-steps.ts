/** What applying a plan has done, as audit records: one for each thing, with its state before and after. */

import type { Actor } from '../store/audit-records.ts'
import type { WriteTransaction } from '../store/database.ts'
import type { Step } from './compare.ts'
import { formOfFormat } from './proof.ts'
import type { DeclaredRow, StoredRow } from './rows.ts'

type ClientIds = ReadonlyMap<string, string>

const verbs = { '+': 'add', '~': 'change', '-': 'remove' } as const

export function recordSteps(
  tx: WriteTransaction,
  steps: readonly Step[],
  clientIds: ClientIds,
  actor: Actor,
): void {
  for (const step of steps) {
    const row = step.sign === '-' ? step.stored : step.declared
    const [before, after] = statesOf(step, clientIds)
    tx.audit({
      ...{ tenantId: row.tenantId, actor, target: targetOf(row, clientIds) },
      action: `${verbs[step.sign]} ${row.noun}`,
      before: before && JSON.stringify(before),
      after: after && JSON.stringify(after),
    })
  }
}

/** As the management API names them. */
function targetOf(row: DeclaredRow | StoredRow, clientIds: ClientIds): string {
  const { noun, tenantId } = row
  if (noun === 'tenant') return `tenant ${tenantId}`
  if (noun === 'app') return `app ${clientIds.get(`${tenantId}/${row.fields.id}`)}`
  if (noun !== 'credential') return `${noun} ${row.fields.id}`
  return `credential ${clientIds.get(`${tenantId}/${row.fields.appId}`)} ${row.fields.id}`
}

function statesOf(step: Step, clientIds: ClientIds): readonly [before: object | null, after: object | null] {
  if (step.sign === '-') return [storedState(step.stored), null]
  const { declared } = step
  if (step.sign === '+') return [null, declaredState(declared, null, clientIds)]
  const before = storedState(step.stored)
  const after = declaredState(declared, step.stored.disabledAt, clientIds)
  // A key or a secret that has taken another's place looks like it from here.
  return [before, step.replacesProof ? { ...after, replaced: true } : after]
}

function storedState(row: StoredRow): object {
  const { noun, owner, disabledAt } = row
  const kind = noun === 'credential' ? { kind: formOfFormat(row.verifier.format) } : {}
  return stateOf(row, { ...kind, disabled: disabledAt !== null, blueprint: owner })
}

function declaredState(row: DeclaredRow, disabledAt: number | null, clientIds: ClientIds): object {
  const { noun, tenantId, blueprint } = row
  const clientId = noun === 'app' ? { client_id: clientIds.get(`${tenantId}/${row.fields.id}`) } : {}
  const kind = noun === 'credential' ? { kind: row.proof.form } : {}
  const own = { ...clientId, ...kind, disabled: disabledAt !== null, blueprint: blueprint.file.blueprint }
  return stateOf(row, own)
}

/** Of a credential its terms: what it proves with is nobody's to read here. */
function stateOf({ noun, tenantId, fields, settings }: DeclaredRow | StoredRow, own: object): object {
  const id = noun === 'tenant' ? { id: tenantId } : {}
  if (noun === 'credential') return { id: fields.id, ...own, expires_at: fields.expires_at }
  return { ...id, ...fields, ...settings, ...own }
}
