/**
 * A process that rotates the master key of a data folder and dies by SIGKILL at the given fault point: around each
 * replacing of the key file, and before, in and after each transaction. With 0 it lives and says how many there are.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import type { Database } from '../../src/store/database.ts'

const [folder = '', point = '0'] = process.argv.slice(2)
let count = 0
const faultPoint = () => {
  count += 1
  if (count === Number(point)) process.kill(process.pid, 'SIGKILL')
}

const { renameSync } = fs
fs.renameSync = (from, to) => {
  faultPoint()
  renameSync(from, to)
  faultPoint()
}
syncBuiltinESMExports()

// After that: they take the functions as they stand when they are loaded.
const { rotateKeyFile } = await import('../../src/cli/rotate-master-key.ts')
const { systemEffects } = await import('../../src/effects.ts')
const { masterKeyPath, openStore } = await import('../../src/open-store.ts')

const location = { data_folder: folder, database_url: null, master_key: null }
const { db, sealer } = await openStore(location, systemEffects)
const dying: Database = {
  ...db,
  async write(work) {
    faultPoint()
    const result = await db.write(async (tx) => {
      const done = await work(tx)
      faultPoint()
      return done
    })
    faultPoint()
    return result
  },
}
const { random } = systemEffects
await rotateKeyFile(masterKeyPath(folder), null, { db: dying, sealer, random, rowsPerTransaction: 2 })
await db.close()
process.stdout.write(`${count}\n`)
