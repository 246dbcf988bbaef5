/** The tenant of the other environment. Whoever names it must see it: nobody tries out in this way which tenants there are. */

import type { WriteTransaction } from '../store/database.ts'
import { selectTenant } from '../store/tenants.ts'
import { permissionsAt } from './authorize.ts'
import type { Caller } from './caller.ts'
import { refuseWith } from './problem.ts'

interface Paired {
  readonly environment: 'test' | 'live'
  readonly pair?: string
}

/** Throws `invalid_body`. What stands there already may stay: a blueprint may name what comes later. */
export async function checkPair(
  tx: WriteTransaction,
  caller: Caller,
  { environment, pair }: Paired,
  before: string | undefined,
): Promise<void> {
  if (pair === undefined || pair === before) return
  const isSeen = permissionsAt(caller, { tenantId: pair, organizationId: null }).has('read_tenants')
  const other = isSeen ? await selectTenant(tx.kysely, pair) : null
  if (other !== null && other.environment !== environment) return
  const expected = `a ${environment === 'test' ? 'live' : 'test'} tenant that you may see`
  refuseWith('invalid_body', { misfits: [{ pointer: '/pair', found: 'another one, or none', expected }] })
}
