/** What the signing keys of a tenant are, and what becomes of each. */

import type { Database } from '../store/database.ts'
import { listSigningKeys, type SigningKeyState } from '../store/signing-keys.ts'
import { loadTenant } from '../store/tenants.ts'
import { leadSeconds, rotationRules, scheduledSteps } from './rotation-schedule.ts'

export interface KeyReport {
  readonly tenantId: string
  readonly kid: string
  readonly algorithm: string
  readonly apiId: string | null
  readonly state: SigningKeyState
  /** Epoch seconds. */
  readonly since: number
  /** Null where nothing happens by itself. */
  readonly becomes: { readonly state: SigningKeyState; readonly at: number } | null
}

/** The retired too, oldest first. */
export async function reportKeys(db: Database, tenantId: string, now: number): Promise<readonly KeyReport[]> {
  const record = await loadTenant(db, tenantId)
  if (record === null) return []
  const becomes = new Map<string, NonNullable<KeyReport['becomes']>>()
  for (const step of scheduledSteps(record.signingKeys, rotationRules(record, now))) {
    // A server takes it at the next full look; what is overdue is due now.
    const dueAt = Math.max(step.dueAt, now)
    if (step.kind === 'create') becomes.set(step.after, { state: 'retiring', at: dueAt + leadSeconds(step) })
    else for (const { kid, to } of step.moves) becomes.set(kid, { state: to, at: dueAt })
  }
  const keys = await listSigningKeys(db, tenantId)
  return keys.map(({ kid, algorithm, apiId, state, updatedAt }) => ({
    ...{ tenantId, kid, algorithm, apiId, state },
    since: updatedAt,
    becomes: becomes.get(kid) ?? null,
  }))
}
