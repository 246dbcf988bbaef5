/**
 * The count of wrong secrets: 10 a minute for a client from one network, 100 from all networks of an IPv6 site, and 100
 * for a network. Only wrong attempts
 * are counted and only wrong attempts are refused, so that no stranger can lock a client out.
 */

import { hash } from 'node:crypto'
import { canonicalClientId, networksOf } from '@sallyport/protocol'
import {
  type Counter,
  createAttemptCounters,
  type Sharing,
  unshared,
  type WrongSecret,
  windowSeconds,
} from './attempt-counters.ts'
import { type AttemptRelay, alone, createTallySender } from './attempt-relay.ts'

const perClientAndNetwork = 10
const perNetwork = 100
// Of IPv6 a customer commonly has 65,536 networks, and must not have as many limits for one client.
const perClientAndSite = 100
// Past the limits a right signature still counts, and to tell it from a wrong one costs what strangers must not spend.
const trialsPerSecond = 10
// Of one network: whoever fills the lane of a name that does not exist leaves nearly all of its neighbours theirs.
const lanesPerNetwork = 64
const lanesKept = 10_000

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
  /** Whether a proof that takes a while to check is to be checked: always within the limits, and ten times a second beyond them. */
  mayTry(attempt: Attempt): boolean
}

interface Names {
  readonly client: string
  readonly network: string
  /** The client from all networks of the site; null for IPv4. */
  readonly clientOfSite: string | null
}

function namesOf({ tenantId, clientId, address }: Attempt): Names {
  const { network, site } = networksOf(address)
  // One counter for every spelling of a name, or a change of case would be a fresh start.
  const id = canonicalClientId(clientId)
  return {
    network: `${tenantId} ${network}`,
    client: `${tenantId} ${network} ${id}`,
    clientOfSite: site === null ? null : `${tenantId} ${site} ${id}`,
  }
}

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

export function createWrongAttempts(sharing: Sharing = unshared, relay: AttemptRelay = alone): WrongAttempts {
  const send = createTallySender(relay)
  const ofClients = createAttemptCounters(sharing, (tally) => send({ of: 'client', ...tally }))
  const ofNetworks = createAttemptCounters(sharing, (tally) => send({ of: 'network', ...tally }))
  const trials = createTrials()
  relay.follow((tallies, isOwn) => {
    for (const tally of tallies) (tally.of === 'client' ? ofClients : ofNetworks).hear(tally, isOwn)
  })

  /** 0 up to `limit`, else what is left of the minute. */
  function waitAbove(limit: number, counter: Counter | undefined, now: number): number {
    if (counter === undefined) return 0
    // Of guesses that arrive everywhere at once the others have counted as many as this one, and not told yet.
    const untold = Math.max(0, counter.unheard - 1) * (relay.processes - 1)
    return counter.count + untold > limit ? counter.windowStartedAt + windowSeconds - now : 0
  }

  /** Of the limit that one more wrong attempt would exceed: how long it lasts, and what those past it share meanwhile. */
  function exceeded(attempt: Attempt): { readonly lane: string; readonly waitSeconds: number } | null {
    if (ofNetworks.isEmpty) return null
    const { now } = attempt
    const { network, client, clientOfSite } = namesOf(attempt)
    const networkWait = waitAbove(perNetwork - 1, ofNetworks.find(network, now), now)
    if (networkWait > 0) return { lane: `${network} ${laneOf(client)}`, waitSeconds: networkWait }
    const clientWait = waitAbove(perClientAndNetwork - 1, ofClients.find(client, now), now)
    if (clientWait > 0) return { lane: client, waitSeconds: clientWait }
    if (clientOfSite === null) return null
    const siteWait = waitAbove(perClientAndSite - 1, ofClients.find(clientOfSite, now), now)
    return siteWait > 0 ? { lane: clientOfSite, waitSeconds: siteWait } : null
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
      const clientWait = waitAbove(perClientAndNetwork, ofClient, now)
      // What one network has beyond its own limit is not taken from its neighbours.
      const ofSite =
        names.clientOfSite === null || clientWait > 0 ? null : ofClients.count(names.clientOfSite, now)
      return {
        waitSeconds: ofSite === null ? clientWait : waitAbove(perClientAndSite, ofSite, now),
        forgive() {
          ofNetworks.takeBack(ofNetwork)
          ofClients.takeBack(ofClient)
          if (ofSite !== null) ofClients.takeBack(ofSite)
        },
      }
    },
    waitSeconds: (attempt) => exceeded(attempt)?.waitSeconds ?? 0,
    mayTry(attempt) {
      const limit = exceeded(attempt)
      return limit === null || trials.isLeft(limit.lane, attempt.now)
    },
  }
}

/** The same for a name that exists and for one that does not. */
const laneOf = (client: string): number => hash('sha256', client, 'buffer').readUInt8() % lanesPerNetwork

interface Trials {
  /** Takes one. */
  isLeft(lane: string, now: number): boolean
}

function createTrials(): Trials {
  const taken = new Map<string, number>()
  let second = 0
  return {
    isLeft(lane, now) {
      if (now !== second) taken.clear()
      second = now
      const count = taken.get(lane) ?? 0
      if (count >= trialsPerSecond || taken.size >= lanesKept) return false
      taken.set(lane, count + 1)
      return true
    },
  }
}
