/**
 * Who may have a slow hash computed: two at once, so that half of Node's threads are left for everybody else, a few
 * waiting, and one computation for all who ask the same. Each client waits behind its own, then behind its tenant's:
 * whoever guesses at one keeps nobody else from his turn.
 */

import { createTurnstile, createTurnstiles, enterAll } from '../../outbound/turnstile.ts'
import type { SlowHash } from './hash.ts'

const places = 2
const waitingLimit = 16
const placesOfTenant = 2
const waitingOfTenant = 8
const placesOfClient = 1
// With the one inside as many as one network may guess in a minute.
const waitingOfClient = 9
// A client gives up after some seconds; what it no longer waits for need not be computed.
const longestWaitMilliseconds = 5_000

export interface Asker {
  readonly tenantId: string
  readonly clientId: string
}

export interface SlowHashes {
  /** Whether the answer to the same question is on its way already. */
  isUnderWay(question: string): boolean
  /** The first of `hashes` that one of `secrets` matches, null for none; `'busy'` for whoever is turned away. */
  find<Hash extends { readonly hash: SlowHash }>(
    question: string,
    hashes: readonly Hash[],
    secrets: readonly string[],
    asker: Asker,
  ): Promise<Match<Hash> | null | 'busy'>
}

export interface Match<Hash> {
  readonly of: Hash
  readonly secret: string
}

export function createSlowHashes(
  deadline: () => AbortSignal = () => AbortSignal.timeout(longestWaitMilliseconds),
): SlowHashes {
  const all = createTurnstile(places, waitingLimit)
  const ofTenants = createTurnstiles(placesOfTenant, waitingOfTenant)
  const ofClients = createTurnstiles(placesOfClient, waitingOfClient)
  const underWay = new Map<string, Promise<unknown>>()

  const gatesFor = ({ tenantId, clientId }: Asker) => [
    (signal: AbortSignal) => ofClients.enter(`${tenantId} ${clientId}`, signal),
    (signal: AbortSignal) => ofTenants.enter(tenantId, signal),
    (signal: AbortSignal) => all.enter(signal),
  ]

  async function compute<Hash extends { readonly hash: SlowHash }>(
    hashes: readonly Hash[],
    secrets: readonly string[],
    asker: Asker,
  ): Promise<Match<Hash> | null | 'busy'> {
    const leave = await enterAll(gatesFor(asker), deadline())
    if (leave === null) return 'busy'
    try {
      for (const of of hashes)
        for (const secret of secrets) if (await of.hash.matches(secret)) return { of, secret }
      return null
    } finally {
      leave()
    }
  }

  return {
    isUnderWay: (question) => underWay.has(question),
    find<Hash extends { readonly hash: SlowHash }>(
      question: string,
      hashes: readonly Hash[],
      secrets: readonly string[],
      asker: Asker,
    ) {
      // The question names the hashes and the secrets, so its answer is about them.
      const known = underWay.get(question) as Promise<Match<Hash> | null | 'busy'> | undefined
      if (known) return known
      const computing = compute(hashes, secrets, asker).finally(() => underWay.delete(question))
      underWay.set(question, computing)
      return computing
    },
  }
}
