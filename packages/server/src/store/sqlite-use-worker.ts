/** The thread that writes what is used once into the SQLite file: it waits for the disk, and nobody waits for it. */

import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { readUses, type UseAnswer, type UseWorkerOptions } from './sqlite-use-message.ts'

const { file, synchronous, lockWaitMilliseconds } = workerData as UseWorkerOptions
const connection = new DatabaseSync(file, { timeout: lockWaitMilliseconds })
connection.exec(`pragma synchronous = ${synchronous}; pragma journal_size_limit = 67108864`)
const begin = connection.prepare('begin immediate')
const insert = connection.prepare(
  'insert into used_once (expires_at, digest) values (?, ?) on conflict do nothing',
)
const commit = connection.prepare('commit')

function write(message: ArrayBuffer): boolean[] {
  begin.run()
  const isNew: boolean[] = []
  for (const { expiresAt, digest } of readUses(message))
    isNew.push(insert.run(expiresAt, digest).changes === 1)
  commit.run()
  return isNew
}

function answer(message: ArrayBuffer): UseAnswer {
  try {
    return { isNew: write(message) }
  } catch (error) {
    if (connection.isTransaction) connection.exec('rollback')
    if (!(error instanceof Error) || !('errcode' in error)) throw error
    return { errorText: error.message, errorCode: Number(error.errcode) }
  }
}

parentPort?.on('message', (message: ArrayBuffer | null) => {
  if (message) return parentPort?.postMessage(answer(message))
  connection.close()
  parentPort?.close()
})
