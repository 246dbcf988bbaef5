/** Another master key, without losing a secret: at no moment, for no running process (product decision 6, R7). */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { copyFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type RotateDeps, resealForList, rotateKeyFile } from '../../src/cli/rotate-master-key.ts'
import { systemEffects } from '../../src/effects.ts'
import { createSealer, SealBroken } from '../../src/keys/sealing.ts'
import { readMasterKeys } from '../../src/master-key.ts'
import { masterKeyPath, openStore } from '../../src/open-store.ts'
import type { Database } from '../../src/store/database.ts'
import { forEachStore, temporaryFolder } from '../store/each-store.ts'
import { addKey, readThings, sealThings } from './sealed-things.ts'

const { random } = systemEffects
const sealerOf = (...keys: Uint8Array[]) => createSealer(keys, random)

/** An embedded database with its key file, as `serve` and the commands open it. */
async function openFolder(t: TestContext, folder: string) {
  const location = { data_folder: folder, database_url: null, master_key: null }
  const store = await openStore(location, systemEffects)
  t.after(() => store.db.close())
  return store
}

async function startFolder(t: TestContext) {
  const folder = temporaryFolder(t)
  const store = await openFolder(t, folder)
  await sealThings(store.db, store.sealer)
  return { folder, file: masterKeyPath(folder), store, before: await readThings(store.db, store.sealer) }
}

/** Something else happens before each transaction, or inside the one of a number. */
const disturbed = (db: Database, disturb: (write: number) => unknown, inside = Number.NaN): Database => {
  let writes = 0
  return {
    ...db,
    async write(work) {
      writes += 1
      const number = writes
      if (number !== inside) await disturb(number)
      return db.write(async (tx) => {
        const result = await work(tx)
        if (number === inside) await disturb(number)
        return result
      })
    },
  }
}

forEachStore((_engine, suite) => {
  test('product 6: what an older master key has sealed is sealed by the first of the list, and opens with it alone', async (t) => {
    const { db } = await suite.open(t)
    const [old, fresh] = [randomBytes(32), randomBytes(32)]
    await sealThings(db, sealerOf(old))
    const before = await readThings(db, sealerOf(old))
    const { lastSeq } = db.changes
    const deps: RotateDeps = { db, sealer: sealerOf(fresh, old), random, rowsPerTransaction: 1 }
    // A pepper, two keys, two secrets of clients.
    assert.deepEqual(await resealForList(deps), { resealed: 5, left: 0 })
    assert.deepEqual(await readThings(db, sealerOf(fresh)), before)
    await assert.rejects(readThings(db, sealerOf(old)), SealBroken)
    assert.deepEqual(await resealForList(deps), { resealed: 0, left: 0 })
    // What others have in memory opens with what they have in memory.
    assert.equal(db.changes.lastSeq, lastSeq)
  })

  test('product 6: while a node still seals with the old key, nobody is told that it may go', async (t) => {
    const { db } = await suite.open(t)
    const [old, fresh] = [randomBytes(32), randomBytes(32)]
    await sealThings(db, sealerOf(old))
    const busy = disturbed(db, (write) => addKey(db, sealerOf(old), 'HS512', `api-${write}`))
    const sealer = sealerOf(fresh, old)
    const { left } = await resealForList({ db: busy, sealer, random })
    assert.ok(left > 0)
    assert.deepEqual((await resealForList({ db, sealer, random })).left, 0)
    await readThings(db, sealerOf(fresh))
  })

  test('product 6: a secret that no key of the list opens stops the rotation before anything is lost', async (t) => {
    const { db } = await suite.open(t)
    const [old, other, fresh] = [randomBytes(32), randomBytes(32), randomBytes(32)]
    await sealThings(db, sealerOf(old))
    await addKey(db, sealerOf(other), 'HS512', 'elsewhere')
    await assert.rejects(resealForList({ db, sealer: sealerOf(fresh, old), random }), SealBroken)
    await assert.rejects(readThings(db, sealerOf(fresh)), SealBroken)
    await readThings(db, sealerOf(fresh, old, other))
  })
})

test('product 6: the key file holds the new key alone when all is done, for its owner alone, and nothing lies beside it', async (t) => {
  const { folder, file, store, before } = await startFolder(t)
  const [old] = readMasterKeys(file) ?? []
  assert.deepEqual(await rotateKeyFile(file, null, { ...store, random }), { resealed: 5, left: 0 })
  const keys = readMasterKeys(file) ?? []
  assert.equal(keys.length, 1)
  assert.notDeepEqual(keys[0], old)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.ok(!readdirSync(folder).some((name) => name.includes('new')))
  const again = await openFolder(t, folder)
  assert.deepEqual(await readThings(again.db, again.sealer), before)
})

test('product 6: the new key may be one that is handed in; one that is under way is not swapped for another', async (t) => {
  const { file, store } = await startFolder(t)
  const [old = Buffer.alloc(0)] = readMasterKeys(file) ?? []
  const [given, begun] = [randomBytes(32), randomBytes(32)]
  writeFileSync(file, [begun, old].map((key) => Buffer.from(key).toString('base64url')).join(','))
  const deps = { ...store, random }
  await assert.rejects(rotateKeyFile(file, given, deps), /A rotation to another key is under way/)
  assert.equal((await rotateKeyFile(file, null, deps)).left, 0)
  assert.deepEqual(readMasterKeys(file), [begun])
  assert.equal((await rotateKeyFile(file, given, deps)).left, 0)
  assert.deepEqual(readMasterKeys(file), [given])
})

test('product 6: a server that runs on reads what is sealed by the new key, and seals by it, before, while and after', async (t) => {
  const { folder, file, store: server, before } = await startFolder(t)
  const command = await openFolder(t, folder)
  const sealedByServer: string[] = []
  const disturb = async (write: number) => {
    await addKey(server.db, server.sealer, 'HS512', `while-${write}`)
    sealedByServer.push(`while-${write}`)
    assert.equal((await readThings(server.db, server.sealer)).length, before.length + sealedByServer.length)
  }
  const deps = { sealer: command.sealer, random, rowsPerTransaction: 1 }
  const { left } = await rotateKeyFile(file, null, { ...deps, db: disturbed(command.db, disturb) })
  assert.equal(left, 0)
  assert.ok(sealedByServer.length >= 7)
  await addKey(server.db, server.sealer, 'HS512', 'after')
  const fresh = await openFolder(t, folder)
  const things = await readThings(fresh.db, fresh.sealer)
  assert.equal(things.length, before.length + sealedByServer.length + 1)
  assert.deepEqual(await readThings(server.db, server.sealer), things)
})

test('product 6: the old key stays in the file for as long as anything is sealed by it', async (t) => {
  const { folder, file, store } = await startFolder(t)
  const [old = Buffer.alloc(0)] = readMasterKeys(file) ?? []
  let writes = 0
  const stubborn = disturbed(store.db, () => {
    writes += 1
    return addKey(store.db, sealerOf(old), 'HS512', `api-${writes}`)
  })
  const { left } = await rotateKeyFile(file, null, { ...store, random, db: stubborn })
  assert.ok(left > 0)
  assert.deepEqual(readMasterKeys(file)?.at(-1), old)
  const fresh = await openFolder(t, folder)
  await readThings(fresh.db, fresh.sealer)
  assert.equal((await rotateKeyFile(file, null, { ...fresh, random })).left, 0)
  assert.equal(readMasterKeys(file)?.length, 1)
})

test('product 6: whoever waits to write while the old key is dropped does not write what it has sealed', async (t) => {
  const { folder, file, store: server } = await startFolder(t)
  const command = await openFolder(t, folder)
  let waiting: Promise<void> | undefined
  // The last transaction: it has counted, and has replaced the file, but is not over.
  const db = disturbed(
    command.db,
    (write) => {
      if (write === 5) waiting = addKey(server.db, server.sealer, 'HS512', 'late')
    },
    5,
  )
  const { left } = await rotateKeyFile(file, null, { sealer: command.sealer, random, db })
  assert.equal(left, 0)
  assert.ok(waiting)
  await waiting
  assert.equal(readMasterKeys(file)?.length, 1)
  const fresh = await openFolder(t, folder)
  await readThings(fresh.db, fresh.sealer)
})

test('product 6: of two rotations at once none loses a key of the other', async (t) => {
  const { folder, file, before } = await startFolder(t)
  const commands = [await openFolder(t, folder), await openFolder(t, folder)]
  for (let round = 0; round < 5; round += 1) {
    const ends = await Promise.all(
      commands.map((store) => rotateKeyFile(file, null, { ...store, random, rowsPerTransaction: 1 })),
    )
    assert.deepEqual(
      ends.map(({ left }) => left),
      [0, 0],
    )
    const fresh = await openFolder(t, folder)
    assert.deepEqual(await readThings(fresh.db, fresh.sealer), before)
  }
})

test('product 6: with a copy of the key that has been dropped no start goes on as if it were the right one', async (t) => {
  const { folder, file, store } = await startFolder(t)
  const copy = join(folder, 'copy.key')
  copyFileSync(file, copy)
  await rotateKeyFile(file, null, { ...store, random })
  copyFileSync(copy, file)
  await assert.rejects(openFolder(t, folder), /The master key is not the one that sealed this database/)
})

const child = fileURLToPath(new URL('rotate-and-die.ts', import.meta.url))

test('R7: killed at any step, everything is readable with the file as it stands, and the next run ends it', async (t) => {
  const { folder, file, store, before } = await startFolder(t)
  await store.db.close()
  const run = (point: number) =>
    spawnSync(process.execPath, [child, folder, String(point)], { encoding: 'utf8' })
  const points = Number(run(0).stdout)
  assert.ok(points >= 15, `${points} fault points`)
  const seen = new Set<number>()
  for (let point = 1; point <= points; point += 1) {
    const { signal, stderr } = run(point)
    assert.equal(signal, 'SIGKILL', `point ${point}: ${stderr}`)
    seen.add(readMasterKeys(file)?.length ?? 0)
    const survivor = await openFolder(t, folder)
    assert.deepEqual(await readThings(survivor.db, survivor.sealer), before, `point ${point}`)
    const { left } = await rotateKeyFile(file, null, { ...survivor, random })
    assert.equal(left, 0)
    assert.equal(readMasterKeys(file)?.length, 1)
    assert.deepEqual(await readThings(survivor.db, survivor.sealer), before, `point ${point}, ended`)
    await survivor.db.close()
  }
  assert.deepEqual([...seen].toSorted(), [1, 2])
})
