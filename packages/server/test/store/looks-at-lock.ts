/** A thread that looks each millisecond whether it could write to the SQLite file, until it is told to stop; posts how often it could. */

import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

const connection = new DatabaseSync(workerData as string, { timeout: 0 })
const looks = { free: 0, locked: 0 }

const looking = setInterval(() => {
  try {
    connection.exec('begin immediate; rollback')
    looks.free += 1
  } catch {
    looks.locked += 1
  }
}, 1)

parentPort?.postMessage('looking')
parentPort?.once('message', () => {
  clearInterval(looking)
  connection.close()
  parentPort?.postMessage(looks)
})
