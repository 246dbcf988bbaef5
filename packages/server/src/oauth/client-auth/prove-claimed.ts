/** A proof that is no secret: the client it names is found, checked, and before a refusal found anew. */

import type { Client } from '../../apps/client.ts'
import type { TokenDeps } from '../deps.ts'
import type { TokenRequest } from '../token-request.ts'
import { attemptBy, refuseUnproven } from './attempts.ts'
import type { ProvenClient } from './method.ts'

/**
 * Whether the client is who it says. It is called for a client that does not exist as well, and must then do the same
 * work: how long a refusal takes is nobody's business. A text is the reason for the log.
 */
export type CheckProof = (client: Client | null) => ProvenClient | string | Promise<ProvenClient | string>

/** What is cached may be a moment old: a key that was just added counts, so before a refusal the store is asked. */
export async function proveClaimed(
  request: TokenRequest,
  clientId: string,
  check: CheckProof,
  { directory, attempts }: TokenDeps,
): Promise<ProvenClient> {
  const tenantId = request.tenant.id
  const wasCached = directory.isCached(tenantId, clientId)
  const client = await directory.client(tenantId, clientId)
  // Never what was merely sent: people put a secret in the id's place, and the log would keep it.
  if (client) request.notes.clientId = client.clientId
  const first = await check(client)
  if (typeof first !== 'string') return first
  const attempt = attemptBy(request, clientId)
  const waitSeconds = attempts.count(attempt)
  const fresh = await directory.freshClient(tenantId, clientId)
  const second = wasCached && fresh ? await check(fresh) : first
  if (typeof second === 'string') return refuseUnproven(waitSeconds, second)
  attempts.forgive(attempt)
  return second
}
