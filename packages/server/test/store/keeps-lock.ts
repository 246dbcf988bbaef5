/** A thread that writes to the SQLite file all the time, as another process under load does: twenty of 21 milliseconds the lock is its own. */

import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

const { file, isOver } = workerData as {
  readonly file: string
  readonly isOver: Int32Array<SharedArrayBuffer>
}
const connection = new DatabaseSync(file, { timeout: 5_000 })
const sleep = (milliseconds: number) => Atomics.wait(isOver, 0, 0, milliseconds)

connection.exec('begin immediate')
parentPort?.postMessage('locked')
while (Atomics.load(isOver, 0) === 0) {
  sleep(20)
  connection.exec('rollback')
  sleep(1)
  connection.exec('begin immediate')
}
connection.close()
