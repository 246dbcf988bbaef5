/**
 * Writes what is used once into the SQLite file from a thread with a connection of its own.
 *
 * A commit waits for the disk, on the event loop as long as the disk likes; the thread is why the rest goes on. It
 * starts with the first use, and again with the next one if it should ever die.
 */

import { Worker } from 'node:worker_threads'
import { StoreUnavailable, type Use } from './database.ts'
import { translateSqliteError } from './sqlite-driver.ts'
import { packUses, type UseAnswer, type UseWorkerOptions } from './sqlite-use-message.ts'

export interface UseWriter {
  /** One call at a time. */
  insert(uses: readonly Use[]): Promise<readonly boolean[]>
  close(): Promise<void>
}

export function createUseWriter(options: UseWorkerOptions): UseWriter {
  let worker: Worker | undefined
  let isClosed = false

  function start(): Worker {
    const started = new Worker(new URL('./sqlite-use-worker.ts', import.meta.url), { workerData: options })
    started.on('exit', () => {
      if (worker === started) worker = undefined
    })
    // Unheard between two questions, it would end the process; an exit follows.
    started.on('error', () => {})
    return started
  }

  return {
    async insert(uses) {
      if (isClosed) throw new StoreUnavailable('the database is closed')
      worker ??= start()
      const current = worker
      // Holds the process as long as somebody waits, and not longer.
      current.ref()
      const answer = await ask(current, uses)
      current.unref()
      if ('isNew' in answer) return answer.isNew
      const error = Object.assign(new Error(answer.errorText), { errcode: answer.errorCode })
      throw translateSqliteError(error)
    },
    async close() {
      isClosed = true
      if (!worker) return
      const ended = new Promise((resolve) => worker?.on('exit', resolve))
      worker.ref()
      worker.postMessage(null)
      await ended
    },
  }
}

function ask(worker: Worker, uses: readonly Use[]): Promise<UseAnswer> {
  return new Promise((resolve, reject) => {
    const onAnswer = (answer: UseAnswer) => {
      worker.off('error', onEnd).off('exit', onEnd)
      resolve(answer)
    }
    const onEnd = (cause: unknown) =>
      reject(new StoreUnavailable('the thread that writes to SQLite has ended', { cause }))
    worker.once('message', onAnswer).once('error', onEnd).once('exit', onEnd)
    const packed = packUses(uses)
    worker.postMessage(packed, [packed])
  })
}
