/**
 * One fetch for all who wait for the same. Whoever has it begun is one of few fetches of its owner: before them is a line
 * of the owner's own, so that who names a thousand silent hosts keeps nobody waiting but himself.
 */

import { aborted } from './aborted.ts'
import { fetchDeadline } from './fetch-json.ts'
import { createTurnstiles, type Turnstiles } from './turnstile.ts'

const fetchesOfOwner = 4
const waitingForOwner = 50

/** For all fetches of an owner, whatever is fetched. */
export const createOwnerTurns = (): Turnstiles => createTurnstiles(fetchesOfOwner, waitingForOwner)

export interface SharedFetches<Result> {
  /**
   * Null for whoever is turned away, or has waited until the signal. `begin` is to end by itself: it goes on for the others
   * who wait.
   */
  join(wanted: Wanted, begin: () => Promise<Result>, signal: AbortSignal): Promise<Result | null>
}

interface Wanted {
  readonly name: string
  readonly owner: string
}

export function createSharedFetches<Result>(
  turns = createOwnerTurns(),
  deadline = fetchDeadline,
): SharedFetches<Result> {
  const fetches = new Map<string, Promise<Result>>()
  const inLine = new Map<string, Promise<Result | null>>()

  function fetchOnce(name: string, begin: () => Promise<Result>): Promise<Result> {
    const fetching = fetches.get(name) ?? begin().finally(() => fetches.delete(name))
    fetches.set(name, fetching)
    return fetching
  }

  /** Not before its turn it can be joined by others: they would wait in the line of an owner that is not theirs. */
  async function takeTurn({ name, owner }: Wanted, begin: () => Promise<Result>): Promise<Result | null> {
    const leave = await turns.enter(owner, deadline())
    if (leave === null) return null
    try {
      return await fetchOnce(name, begin)
    } finally {
      leave()
    }
  }

  function waitInLine(wanted: Wanted, begin: () => Promise<Result>): Promise<Result | null> {
    const place = `${wanted.owner} ${wanted.name}`
    const waiting = inLine.get(place) ?? takeTurn(wanted, begin).finally(() => inLine.delete(place))
    inLine.set(place, waiting)
    return waiting
  }

  return {
    async join(wanted, begin, signal) {
      if (signal.aborted) return null
      const fetching = fetches.get(wanted.name) ?? waitInLine(wanted, begin)
      return Promise.race([fetching, aborted(signal).catch(() => null)])
    },
  }
}
