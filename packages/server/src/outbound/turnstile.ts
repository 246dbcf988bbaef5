/** Lets so many through at once, so many wait, and turns the others away. */

export interface Turnstile {
  /** What to call on leaving; null for whoever is turned away. */
  enter(): Promise<(() => void) | null>
}

export function createTurnstile(places: number, waitingLimit: number): Turnstile {
  const waiting: ((leave: () => void) => void)[] = []
  let inside = 0
  const leave = () => {
    const next = waiting.shift()
    if (next) next(once(leave))
    else inside -= 1
  }
  return {
    async enter() {
      if (inside < places) {
        inside += 1
        return once(leave)
      }
      if (waiting.length >= waitingLimit) return null
      return new Promise((resolve) => waiting.push(resolve))
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
