/** Compares secrets with bcrypt hashes, one after the other, while the event loop goes on elsewhere. */

import { parentPort } from 'node:worker_threads'
import { compareSync } from 'bcryptjs'

parentPort?.on('message', ([id, secret, hash]: [number, string, string]) => {
  parentPort?.postMessage([id, isMatch(secret, hash)])
})

/** A hash that cannot be read matches nothing. */
function isMatch(secret: string, hash: string): boolean {
  try {
    return compareSync(secret, hash)
  } catch {
    return false
  }
}
