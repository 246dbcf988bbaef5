/**
 * The count of wrong secrets: 10 a minute for a client from one network, 100 for a network. Only wrong attempts
 * are counted and only wrong attempts are refused, so that no stranger can lock a client out.
 */

import { canonicalClientId, networkOf } from '@sallyport/protocol'
import { RecentMap } from '../store/read-through.ts'

const windowSeconds = 60
const perClientAndNetwork = 10
const perNetwork = 100
// About 10 MB at the most, however many names a flood brings.
const countersKept = 50_000

export interface Attempt {
  readonly tenantId: string
  readonly clientId: string
  readonly address: string
  readonly now: number
}

/** Each answer is in seconds to wait, and 0 within the limits. */
export interface WrongAttempts {
  /** Counts one wrong attempt. */
  count(attempt: Attempt): number
  /** Takes back an attempt that has turned out to be right. */
  forgive(attempt: Attempt): void
  /** What one more wrong attempt on this client from this network would be told: it is over its limit, or the network is. Counts nothing. */
  waitSeconds(attempt: Attempt): number
}

interface Counter {
  count: number
  resetAt: number
}

/** A window that begins in the future was opened before the clock was set back, and ends with that. */
const isRunning = ({ resetAt }: Counter, now: number): boolean =>
  now < resetAt && now >= resetAt - windowSeconds

function find(counters: RecentMap<Counter>, key: string, now: number): Counter | undefined {
  const known = counters.get(key)
  return known && isRunning(known, now) ? known : undefined
}

function count(counters: RecentMap<Counter>, key: string, now: number): Counter {
  const known = find(counters, key, now)
  if (known) {
    known.count++
    return known
  }
  const counter = { count: 1, resetAt: now + windowSeconds }
  counters.set(key, counter)
  return counter
}

interface Keys {
  readonly client: string
  readonly network: string
}

function keysOf({ tenantId, clientId, address }: Attempt): Keys {
  const network = `${tenantId} ${networkOf(address)}`
  // One counter for every spelling of a name, or a change of case would be a fresh start.
  return { network, client: `${network} ${canonicalClientId(clientId)}` }
}

export function createWrongAttempts(): WrongAttempts {
  // Two generations: taking the oldest out of one map costs more with each one taken, which a flood would use.
  const ofClients = new RecentMap<Counter>(countersKept)
  const ofNetworks = new RecentMap<Counter>(countersKept)

  return {
    count(attempt) {
      const { now } = attempt
      const keys = keysOf(attempt)
      const ofNetwork = count(ofNetworks, keys.network, now)
      // A network over its limit opens no counter of a client any more: its flood of names must not push others out.
      if (ofNetwork.count > perNetwork) return ofNetwork.resetAt - now
      const ofClient = count(ofClients, keys.client, now)
      return ofClient.count > perClientAndNetwork ? ofClient.resetAt - now : 0
    },
    forgive(attempt) {
      const keys = keysOf(attempt)
      const counters = [
        find(ofClients, keys.client, attempt.now),
        find(ofNetworks, keys.network, attempt.now),
      ]
      for (const counter of counters) if (counter && counter.count > 0) counter.count--
    },
    waitSeconds(attempt) {
      if (ofClients.size === 0) return 0
      const keys = keysOf(attempt)
      const ofNetwork = find(ofNetworks, keys.network, attempt.now)
      if (ofNetwork && ofNetwork.count >= perNetwork) return ofNetwork.resetAt - attempt.now
      const ofClient = find(ofClients, keys.client, attempt.now)
      return ofClient && ofClient.count >= perClientAndNetwork ? ofClient.resetAt - attempt.now : 0
    },
  }
}
