/** What applying a plan has done, as audit records: one for each thing, with its state before and after. */

import type { Actor } from '../store/audit-records.ts'
import type { WriteTransaction } from '../store/database.ts'
import { disabledAfter, type Step } from './compare.ts'
import { formOfFormat } from './proof.ts'
import { publicProofOf } from './public-proof.ts'
import type { DeclaredRow, ResolvedProof, StoredRow } from './rows.ts'

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
  const after = declaredState(declared, disabledAfter(step.stored, step.replacesProof), clientIds)
  // A key or a secret that has taken another's place looks like it from here.
  return [before, step.replacesProof ? { ...after, replaced: true } : after]
}

function storedState(row: StoredRow): object {
  const { noun, owner, disabledAt } = row
  const proof = noun === 'credential' ? proofState(row.verifier) : {}
  return stateOf(row, { ...proof, disabled: disabledAt !== null, blueprint: owner })
}

function declaredState(row: DeclaredRow, disabledAt: number | null, clientIds: ClientIds): object {
  const { noun, tenantId, blueprint } = row
  const clientId = noun === 'app' ? { client_id: clientIds.get(`${tenantId}/${row.fields.id}`) } : {}
  const proof = noun === 'credential' ? declaredProof(row.proof) : {}
  const own = { ...clientId, ...proof, disabled: disabledAt !== null, blueprint: blueprint.file.blueprint }
  return stateOf(row, own)
}

const proofState = ({ format, verifier }: Verifying): object => ({
  kind: formOfFormat(format),
  ...publicProofOf(format, verifier),
})

type Verifying = { readonly format: string; readonly verifier: Uint8Array }

const declaredProof = (proof: ResolvedProof): object =>
  proof.form === 'secret' ? { kind: proof.form } : proofState(proof)

/** Of a credential its terms, and of what it proves with what is public. */
function stateOf({ noun, tenantId, fields, settings }: DeclaredRow | StoredRow, own: object): object {
  const id = noun === 'tenant' ? { id: tenantId } : {}
  if (noun === 'credential') return { id: fields.id, ...own, expires_at: fields.expires_at }
  return { ...id, ...fields, ...settings, ...own }
}
