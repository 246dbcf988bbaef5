/** A `sallyport dev` that cannot start as it was asked to: one sentence with the way out, an exit code, and what was on the disk unharmed. */

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { temporaryFolder } from '../store/each-store.ts'
import { modeOf, ready, startIn, useFirstStart } from './first-start.ts'
import { freePorts, occupy, run } from './processes.ts'

const first = useFirstStart()

const runIn = (folder: string, port: number) =>
  run(['dev', '--port', `${port}`, '--http-port', '0', '--data', folder])

test('contract: a busy main port is one sentence and exit code 3, and nothing is made', async (t) => {
  const folder = join(temporaryFolder(t), 'data')
  const port = await occupy(t)
  const { code, stderr } = await runIn(folder, port)
  assert.equal(code, 3)
  assert.equal(
    stderr,
    `Port ${port} is already in use. Stop the other program or choose another port with --port and another folder with --data.\n`,
  )
  assert.equal(existsSync(folder), false)
})

test('contract: under npm start a busy main port is told with the whole command, and without the other busy ports', async (t) => {
  const folder = join(temporaryFolder(t), 'data')
  const port = await occupy(t)
  const ports = ['--port', `${port}`, '--mtls-port', `${await occupy(t)}`, '--http-port', '0']
  const environment = { npm_lifecycle_event: 'start' }
  const { code, stdout, stderr } = await run(['dev', ...ports, '--data', folder], { environment })
  assert.equal(code, 3)
  assert.match(
    stderr,
    /^Port \d+ is already in use\. .* with npm start -- --port (\d+) --data \.\/data-\1\.\n$/,
  )
  assert.doesNotMatch(stdout, /already in use/)
})

test('contract: a busy main port leaves the demo.json of the instance that holds it alone', async (t) => {
  const folder = first().copyFor(t)
  const before = readFileSync(join(folder, 'demo.json'))
  const port = await occupy(t)
  const { code } = await runIn(folder, port)
  assert.equal(code, 3)
  assert.deepEqual(readFileSync(join(folder, 'demo.json')), before)
})

test('contract: a second instance in the same folder is refused whatever its port, until the first has ended', async (t) => {
  const folder = first().copyFor(t)
  const [port = 0, other = 0] = await freePorts(2)
  const running = startIn(t, folder, { port })
  await running.says(ready(port))
  const before = readFileSync(join(folder, 'demo.json'))
  const { code, stderr } = await runIn(folder, other)
  assert.equal(code, 3)
  assert.match(
    sentence(stderr),
    /^Another sallyport dev is running in .*data\. Stop it, or choose another folder with --data\.$/,
  )
  assert.deepEqual(readFileSync(join(folder, 'demo.json')), before)
  await running.stop('SIGKILL')
  const next = startIn(t, folder, { port: other })
  await next.says(ready(other))
})

test('settled, on the wire: a busy plain-HTTP port only warns', async (t) => {
  const [port = 0] = await freePorts(1)
  const httpPort = await occupy(t)
  const running = startIn(t, first().copyFor(t), { port, httpPort })
  const output = await running.says(ready(port))
  assert.match(
    output,
    new RegExp(`^Port ${httpPort} is already in use, so plain HTTP is not answered there\\.`, 'm'),
  )
})

test('contract: flags that cannot be are refused with exit code 2', async (t) => {
  const data = ['--data', temporaryFolder(t)]
  const same = await run(['dev', '--port', '9443', '--http-port', '9443', ...data])
  assert.deepEqual([same.code, same.stderr.split('\n').length], [2, 2])
  for (const port of ['0', '80a']) {
    const { code, stderr } = await run(['dev', '--port', port, ...data])
    assert.deepEqual([port, code], [port, 2])
    assert.match(stderr, /Give a port from 1 to 65535\./)
  }
  assert.match((await run(['dev', '--prot', '1', ...data])).stderr, /Did you mean --port\?/)
})

/** Every file with its bytes and mode: whatever a refused start changed would show. */
function fingerprint(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => `${file} ${modeOf(file)} ${createHash('sha256').update(readFileSync(file)).digest('hex')}`)
}

const sentence = (stderr: string) => {
  assert.equal(stderr.trimEnd().split('\n').length, 1, stderr)
  assert.doesNotMatch(stderr, /\bat file:|Error:/)
  return stderr.trimEnd()
}

const database = (folder: string) => join(folder, 'sallyport.db')
const refusals: readonly [what: string, damage: (folder: string) => void, expected: RegExp][] = [
  [
    'garbage instead of the database',
    (folder) => writeFileSync(database(folder), randomBytes(65_536)),
    /is not a SQLite database: .*Nothing has been changed\.$/,
  ],
  [
    'a database cut short',
    (folder) => truncateSync(database(folder), Math.floor(statSync(database(folder)).size / 2)),
    /is damaged: restore a backup over it with .*Nothing has been changed\.$/,
  ],
  [
    'a page of the database overwritten',
    (folder) => {
      const bytes = readFileSync(database(folder))
      randomBytes(4096).copy(bytes, 8192)
      writeFileSync(database(folder), bytes)
    },
    /is damaged: restore a backup over it/,
  ],
  [
    'the database of another program',
    (folder) => {
      rmSync(database(folder))
      const db = new DatabaseSync(database(folder))
      db.exec('create table notes (text text) strict')
      db.close()
    },
    /is the database of another program/,
  ],
  [
    'a database written by a newer release',
    (folder) => {
      const db = new DatabaseSync(database(folder))
      db.exec("insert into schema_migrations (id, name, applied_at) values (9000, 'from the future', 1)")
      db.close()
    },
    /was written by a newer Sallyport \(schema 9000, this release knows \d+\)/,
  ],
  [
    'a database without its master key',
    (folder) => rmSync(join(folder, 'master.key')),
    /The database is here but its master key is not\. Put it back at .*master\.key/,
  ],
  [
    'another master key',
    (folder) => writeFileSync(join(folder, 'master.key'), randomBytes(32).toString('base64url')),
    /The master key is not the one that sealed this database\. Give back the key/,
  ],
  [
    'a master key that is none',
    (folder) => writeFileSync(join(folder, 'master.key'), 'hunter2\n'),
    /^The master key in .*master\.key is not 32 bytes in base64url\./,
  ],
]

for (const [what, damage, expected] of refusals) {
  test(`trust R19: ${what} is one sentence, exit code 3, and nothing is changed on the disk`, async (t) => {
    const folder = first().copyFor(t)
    damage(folder)
    const before = fingerprint(folder)
    const [port = 0] = await freePorts(1)
    const { code, stdout, stderr } = await runIn(folder, port)
    assert.match(sentence(stderr), expected)
    assert.equal(code, 3)
    assert.deepEqual(fingerprint(folder), before)
    assert.doesNotMatch(stdout + stderr, /hunter2/)
  })
}

test('issue 2 item 2: a data folder below a file is one sentence and exit code 3', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'file'), '')
  // Below /proc nothing can be made, which Node's own way of making folders never finds out.
  const places =
    process.platform === 'linux'
      ? [join(folder, 'file', 'data'), '/proc/data']
      : [join(folder, 'file', 'data')]
  for (const place of places) {
    const { code, stderr } = await run(['dev', '--data', place])
    assert.equal(code, 3)
    assert.match(sentence(stderr), /^The folder .* cannot be written\. Choose another with --data/)
  }
})

test('issue 2 item 2: a read-only data folder is one sentence and exit code 3', async (t) => {
  const folder = first().copyFor(t)
  const before = fingerprint(folder)
  chmodSync(folder, 0o555)
  const { code, stderr } = await run(['dev', '--data', folder], { obeysFileModes: true })
  chmodSync(folder, 0o755)
  assert.equal(code, 3)
  assert.match(sentence(stderr), /^The folder .* cannot be written\./)
  assert.deepEqual(fingerprint(folder), before)
})
