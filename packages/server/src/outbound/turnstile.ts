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

function once(action: () => void): () => void {
  let isDone = false
  return () => {
    if (!isDone) action()
    isDone = true
  }
}
