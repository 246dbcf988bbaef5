// The key file beside the embedded database: made once, whole, by one start of several, and never in silence anew.
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { isReadableByOthers, masterKeyFile } from '../src/master-key.ts'

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-key-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

const filled = (value: number) => (bytes: number) => new Uint8Array(bytes).fill(value)

const present = () => true
const absent = () => false

test('settled “Secrets, keys, identity”: a new key is one file that only its user may read, and stays', (t) => {
  const folder = folderFor(t)
  const file = join(folder, 'deep', 'master.key')
  const made = masterKeyFile(file, absent, filled(7))
  assert.deepEqual(made.keys, [Buffer.alloc(32, 7)])
  made.keep()
  assert.deepEqual(readdirSync(join(folder, 'deep')), ['master.key'])
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(isReadableByOthers(file), false)
  assert.deepEqual(masterKeyFile(file, present, filled(8)).keys, [Buffer.alloc(32, 7)])
  chmodSync(file, 0o640)
  assert.equal(isReadableByOthers(file), true)
})

test('R19: a database without its key is refused, and so is a key that is none; nothing is written', (t) => {
  const folder = folderFor(t)
  const file = join(folder, 'master.key')
  assert.throws(
    () => masterKeyFile(file, present, filled(7)),
    /The database is here but its master key is not/,
  )
  assert.deepEqual(readdirSync(folder), [])
  writeFileSync(file, 'half a ke')
  assert.throws(() => masterKeyFile(file, present, filled(7)), /is not 32 bytes in base64url/)
  assert.throws(() => masterKeyFile(file, absent, filled(7)), /is not 32 bytes in base64url/)
  assert.equal(readFileSync(file, 'utf8'), 'half a ke')
})

test('R1: an empty key file of a start that was cut short blocks no start, unless a database stands beside it', (t) => {
  const file = join(folderFor(t), 'master.key')
  writeFileSync(file, '')
  assert.throws(() => masterKeyFile(file, present, filled(7)), /is not 32 bytes in base64url/)
  assert.deepEqual(masterKeyFile(file, absent, filled(7)).keys, [Buffer.alloc(32, 7)])
})

test('R19: a key whose database is gone begins no new one, until the key is moved away', (t) => {
  const folder = folderFor(t)
  const file = join(folder, 'master.key')
  masterKeyFile(file, absent, filled(7)).keep()
  const refused = {
    name: 'StoreRefused',
    message:
      `The master key in ${file} is here but its database is not: restore a backup with \`sallyport restore\`, or move ` +
      'the key away to begin anew.',
  }
  assert.throws(() => masterKeyFile(file, absent, filled(8)), refused)
  assert.deepEqual(readdirSync(folder), ['master.key'])
  rmSync(file)
  assert.deepEqual(masterKeyFile(file, absent, filled(8)).keys, [Buffer.alloc(32, 8)])
})

test('R1: a first start that was cut short goes on with its key, whether its database was begun or whole', (t) => {
  const file = join(folderFor(t), 'master.key')
  masterKeyFile(file, absent, filled(7))
  for (const hasDatabase of [absent, present]) {
    assert.deepEqual(masterKeyFile(file, hasDatabase, filled(8)).keys, [Buffer.alloc(32, 7)])
  }
  masterKeyFile(file, present, filled(8)).keep()
  assert.deepEqual(masterKeyFile(file, present, filled(9)).keys, [Buffer.alloc(32, 7)])
})

test('R1: of two first starts at once both have the same key, also if one has ended before the other looks again', (t) => {
  const folder = folderFor(t)
  const file = join(folder, 'master.key')
  const endOther = () => masterKeyFile(file, absent, filled(7)).keep()
  // After it has seen neither key: the other has made its database meanwhile.
  let looks = 0
  const late = masterKeyFile(
    file,
    () => {
      looks += 1
      if (looks === 1) endOther()
      return true
    },
    filled(8),
  )
  late.keep()
  assert.deepEqual(late.keys, [Buffer.alloc(32, 7)])
  rmSync(file)
  // After it has seen no database either.
  const later = masterKeyFile(file, absent, (bytes) => {
    endOther()
    return filled(8)(bytes)
  })
  later.keep()
  assert.deepEqual(later.keys, [Buffer.alloc(32, 7)])
  assert.deepEqual(readdirSync(folder), ['master.key'])
})

test('R1: of three first starts at once none replaces a key that is kept, however late it comes', (t) => {
  const folder = folderFor(t)
  const file = join(folder, 'master.key')
  const [one, other] = [masterKeyFile(file, absent, filled(7)), masterKeyFile(file, absent, filled(7))]
  one.keep()
  // A third that had seen nothing yet begins a key of its own, and ends there.
  writeFileSync(`${file}.unfinished`, `${Buffer.alloc(32, 8).toString('base64url')}\n`, { mode: 0o600 })
  other.keep()
  assert.deepEqual(masterKeyFile(file, present, filled(9)).keys, [Buffer.alloc(32, 7)])
  assert.deepEqual(readdirSync(folder), ['master.key'])
})
