/**
 * R7 in its long form: the master key is rotated again and again, and killed at a random moment. Run by hand:
 * `node packages/server/test/long/master-key.ts [rounds]`. After each kill everything is read with the key file as it
 * stands. Every fault point one by one: `test/keys/master-key-rotation.test.ts`.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { systemEffects } from '../../src/effects.ts'
import { readMasterKeys } from '../../src/master-key.ts'
import { masterKeyPath, openStore } from '../../src/open-store.ts'
import { addKey, readThings, sealThings } from '../keys/sealed-things.ts'

const rounds = Number(process.argv[2] ?? 50)
const folder = mkdtempSync(join(tmpdir(), 'sallyport-master-key-'))
const location = { data_folder: folder, database_url: null, master_key: null }
const child = fileURLToPath(new URL('../keys/rotate-and-die.ts', import.meta.url))

const first = await openStore(location, systemEffects)
await sealThings(first.db, first.sealer)
// Enough that the work takes a while.
for (let index = 0; index < 200; index += 1) await addKey(first.db, first.sealer, 'HS512', `api-${index}`)
const before = await readThings(first.db, first.sealer)
await first.db.close()

/** How long a whole run takes, so that the kills are spread over it. */
const startedAt = performance.now()
await once(spawn(process.execPath, [child, folder, '0']), 'close')
const runMilliseconds = performance.now() - startedAt

const ends = { killed: 0, 'killed halfway': 0, 'ended before': 0 }
for (let round = 0; round < rounds; round += 1) {
  const running = spawn(process.execPath, [child, folder, '0'])
  const closed = once(running, 'close')
  await Promise.race([closed, wait(randomInt(20, Math.ceil(runMilliseconds)))])
  running.kill('SIGKILL')
  await closed
  const isHalfway = readMasterKeys(masterKeyPath(folder))?.length === 2
  ends[running.signalCode === null ? 'ended before' : isHalfway ? 'killed halfway' : 'killed'] += 1
  const survivor = await openStore(location, systemEffects)
  assert.deepEqual(await readThings(survivor.db, survivor.sealer), before)
  await survivor.db.close()
}
rmSync(folder, { recursive: true })
console.log(`${rounds} rounds, every secret readable after each:`, ends)
