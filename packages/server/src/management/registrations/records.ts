/** What the audit chain says of apps that register themselves: the same as when people make, change and remove them. */

import { isDeepStrictEqual } from 'node:util'
import { listCredentials } from '../../store/credentials.ts'
import type { WriteTransaction } from '../../store/database.ts'
import { credentialState } from '../credential-shapes.ts'

export interface By {
  readonly tenantId: string
  readonly actor: string
  readonly requestId: string | undefined
}

interface Done {
  readonly action: string
  /** JSON text; null where there is none. */
  readonly before: string | null
  readonly after: string | null
}

export const recordApp = (tx: WriteTransaction, by: By, clientId: string, done: Done): void =>
  record(tx, by, `app ${clientId}`, done)

/** Does the work, and says which credentials of the app have come of it, changed or gone. */
export async function recordingCredentials<Result>(
  tx: WriteTransaction,
  by: By,
  clientId: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const before = await credentialStates(tx, by.tenantId, clientId)
  const result = await work()
  const after = await credentialStates(tx, by.tenantId, clientId)
  for (const id of new Set([...before.keys(), ...after.keys()])) {
    const [was = null, is = null] = [before.get(id), after.get(id)]
    if (isDeepStrictEqual(was, is)) continue
    const action = was === null ? 'createCredential' : is === null ? 'removeCredential' : 'updateCredential'
    const done = { action, before: was && JSON.stringify(was), after: is && JSON.stringify(is) }
    record(tx, by, `credential ${clientId} ${id}`, done)
  }
  return result
}

type State = ReturnType<typeof credentialState>

async function credentialStates(
  tx: WriteTransaction,
  tenantId: string,
  clientId: string,
): Promise<ReadonlyMap<string, State>> {
  const rows = await listCredentials(tx, tenantId, clientId)
  return new Map(rows.map((row) => [row.id, credentialState(row)]))
}

function record(tx: WriteTransaction, { requestId, ...by }: By, target: string, done: Done): void {
  tx.audit({ ...by, target, ...done, ...(requestId !== undefined && { requestId }) })
}
