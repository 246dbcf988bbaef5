/** `sallyport backup` of the embedded database in a terminal: under load, refused and killed. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../store/each-store.ts'
import { dieAtStep, locationOf, namesIn, prepare } from './backed-up.ts'
import { run } from './processes.ts'

test('R9: a backup made while another process writes has all that was acknowledged before it began, and holds nobody up', async (t) => {
  const { root, data, sallyport } = await prepare(t)
  const program = fileURLToPath(new URL('../durability/operator.ts', import.meta.url))
  const child = spawn(process.execPath, [program, JSON.stringify(locationOf(data))], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  t.after(() => child.kill('SIGKILL'))
  const acknowledged: string[] = []
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => acknowledged.push(JSON.parse(line).good[0]))
  for (let round = 0; round < 3; round += 1) {
    await once(lines, 'line')
    const before = [...acknowledged]
    const file = join(root, `under-load-${round}.db`)
    const { code, stderr } = await sallyport(['backup', file])
    assert.equal(`${code} ${stderr}`, '0 ')
    assert.ok(acknowledged.length > before.length, 'the writer went on')
    const copy = new DatabaseSync(file, { readOnly: true })
    const clientIds = copy
      .prepare('select client_id from apps')
      .all()
      .map((row) => String(row.client_id))
    assert.equal(copy.prepare('pragma integrity_check').get()?.integrity_check, 'ok')
    copy.close()
    assert.deepEqual(
      before.filter((clientId) => !clientIds.includes(clientId)),
      [],
    )
  }
})

test('R9: a backup is one file for its owner alone, never over another without --yes, and says that the key is not in it', async (t) => {
  const { root, backup, sallyport } = await prepare(t)
  assert.equal(statSync(backup).mode & 0o777, 0o600)
  assert.deepEqual(namesIn(root), ['backup.db', 'blueprint.yaml', 'data'])
  const before = readFileSync(backup)
  assert.equal((await sallyport(['revoke', '--tenant', 'acme', '--all'])).code, 0)
  const again = await sallyport(['backup', 'backup.db'])
  assert.equal(again.code, 2)
  assert.match(again.stderr, /^There is a file backup\.db already\. .*--yes.*\n$/)
  assert.deepEqual(readFileSync(backup), before)
  const replaced = await sallyport(['backup', 'backup.db', '--yes'])
  assert.match(
    replaced.stdout,
    /\nThe master key is not in it.* copy of \.\/data\/master\.key somewhere else\.\n$|data\/master\.key somewhere else/,
  )
  assert.notDeepEqual(readFileSync(backup), before)
  const json = await sallyport(['backup', 'other.db', '--json'])
  const bytes = statSync(join(root, 'other.db')).size
  assert.deepEqual(JSON.parse(json.stdout), { file: 'other.db', bytes, holds_master_key: false })
})

test('R9: a backup while no server runs leaves no log beside the database, and reads one that nobody may write', async (t) => {
  const { data, sallyport } = await prepare(t)
  const database = join(data, 'sallyport.db')
  const logs = () => namesIn(data).filter((name) => name.startsWith('sallyport.db-'))
  assert.deepEqual(logs(), [])
  chmodSync(database, 0o400)
  const { code, stderr } = await sallyport(['backup', 'read-only.db'], { obeysFileModes: true })
  assert.equal(`${code} ${stderr}`, '0 ')
})

test('R9: no backup takes the place of the database, of its key, or of what is none, whatever is said', async (t) => {
  const { root, data, backup, sallyport } = await prepare(t)
  const database = join(data, 'sallyport.db')
  linkSync(database, join(root, 'same.db'))
  symlinkSync(database, join(root, 'alias.db'))
  writeFileSync(join(root, 'notes.txt'), 'not to be lost')
  mkdirSync(join(root, 'elsewhere'))
  copyFileSync(backup, join(root, 'elsewhere', 'sallyport.db'))
  copyFileSync(join(data, 'master.key'), join(root, 'elsewhere', 'master.key'))
  copyFileSync(backup, join(root, 'in-use.db'))
  writeFileSync(join(root, 'in-use.db-wal'), '')
  const kept = ['data/sallyport.db', 'same.db', 'alias.db', 'data/master.key', 'notes.txt', 'in-use.db']
  for (const name of [...kept, 'elsewhere/sallyport.db', 'data']) {
    const file = join(root, name)
    const before = name === 'data' ? null : [readFileSync(file), statSync(file).ino]
    const { code, stderr } = await sallyport(['backup', name, '--yes'])
    assert.equal(code, 2, name)
    assert.match(
      stderr,
      /^\S+ is (?:a database that servers write to, and )?no backup.* Name another file\.\n$/,
      name,
    )
    if (before !== null) assert.deepEqual([readFileSync(file), statSync(file).ino], before, name)
  }
})

test('R9: a backup needs no master key, and there is none of what is no database of ours', async (t) => {
  const { root, sallyport } = await prepare(t)
  mkdirSync(join(root, 'keyless'))
  copyFileSync(join(root, 'backup.db'), join(root, 'keyless', 'sallyport.db'))
  assert.equal((await sallyport(['backup', 'keyless.db', '--data', 'keyless'])).code, 0)
  mkdirSync(join(root, 'foreign'))
  const foreign = new DatabaseSync(join(root, 'foreign', 'sallyport.db'))
  foreign.exec('create table theirs (id integer)')
  foreign.close()
  for (const folder of ['foreign', 'nowhere']) {
    const { code, stderr } = await sallyport(['backup', 'none.db', '--data', folder])
    assert.equal(code, 3)
    assert.match(stderr, /is no Sallyport database|There is no database in nowhere/)
    assert.equal(existsSync(join(root, 'none.db')), false)
  }
  assert.deepEqual(
    namesIn(root).filter((name) => name.includes('unfinished')),
    [],
  )
})

test('R9: killed before any change of a file, a backup leaves the file of before', async (t) => {
  const { root, backup, sallyport } = await prepare(t)
  for (let step = 1; step < 50; step += 1) {
    const before = readFileSync(backup)
    const { code, stderr } = await sallyport(['backup', 'backup.db', '--yes'], {
      environment: { DIE_AT_STEP: `${step}`, NODE_OPTIONS: `--import=${dieAtStep}` },
    })
    const copy = new DatabaseSync(backup, { readOnly: true })
    assert.equal(copy.prepare('pragma integrity_check').get()?.integrity_check, 'ok')
    copy.close()
    if (code === 0) break
    assert.equal(code, null, stderr)
    assert.ok(before.length > 0)
  }
  assert.ok(namesIn(root).includes('backup.db'))
})

test('R9: for PostgreSQL both say which tools do it, and never the password', async (t) => {
  const root = temporaryFolder(t)
  const environment = {
    SALLYPORT_DATABASE_URL: 'postgres://ada:the-password@localhost/sallyport',
    SALLYPORT_MASTER_KEY: 'A'.repeat(43),
  }
  for (const [command, tool] of [
    ['backup', /pg_dump --format=custom/],
    ['restore', /pg_restore .* `sallyport restore --after`/],
  ] as const) {
    const { code, stderr } = await run([command, 'file.db'], { cwd: root, environment })
    assert.equal(code, 2)
    assert.match(stderr, tool)
    assert.doesNotMatch(stderr, /the-password/)
  }
})
