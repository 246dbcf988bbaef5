/** A folder for one process alone, by a lock of the system: none is left behind by a process that was killed. */

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { primaryCode, resultCodes, translateSqliteError } from './sqlite-driver.ts'

/**
 * Holds it until this process ends; false where another one does. The lock is on a file of that `name`: commands and servers
 * may open the database meanwhile.
 */
export function holdFolder(folder: string, name: string): boolean {
  const lock = new DatabaseSync(join(folder, `${name}.lock`), { timeout: 0 })
  try {
    lock.exec('begin exclusive')
  } catch (error) {
    lock.close()
    if (primaryCode(error) === resultCodes.busy) return false
    throw translateSqliteError(error)
  }
  // It would let go when it is collected, so somebody has to know of it.
  process.once('exit', () => lock.close())
  return true
}
