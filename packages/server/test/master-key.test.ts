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

test('settled “Secrets, keys, identity”: a new key is one file that only its user may read, and stays', (t) => {
  const folder = folderFor(t)
  const file = join(folder, 'deep', 'master.key')
  const [made] = masterKeyFile(file, false, filled(7))
  assert.deepEqual(made, Buffer.alloc(32, 7))
  assert.deepEqual(readdirSync(join(folder, 'deep')), ['master.key'])
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(isReadableByOthers(file), false)
  assert.deepEqual(masterKeyFile(file, true, filled(8)), [Buffer.alloc(32, 7)])
  chmodSync(file, 0o640)
  assert.equal(isReadableByOthers(file), true)
})

test('R19: a database without its key is refused, and so is a key that is none; nothing is written', (t) => {
  const folder = folderFor(t)
  const file = join(folder, 'master.key')
  assert.throws(() => masterKeyFile(file, true, filled(7)), /The database is here but its master key is not/)
  assert.deepEqual(readdirSync(folder), [])
  writeFileSync(file, 'half a ke')
  assert.throws(() => masterKeyFile(file, true, filled(7)), /is not 32 bytes in base64url/)
  assert.throws(() => masterKeyFile(file, false, filled(7)), /is not 32 bytes in base64url/)
  assert.equal(readFileSync(file, 'utf8'), 'half a ke')
})

test('R1: an empty key file of a start that was cut short blocks no start, unless a database stands beside it', (t) => {
  const file = join(folderFor(t), 'master.key')
  writeFileSync(file, '')
  assert.throws(() => masterKeyFile(file, true, filled(7)), /is not 32 bytes in base64url/)
  assert.deepEqual(masterKeyFile(file, false, filled(7)), [Buffer.alloc(32, 7)])
})
