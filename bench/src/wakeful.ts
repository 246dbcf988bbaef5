/**
 * Keeps the load process from going to sleep. Over loopback whoever answers pays for waking whoever sleeps, which
 * takes a virtual machine several microseconds, and the slower the answers, the more often the load would sleep
 * between them: a price that no client across a network asks of a server, and the slower contestant alone would pay.
 */

export interface Wakeful {
  /** How long something was found to do, since the start; on the clock that was given, in milliseconds. */
  busyMilliseconds(): number
  /** From here on the process may sleep again. */
  stop(): void
}

export interface WakefulOptions {
  /** How many replies have come so far: a turn of the event loop that brings none was idle. */
  readonly replies: () => number
  readonly clock?: () => number
  /** Runs its argument in the next turn of the event loop, which then does not wait for anything. */
  readonly nextTurn?: (run: () => void) => void
}

export function stayAwake({
  replies,
  clock = () => performance.now(),
  nextTurn = setImmediate,
}: WakefulOptions): Wakeful {
  const start = clock()
  let isOver = false
  let idle = 0
  let lastAt = start
  let lastReplies = replies()
  const turn = () => {
    if (isOver) return
    const now = clock()
    const count = replies()
    if (count === lastReplies) idle += now - lastAt
    lastAt = now
    lastReplies = count
    nextTurn(turn)
  }
  nextTurn(turn)
  return {
    busyMilliseconds: () => clock() - start - idle,
    stop() {
      isOver = true
    },
  }
}
