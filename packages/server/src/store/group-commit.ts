/**
 * Many small writes that somebody waits for, in few transactions: those that arrive in one turn of the event loop, or
 * while a write is under way, share the next one, so that under load each costs microseconds and not a disk flush.
 */

import { StoreBusy } from './database.ts'

export interface GroupCommitOptions<Entry, Answer> {
  readonly entriesPerTransaction: number
  /** One transaction; answers in the order of the entries. Called once at a time. */
  readonly write: (entries: readonly Entry[]) => Promise<readonly Answer[]>
}

/** Throws `StoreUnavailable` when nothing can be known: of the whole transaction, and of all who wait behind it. */
export type GroupCommit<Entry, Answer> = (entry: Entry) => Promise<Answer>

interface Waiting<Entry, Answer> {
  readonly entry: Entry
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/** Whoever would wait behind this many is better told to come again. */
const waitingLimit = 5000

export function createGroupCommit<Entry, Answer>({
  entriesPerTransaction,
  write,
}: GroupCommitOptions<Entry, Answer>): GroupCommit<Entry, Answer> {
  let waiting: Waiting<Entry, Answer>[] = []
  let isWriting = false

  async function writeWaiting(): Promise<void> {
    const batch = waiting.slice(0, entriesPerTransaction)
    waiting = waiting.slice(entriesPerTransaction)
    try {
      const answers = await write(batch.map(({ entry }) => entry))
      for (const [index, { resolve }] of batch.entries()) resolve(answers[index] as Answer)
    } catch (error) {
      // Who came meanwhile has waited for this answer as well, and would now wait as long again.
      for (const { reject } of [...batch, ...waiting.splice(0)]) reject(error)
    }
    isWriting = waiting.length > 0
    if (isWriting) setImmediate(writeWaiting)
  }

  return (entry) => {
    if (waiting.length >= waitingLimit)
      return Promise.reject(new StoreBusy('too many are waiting for the database'))
    return new Promise((resolve, reject) => {
      waiting.push({ entry, resolve, reject })
      if (isWriting) return
      isWriting = true
      setImmediate(writeWaiting)
    })
  }
}
