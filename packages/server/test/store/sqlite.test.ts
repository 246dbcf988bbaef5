/** What can be wrong with a file: each a clear sentence, nothing overwritten, and no write that only seems to work. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { findClient, saveApp } from '../../src/store/apps.ts'
import { StoreRefused, StoreUnavailable } from '../../src/store/database.ts'
import { openSqlite } from '../../src/store/sqlite.ts'
import { resultCodes, translateSqliteError } from '../../src/store/sqlite-driver.ts'
import { listTenantIds, saveTenant } from '../../src/store/tenants.ts'
import { createClock, saveSampleTenant, temporaryFolder } from './each-store.ts'

const skip = process.env.STORAGE === 'postgres' && 'STORAGE=postgres'
const tenant = { name: 'T', environment: 'test', settings: {} } as const
const open = (file: string) => openSqlite({ file, clock: createClock(), synchronous: 'off' })

async function filledFile(t: TestContext): Promise<string> {
  const file = join(temporaryFolder(t), 'store.db')
  const db = await open(file)
  await saveSampleTenant(db, 'a')
  await db.close()
  return file
}

async function assertRefused(file: string, sentence: string): Promise<void> {
  await assert.rejects(open(file), (error) => {
    assert.ok(error instanceof StoreRefused, String(error))
    assert.equal(error.message, sentence)
    return true
  })
}

test('issue Fresh machine: a file that is no database is refused and left as it is', { skip }, async (t) => {
  const file = join(temporaryFolder(t), 'store.db')
  writeFileSync(file, 'Dear diary, '.repeat(1000))
  const before = readFileSync(file)
  await assertRefused(
    file,
    `${file} is not a SQLite database: name another file, or ${waysOn}. Nothing has been changed.`,
  )
  assert.deepEqual(readFileSync(file), before)
})

test('issue Fresh machine: a truncated database is refused and left as it is', { skip }, async (t) => {
  const file = await filledFile(t)
  truncateSync(file, Math.floor(statSync(file).size / 2))
  const before = readFileSync(file)
  await assertRefused(file, damagedSentence(file))
  assert.deepEqual(readFileSync(file), before)
})

test('issue Fresh machine: a database with a page of garbage is refused and left as it is', {
  skip,
}, async (t) => {
  const file = await filledFile(t)
  const bytes = readFileSync(file)
  bytes.fill(0xa5, 4096 * 5, 4096 * 6)
  writeFileSync(file, bytes)
  await assertRefused(file, damagedSentence(file))
  assert.deepEqual(readFileSync(file), bytes)
})

const damagedSentence = (file: string) =>
  `The database file ${file} is damaged: ${waysOn}. Nothing has been changed.`

const waysOn =
  'restore a backup over it with `sallyport restore FILE --yes`, or, to begin anew, move it and its master key away'

test('issue Fresh machine: the database of another program is refused and left as it is', {
  skip,
}, async (t) => {
  const file = join(temporaryFolder(t), 'store.db')
  const theirs = new DatabaseSync(file)
  theirs.exec('create table recipes (name text)')
  theirs.close()
  const before = readFileSync(file)
  await assertRefused(file, `${file} is the database of another program: name another file or folder.`)
  assert.deepEqual(readFileSync(file), before)
})

test('issue Fresh machine: an unwritable folder is refused', { skip }, async (t) => {
  const folder = temporaryFolder(t)
  const sentence = (file: string, code: string) =>
    `The database file ${file} cannot be written (${code}): ` +
    (code === 'ENOTDIR'
      ? 'a part of its path is a file, so name another folder.'
      : 'give this user write access to the folder, or name another one.')
  const notAFolder = join(folder, 'file')
  writeFileSync(notAFolder, '')
  const inFile = join(notAFolder, 'store.db')
  await assertRefused(inFile, sentence(inFile, 'ENOTDIR'))
  if (process.getuid?.() === 0) return
  const locked = join(folder, 'locked')
  mkdirSync(locked)
  chmodSync(locked, 0o500)
  const inLocked = join(locked, 'store.db')
  await assertRefused(inLocked, sentence(inLocked, 'EACCES'))
})

test('trust R1: the file is written through to the disk by default, and only its owner may read it', {
  skip,
}, async (t) => {
  const file = join(temporaryFolder(t), 'new', 'store.db')
  const db = await openSqlite({ file, clock: createClock() })
  await saveSampleTenant(db, 'a')
  const { rows } = await db.write((tx) => sql<{ synchronous: number }>`pragma synchronous`.execute(tx.kysely))
  assert.equal(rows[0]?.synchronous, 2, 'FULL')
  for (const suffix of ['', '-wal']) assert.equal(statSync(file + suffix).mode & 0o777, 0o600)
  await db.close()
  await db.close()
})

test('trust R4: a file locked for too long answers StoreUnavailable, reads go on, and it heals', {
  skip,
}, async (t) => {
  const file = await filledFile(t)
  const db = await open(file)
  t.after(() => db.close())
  const blocker = new DatabaseSync(file)
  t.after(() => blocker.close())
  blocker.exec('begin immediate')
  let turns = 0
  const turning = setInterval(() => {
    turns += 1
  }, 10)
  await assert.rejects(
    db.write((tx) => saveTenant(tx, 'b', tenant)),
    new StoreUnavailable(
      'The database is locked by another program: wait until that has ended or stop it, then try again.',
    ),
  )
  clearInterval(turning)
  assert.ok(turns > 10, 'the event loop had its turns')
  assert.notEqual(await findClient(db, 'a', 'client-1'), null)
  await db.ping()
  blocker.exec('rollback')
  await db.write((tx) => saveTenant(tx, 'b', tenant))
  assert.deepEqual(await listTenantIds(db), ['a', 'b'])
})

for (const [fate, lose] of [
  ['removed', (file: string) => rmSync(file)],
  [
    'replaced by a copy',
    (file: string) => {
      copyFileSync(file, `${file}.copy`)
      renameSync(`${file}.copy`, file)
    },
  ],
] as const)
  test(`trust R19: a file that is ${fate} under its server is a lost database until it is there again`, {
    skip,
  }, async (t) => {
    const file = await filledFile(t)
    const db = await open(file)
    t.after(() => db.close())
    await db.ping()
    const kept = `${file}.kept`
    linkSync(file, kept)
    lose(file)
    const sentence =
      'The database file was removed or replaced under the running server: stop it, and restore a backup.'
    await assert.rejects(db.ping(), new StoreUnavailable(sentence))
    renameSync(kept, file)
    await db.ping()
  })

test('trust R18: on a full disk writes answer StoreUnavailable, reads go on, nothing is corrupt, and it heals', {
  skip: skip || (process.platform !== 'linux' && 'needs prlimit'),
}, async (t) => {
  const file = await filledFile(t)
  const program = fileURLToPath(new URL('./fill-disk.ts', import.meta.url))
  const { stdout, stderr, status } = spawnSync(process.execPath, [program, file], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  assert.deepEqual(JSON.parse(stdout), {
    failed: 'StoreUnavailable',
    useFailed: 'StoreUnavailable',
    readable: true,
    healed: true,
  })
  const db = await open(file)
  t.after(() => db.close())
  const ids = await listTenantIds(db)
  assert.ok(ids.includes('after'))
  const [check] = new DatabaseSync(file).prepare('pragma integrity_check').all()
  assert.equal(check?.integrity_check, 'ok')
})

test('store errors: no outage is told in the words of SQLite, and each names the next step', () => {
  for (const [name, code] of Object.entries(resultCodes)) {
    // Extended codes carry the same low byte.
    for (const errcode of [code, code + 256 * 19]) {
      const raw = Object.assign(new Error(`the words of SQLite: ${name}`), { errcode })
      const error = translateSqliteError(raw)
      assert.ok(error instanceof StoreUnavailable, name)
      assert.match(error.message, /^The(re)? .*: [^:]+\.$/)
      assert.doesNotMatch(error.message, /SQLite:/)
      assert.equal(error.cause, raw)
    }
  }
  const full = translateSqliteError(Object.assign(new Error('database or disk is full'), { errcode: 13 }))
  assert.match(String(full), /: The disk of the data folder is full: make room on it, then try again\.$/)
})

test('store errors: what is the fault of a caller stays its own error, and rolls back', {
  skip,
}, async (t) => {
  const file = await filledFile(t)
  const db = await open(file)
  t.after(() => db.close())
  const failing = db.write(async (tx) => {
    await saveTenant(tx, 'b', tenant)
    throw new TypeError('a mistake')
  })
  await assert.rejects(failing, new TypeError('a mistake'))
  assert.deepEqual(await listTenantIds(db), ['a'])
})

test('product 2: the hot path sees a commit of this process at once, of another one turn later', {
  skip,
}, async (t) => {
  const file = await filledFile(t)
  const [db, other] = [await open(file), await open(file)]
  t.after(() => Promise.all([db.close(), other.close()]))
  const nameOfClient = async () => (await findClient(db, 'a', 'client-1'))?.name
  const rename = (by: typeof db, name: string) =>
    by.write((tx) =>
      saveApp(tx, 'a', { clientId: 'client-1', id: 'uploader', organizationId: 'acme', name, settings: {} }),
    )
  assert.equal(await nameOfClient(), 'Uploader at a')
  await rename(db, 'one')
  assert.equal(await nameOfClient(), 'one')
  await rename(other, 'two')
  await setImmediate()
  assert.equal(await nameOfClient(), 'two')
})

test('product 2: reads on the hot path never keep the write-ahead log from being emptied', {
  skip,
}, async (t) => {
  const file = await filledFile(t)
  const db = await open(file)
  t.after(() => db.close())
  for (let n = 0; n < 60; n += 1) {
    await db.write((tx) => saveTenant(tx, `tenant-${n}`, { ...tenant, name: 'x'.repeat(400_000) }))
    await findClient(db, 'a', 'client-1')
  }
  // 24 MB were written; a log that is emptied every 1000 pages stays near 4 MB.
  assert.ok(statSync(`${file}-wal`).size < 10_000_000)
})
