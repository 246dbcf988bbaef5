/**
 * Small writes that somebody waits for, made to the SQLite file by a thread with a connection of its own.
 *
 * A commit waits for the disk, on the event loop as long as the disk likes; the thread is why the rest goes on. It
 * starts with the first write, and again with the next one if it should ever die.
 */

import { Worker } from 'node:worker_threads'
import { type Database, StoreUnavailable } from './database.ts'
import { translateSqliteError } from './sqlite-driver.ts'
import {
  packUses,
  type SqliteThreadAnswer,
  type SqliteThreadOptions,
  type SqliteThreadQuestion,
} from './sqlite-thread-message.ts'

export interface SqliteThread extends Pick<Database, 'insertUses' | 'insertOpaqueTokens'> {
  close(): Promise<void>
}

export function createSqliteThread(options: SqliteThreadOptions): SqliteThread {
  let worker: Worker | undefined
  let isClosed = false
  let tail: Promise<unknown> = Promise.resolve()
  let asked: PromiseWithResolvers<SqliteThreadAnswer> | undefined

  function start(): Worker {
    const started = new Worker(new URL('./sqlite-thread-worker.ts', import.meta.url), { workerData: options })
    const onEnd = (cause: unknown) =>
      asked?.reject(new StoreUnavailable('the thread that writes to SQLite has ended', { cause }))
    started.on('message', (answer: SqliteThreadAnswer) => asked?.resolve(answer))
    started.on('exit', (code) => {
      if (worker === started) worker = undefined
      onEnd(code)
    })
    started.on('error', onEnd)
    return started
  }

  async function askNow(question: SqliteThreadQuestion): Promise<readonly boolean[]> {
    if (isClosed) throw new StoreUnavailable('the database is closed')
    worker ??= start()
    const current = worker
    // Holds the process as long as somebody waits, and not longer.
    current.ref()
    asked = Promise.withResolvers()
    current.postMessage(question, question instanceof ArrayBuffer ? [question] : [])
    const answer = await asked.promise
    current.unref()
    if ('isNew' in answer) return answer.isNew
    const error = Object.assign(new Error(answer.errorText), { errcode: answer.errorCode })
    throw translateSqliteError(error)
  }

  /** Answers carry no name, so there is one question at a time. */
  function askInTurn(question: SqliteThreadQuestion): Promise<readonly boolean[]> {
    const asking = tail.then(() => askNow(question))
    tail = asking.catch(() => {})
    return asking
  }

  return {
    insertUses: (uses) => askInTurn(packUses(uses)),
    async insertOpaqueTokens(tokens) {
      await askInTurn(tokens)
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
