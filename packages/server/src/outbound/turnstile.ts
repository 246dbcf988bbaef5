/** Lets so many through at once, so many wait, and turns the others away. */

export interface Turnstile {
  /** What to call on leaving; null for whoever is turned away, or has waited until the signal. */
  enter(signal: AbortSignal): Promise<(() => void) | null>
}

type Enter = (leave: (() => void) | null) => void

export function createTurnstile(places: number, waitingLimit: number): Turnstile {
  const waiting = new Set<Enter>()
  let inside = 0

  function leave(): void {
    const [next] = waiting
    if (next === undefined) inside -= 1
    else {
      waiting.delete(next)
      next(once(leave))
    }
  }

  const wait = (signal: AbortSignal) =>
    new Promise<(() => void) | null>((enter) => {
      waiting.add(enter)
      const giveUp = () => {
        if (waiting.delete(enter)) enter(null)
      }
      signal.addEventListener('abort', giveUp, { once: true })
    })

  return {
    async enter(signal) {
      if (signal.aborted) return null
      if (inside >= places) return waiting.size < waitingLimit ? wait(signal) : null
      inside += 1
      return once(leave)
    },
  }
}

export interface Turnstiles {
  enter(name: string, signal: AbortSignal): Promise<(() => void) | null>
}

/** One for each name, while somebody is inside or waits. */
export function createTurnstiles(places: number, waitingLimit: number): Turnstiles {
  const named = new Map<string, { readonly turnstile: Turnstile; users: number }>()
  return {
    async enter(name, signal) {
      const its = named.get(name) ?? { turnstile: createTurnstile(places, waitingLimit), users: 0 }
      named.set(name, its)
      its.users += 1
      const forget = () => {
        its.users -= 1
        if (its.users === 0) named.delete(name)
      }
      const leave = await its.turnstile.enter(signal)
      if (leave === null) {
        forget()
        return null
      }
      return once(() => {
        leave()
        forget()
      })
    },
  }
}

/** Through one after the other; whoever is turned away at one has left those before it. */
export async function enterAll(
  gates: readonly ((signal: AbortSignal) => Promise<(() => void) | null>)[],
  signal: AbortSignal,
): Promise<(() => void) | null> {
  const leaves: (() => void)[] = []
  const leaveAll = () => {
    for (const leave of leaves.toReversed()) leave()
  }
  for (const enter of gates) {
    const leave = await enter(signal)
    if (leave === null) {
      leaveAll()
      return null
    }
    leaves.push(leave)
  }
  return leaveAll
}

function once(action: () => void): () => void {
  let isDone = false
  return () => {
    if (!isDone) action()
    isDone = true
  }
}
