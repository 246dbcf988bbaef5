/** What the server does now and then without being asked. */

import { StoreUnavailable } from './store/database.ts'

export interface Chore {
  readonly everyMilliseconds: number
  /** `stopping` is aborted when whoever stops begins to wait for it: what can go on another time ends early then. */
  work(stopping?: AbortSignal): Promise<unknown>
}

export interface Upkeep {
  /** No chore begins any more; resolves when none is under way. */
  stop(): Promise<void>
}

/** A chore is not begun again before it has ended, and keeps no process alive. */
export function startUpkeep(chores: readonly Chore[], onFailure: (error: unknown) => void): Upkeep {
  const stopping = new AbortController()
  const stops = chores.map((chore) => repeat(chore, stopping.signal, onFailure))
  return {
    async stop() {
      stopping.abort()
      await Promise.all(stops.map((stop) => stop()))
    },
  }
}

function repeat(
  { everyMilliseconds, work }: Chore,
  stopping: AbortSignal,
  onFailure: (error: unknown) => void,
) {
  let underWay: Promise<unknown> | null = null
  const timer = setInterval(() => {
    underWay ??= attempt(() => work(stopping), onFailure).finally(() => {
      underWay = null
    })
  }, everyMilliseconds)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await underWay
  }
}

/** A database that is gone is told of by who watches it (`store/availability.ts`), and the chore comes again. */
export async function attempt(
  work: () => Promise<unknown>,
  onFailure: (error: unknown) => void,
): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) onFailure(error)
  }
}
