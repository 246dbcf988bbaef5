/** A proof that is no secret: the client it names is found, checked, and before a refusal found anew. */

import { type Client, provesAlike } from '../../apps/client.ts'
import type { OAuthDeps } from '../deps.ts'
import type { OAuthRequest } from '../request.ts'
import { attemptBy, refuseUnproven } from './attempts.ts'
import type { ProvenClient } from './proven-client.ts'

/**
 * Whether the client is who it says. It is called for a client that does not exist as well, and must then do the same
 * work: how long a refusal takes is nobody's business. A text is the reason for the log.
 */
export type CheckProof = (client: Client | null) => ProvenClient | string | Promise<ProvenClient | string>

/** What is cached may be a moment old: a key that was just added counts, so before a refusal the store is asked. */
export async function proveClaimed(
  request: OAuthRequest,
  clientId: string,
  check: CheckProof,
  { directory, attempts }: OAuthDeps,
): Promise<ProvenClient> {
  const tenantId = request.tenant.id
  const wasCached = directory.isCached(tenantId, clientId)
  const client = await directory.client(tenantId, clientId)
  // Never what was merely sent: people put a secret in the id's place, and the log would keep it.
  if (client) request.notes.clientId = client.clientId
  const checking = check(client)
  const first = checking instanceof Promise ? await checking : checking
  if (typeof first !== 'string') return first
  // In the same breath as a check that waits for nothing, so that no number of guesses at once gets past the count.
  const counted = attempts.count(attemptBy(request, clientId))
  // One read for every failure, whether or not the client stood in memory: a name that is unknown never does.
  const fresh = wasCached ? await directory.freshClient(tenantId, clientId) : null
  // A client that has not changed would cost the same once more, and be refused again.
  const hasChanged = fresh !== null && !(client && provesAlike(fresh, client))
  const second = hasChanged ? await check(fresh) : first
  if (typeof second === 'string') return refuseUnproven(counted.waitSeconds, second)
  counted.forgive()
  return second
}
