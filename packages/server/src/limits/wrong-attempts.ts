/**
 * The count of wrong secrets: 10 a minute for a client from one network, 100 for a network. Only wrong attempts
 * are counted and only wrong attempts are refused, so that no stranger can lock a client out.
 */

import { canonicalClientId, networkOf } from '@sallyport/protocol'
import {
  type Counter,
  createAttemptCounters,
  type Sharing,
  unshared,
  type WrongSecret,
  windowSeconds,
} from './attempt-counters.ts'

const perClientAndNetwork = 10
const perNetwork = 100
// Past the limits a right signature still counts, and to tell it from a wrong one costs what strangers must not spend.
const trialsPerSecond = 10
const trialNamesKept = 10_000

export interface Attempt {
  readonly tenantId: string
  readonly clientId: string
  readonly address: string
  readonly now: number
}

/** A wrong attempt, as it was counted. */
export interface CountedAttempt {
  /** 0 within the limits. */
  readonly waitSeconds: number
  /** Takes it back: it has turned out to be right. */
  forgive(): void
}

export interface WrongAttempts {
  /**
   * Counts one wrong attempt. The same wrong secret of the same client once more, at another place in the request, is
   * no attempt of its own: client libraries try the body after the header.
   */
  count(attempt: Attempt, secret?: WrongSecret): CountedAttempt
  /** What one more wrong attempt on this client from this network would be told: it is over its limit, or the network is. Counts nothing. */
  waitSeconds(attempt: Attempt): number
  /** Whether a proof that takes a while to check is to be checked: always within the limits, and beyond them now and then. */
  mayTry(attempt: Attempt): boolean
}

interface Names {
  readonly client: string
  readonly network: string
}

function namesOf({ tenantId, clientId, address }: Attempt): Names {
  const network = `${tenantId} ${networkOf(address)}`
  // One counter for every spelling of a name, or a change of case would be a fresh start.
  return { network, client: `${network} ${canonicalClientId(clientId)}` }
}

/** 0 up to `limit`, else what is left of the minute. */
const waitAbove = (limit: number, counter: Counter | undefined, now: number): number =>
  counter !== undefined && counter.count > limit ? counter.windowStartedAt + windowSeconds - now : 0

/** Nothing in the second presentation that the first has not tried; a third one is an attempt again. */
function excuses({ lastWrong }: Counter, { presentation, digests }: WrongSecret): boolean {
  if (lastWrong === null || lastWrong.isExcused || lastWrong.presentation === presentation) return false
  return digests.every((digest) => lastWrong.digests.includes(digest))
}

function remember(counter: Counter, secret: WrongSecret): void {
  const isSame = counter.lastWrong?.digests.join() === secret.digests.join()
  // Or one secret, sent by turns at two places, would cost half as much for ever.
  if (!isSame) counter.lastWrong = { ...secret, isExcused: false }
}

const nothing = () => {}

export function createWrongAttempts(sharing: Sharing = unshared): WrongAttempts {
  const ofClients = createAttemptCounters(sharing)
  const ofNetworks = createAttemptCounters(sharing)
  const trials = createTrials()

  /** Whose limit one more wrong attempt would exceed. */
  function exceeded(attempt: Attempt): { readonly name: string; readonly waitSeconds: number } | null {
    if (ofNetworks.isEmpty) return null
    const { now } = attempt
    const { network, client } = namesOf(attempt)
    const networkWait = waitAbove(perNetwork - 1, ofNetworks.find(network, now), now)
    if (networkWait > 0) return { name: network, waitSeconds: networkWait }
    const clientWait = waitAbove(perClientAndNetwork - 1, ofClients.find(client, now), now)
    return clientWait > 0 ? { name: client, waitSeconds: clientWait } : null
  }

  return {
    count(attempt, secret) {
      const { now } = attempt
      const names = namesOf(attempt)
      const known = secret && ofClients.find(names.client, now)
      if (known?.lastWrong && secret && excuses(known, secret)) {
        known.lastWrong.isExcused = true
        const ofNetwork = ofNetworks.find(names.network, now)
        const waitSeconds =
          waitAbove(perClientAndNetwork, known, now) || waitAbove(perNetwork, ofNetwork, now)
        return { waitSeconds, forgive: nothing }
      }
      const ofNetwork = ofNetworks.count(names.network, now)
      const networkWait = waitAbove(perNetwork, ofNetwork, now)
      // A network over its limit opens no counter of a client any more: its flood of names must not push others out.
      if (networkWait > 0) {
        return { waitSeconds: networkWait, forgive: () => ofNetworks.takeBack(ofNetwork) }
      }
      const ofClient = ofClients.count(names.client, now)
      if (secret) remember(ofClient, secret)
      return {
        waitSeconds: waitAbove(perClientAndNetwork, ofClient, now),
        forgive() {
          ofNetworks.takeBack(ofNetwork)
          ofClients.takeBack(ofClient)
        },
      }
    },
    waitSeconds: (attempt) => exceeded(attempt)?.waitSeconds ?? 0,
    mayTry(attempt) {
      const limit = exceeded(attempt)
      return limit === null || trials.isLeft(limit.name, attempt.now)
    },
  }
}

interface Trials {
  /** Takes one. */
  isLeft(name: string, now: number): boolean
}

function createTrials(): Trials {
  const taken = new Map<string, number>()
  let second = 0
  return {
    isLeft(name, now) {
      if (now !== second) taken.clear()
      second = now
      const count = taken.get(name) ?? 0
      if (count >= trialsPerSecond || taken.size >= trialNamesKept) return false
      taken.set(name, count + 1)
      return true
    },
  }
}
