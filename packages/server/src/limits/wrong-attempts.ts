/**
 * The count of wrong secrets: 10 a minute for a client from one network, 100 for a network. Only wrong attempts
 * are counted and only wrong attempts are refused, so that no stranger can lock a client out.
 */

import { canonicalClientId, networkOf, OAuthError } from '@sallyport/protocol'

const windowSeconds = 60
const perClientAndNetwork = 10
const perNetwork = 100
// About 10 MB at the most, however many names a flood brings.
const countersKept = 50_000

interface Counter {
  count: number
  resetAt: number
}

export interface WrongAttempts {
  /** Counts one wrong attempt; over the limit it throws a 429 instead of returning. */
  refuseIfExceeded(tenantId: string, clientId: string, address: string, now: number): void
  /** True if the client's next wrong attempt from this network would be refused. Counts nothing. */
  isExceeded(tenantId: string, clientId: string, address: string, now: number): boolean
  /** How many attempts have been answered 429 since the start. */
  readonly throttled: number
}

function count(counters: Map<string, Counter>, key: string, now: number): Counter {
  const known = counters.get(key)
  if (known && now < known.resetAt) {
    known.count++
    return known
  }
  counters.delete(key)
  if (counters.size >= countersKept) {
    const [oldest] = counters.keys()
    if (oldest !== undefined) counters.delete(oldest)
  }
  const counter = { count: 1, resetAt: now + windowSeconds }
  counters.set(key, counter)
  return counter
}

// One counter for every spelling of a name, or a change of case would be a fresh start.
const clientKey = (tenantId: string, network: string, clientId: string) =>
  `${tenantId} ${network} ${canonicalClientId(clientId)}`

export function createWrongAttempts(): WrongAttempts {
  const ofClients = new Map<string, Counter>()
  const ofNetworks = new Map<string, Counter>()
  let throttled = 0

  return {
    get throttled() {
      return throttled
    },
    isExceeded(tenantId, clientId, address, now) {
      if (ofClients.size === 0) return false
      const known = ofClients.get(clientKey(tenantId, networkOf(address), clientId))
      return known !== undefined && now < known.resetAt && known.count >= perClientAndNetwork
    },
    refuseIfExceeded(tenantId, clientId, address, now) {
      const network = networkOf(address)
      const ofClient = count(ofClients, clientKey(tenantId, network, clientId), now)
      const ofNetwork = count(ofNetworks, `${tenantId} ${network}`, now)
      if (ofClient.count <= perClientAndNetwork && ofNetwork.count <= perNetwork) return
      throttled++
      const resetAt = Math.max(
        ofClient.count > perClientAndNetwork ? ofClient.resetAt : 0,
        ofNetwork.count > perNetwork ? ofNetwork.resetAt : 0,
      )
      throw new OAuthError('temporarily_unavailable', 'too many wrong secrets', {
        status: 429,
        retryAfterSeconds: Math.max(1, resetAt - now),
      })
    },
  }
}
