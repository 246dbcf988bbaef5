/** `sallyport backup` and `restore` of the embedded database in a terminal: under load, refused, killed, and on another host. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { systemEffects } from '../../src/effects.ts'
import { openStore } from '../../src/open-store.ts'
import { findCanaries, ofText } from '../canaries.ts'
import { resourceServer } from '../oauth/ends.ts'
import { app, blueprint, tenant } from '../oauth/sample.ts'
import { temporaryFolder } from '../store/each-store.ts'
import {
  type Answer,
  ask,
  basic,
  freePorts,
  type Outcome,
  type RunOptions,
  run,
  startFor,
} from './processes.ts'

const dieAtStep = new URL('./die-at-step.ts', import.meta.url).href
const text = blueprint(tenant('acme', [app('sync'), app('other'), resourceServer]))

interface Place {
  readonly root: string
  readonly data: string
  readonly backup: string
  sallyport(args: readonly string[], options?: RunOptions): Promise<Outcome>
}

/** A database, and a backup of it. */
async function prepare(t: TestContext): Promise<Place> {
  const root = temporaryFolder(t)
  writeFileSync(join(root, 'blueprint.yaml'), text)
  const sallyport: Place['sallyport'] = (args, options) => run(args, { cwd: root, ...options })
  assert.equal((await sallyport(['apply', 'blueprint.yaml'])).code, 0)
  const { code, stderr } = await sallyport(['backup', 'backup.db'])
  assert.equal(`${code} ${stderr}`, '0 ')
  return { root, data: join(root, 'data'), backup: join(root, 'backup.db'), sallyport }
}

const locationOf = (folder: string) => ({ data_folder: folder, database_url: null, master_key: null })

/** The end of the audit chain, as a database that is whole answers it. */
async function headOf({ sallyport }: Place, folder = 'data'): Promise<string> {
  const { code, stdout, stderr } = await sallyport(['audit', 'verify', '--data', folder, '--json'])
  assert.equal(code, 0, stdout + stderr)
  return JSON.parse(stdout).head
}

const namesIn = (folder: string) => readdirSync(folder).toSorted()
/** Without SQLite's logs, which come and go with those who read. */
const filesIn = (folder: string) => namesIn(folder).filter((name) => !/-(?:wal|shm)$/.test(name))

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

type Secret = readonly [id: string, secret: string]

interface Served extends Place {
  readonly sync: Secret
  readonly api: Secret
  /** A server on that folder, with nothing but what is in it. */
  serve(folder: string): Promise<Asking>
}

interface Asking {
  token(): Promise<Answer>
  isActive(token: string): Promise<boolean>
  revoke(token: string): Promise<void>
  stop(): Promise<unknown>
}

const proxied = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '203.0.113.9' }

async function startOn(t: TestContext, root: string, folder: string, clients: Pick<Served, 'sync' | 'api'>) {
  const [port = 0] = await freePorts(1)
  const config = join(root, `${folder}.yaml`)
  const settings = { base_url: 'https://localhost', listen_host: '127.0.0.1', proxies: ['127.0.0.1'] }
  writeFileSync(
    config,
    JSON.stringify({ ...settings, listen_port: port, metrics_port: 0, data_folder: folder }),
  )
  const running = startFor(t, ['serve', '--config', config], { cwd: root })
  await running.says(/"msg":"ready"/)
  const post = (path: string, [id, secret]: Secret, body: string) =>
    ask(`http://127.0.0.1:${port}/acme/oauth2/${path}`, {
      ...{ method: 'POST', body },
      headers: {
        ...proxied,
        Authorization: basic(id, secret),
        'Content-Type': 'application/x-www-form-urlencoded',
      },
    })
  return {
    token: () => post('token', clients.sync, 'grant_type=client_credentials'),
    async isActive(token: string) {
      const { status, text: body } = await post('introspect', clients.api, `token=${token}`)
      assert.equal(status, 200, body)
      return Boolean(JSON.parse(body).active)
    },
    async revoke(token: string) {
      assert.equal((await post('revoke', clients.sync, `token=${token}`)).status, 200)
    },
    stop: () => running.stop(),
  }
}

async function prepareServed(t: TestContext): Promise<Served> {
  const root = temporaryFolder(t)
  writeFileSync(join(root, 'blueprint.yaml'), text)
  const sallyport: Place['sallyport'] = (args, options) => run(args, { cwd: root, ...options })
  const applied = await sallyport(['apply', 'blueprint.yaml', '--json'])
  assert.equal(applied.code, 0, applied.stderr)
  const made: { app: string; client_id: string; client_secret: string }[] = JSON.parse(
    applied.stdout,
  ).generated
  const secretOf = (id: string): Secret => {
    const { client_id, client_secret } = made.find(({ app: of }) => of === id) ?? assert.fail(id)
    return [client_id, client_secret]
  }
  const clients = { sync: secretOf('sync'), api: secretOf('api') }
  const place = { root, data: join(root, 'data'), backup: join(root, 'backup.db'), sallyport }
  return { ...place, ...clients, serve: (folder) => startOn(t, root, folder, clients) }
}

const tokenIn = ({ status, text: body }: Answer): string => {
  assert.equal(status, 200, body)
  return JSON.parse(body).access_token
}

test('R9: on another host, with the key file alone, the backup serves tokens; what was revoked after it stays dead', async (t) => {
  const { root, sync, serve, sallyport } = await prepareServed(t)
  const server = await serve('data')
  const token = tokenIn(await server.token())
  assert.equal((await sallyport(['backup', 'backup.db'])).code, 0)
  await server.revoke(token)
  assert.equal(await server.isActive(token), false)
  await server.stop()
  mkdirSync(join(root, 'other'))
  copyFileSync(join(root, 'data', 'master.key'), join(root, 'other', 'master.key'))
  const kept = await sallyport(['restore', 'backup.db', '--data', 'other', '--keep-tokens'])
  assert.equal(kept.code, 0, kept.stderr)
  assert.match(kept.stdout, /^The tokens of the time before were kept\.$/m)
  const elsewhere = await serve('other')
  tokenIn(await elsewhere.token())
  // Nothing in the backup could tell that it was revoked.
  assert.equal(await elsewhere.isActive(token), true)
  await elsewhere.stop()
  const { code, stdout } = await sallyport(['restore', 'backup.db', '--data', 'other', '--yes'])
  assert.equal(code, 0)
  assert.match(stdout, /^Every token issued until \S+Z is dead; new ones are given after that\.$/m)
  const again = await serve('other')
  assert.equal(await again.isActive(token), false)

  const bytes = new Map([['the backup', readFileSync(join(root, 'backup.db'))]])
  const key = readFileSync(join(root, 'data', 'master.key'), 'utf8').trim()
  const canaries = [ofText('secret', sync[1]), ofText('token', token), ofText('master key', key)]
  const raw = { name: 'raw key', forms: [Buffer.from(key, 'base64url')] }
  assert.deepEqual(findCanaries([...canaries, raw], bytes), [], 'R23')
})

test('R9: beside a running server nothing is restored, by any of the processes that may have the database open', async (t) => {
  const place = await prepare(t)
  const { db } = await openStore(locationOf(place.data), systemEffects)
  const head = await headOf(place)
  const { code, stderr } = await place.sallyport(['restore', 'backup.db', '--yes'])
  assert.equal(code, 3)
  assert.match(
    stderr,
    /^Something has the database \S+ open, most likely a server\. Stop it, then restore again\.\n$/,
  )
  assert.deepEqual(
    namesIn(place.data).filter((name) => /restoring|replaced/.test(name)),
    [],
  )
  await db.close()
  assert.equal(await headOf(place), head)
})

/** Each makes of a good backup, and of the folder, what must be refused. */
const refused: Readonly<
  Record<string, readonly [spoil: (place: Place) => void, code: number, said: RegExp]>
> = {
  'a file that is none of SQLite': [
    ({ backup }) => writeFileSync(backup, 'backup '.repeat(1000)),
    3,
    /^backup\.db is no SQLite database\. Name another file\.\n$/,
  ],
  'an empty file': [({ backup }) => writeFileSync(backup, ''), 3, /^backup\.db is no Sallyport database\./],
  'the database of another program': [
    ({ backup }) => {
      writeFileSync(backup, '')
      inDatabase(backup, 'create table theirs (id integer)')
    },
    3,
    /^backup\.db is no Sallyport database\. Name another file\.\n$/,
  ],
  'a backup with a damaged page': [
    ({ backup }) => {
      const bytes = readFileSync(backup)
      for (let page = 3; page * 4096 < bytes.length; page += 1)
        bytes.fill(0xa5, page * 4096 + 8, page * 4096 + 200)
      writeFileSync(backup, bytes)
    },
    3,
    /^The database in backup\.db is damaged\. Take another backup\.\n$/,
  ],
  'half of a backup': [
    ({ backup }) => writeFileSync(backup, readFileSync(backup).subarray(0, 65_536)),
    3,
    /^The database in backup\.db is damaged\. Take another backup\.\n$/,
  ],
  'a backup of a newer release': [
    ({ backup }) => inDatabase(backup, "insert into schema_migrations values (999, 'later', 1)"),
    3,
    /^The database was written by a newer Sallyport \(schema 999, /,
  ],
  'the file of a running server': [
    ({ backup }) => writeFileSync(`${backup}-wal`, 'a log'),
    3,
    /^backup\.db is a database in use, or was copied from one: backup\.db-wal stands beside it\./,
  ],
  'another master key': [
    ({ data }) => writeFileSync(join(data, 'master.key'), `${'A'.repeat(43)}\n`),
    3,
    /^The master key does not open this backup\. Give the key that was in use when it was made\.\n$/,
  ],
  'no master key': [
    ({ data }) => renameSync(join(data, 'master.key'), join(data, 'elsewhere')),
    3,
    /^The master key of the backup is not at .*master\.key\. Put it there, then restore again\.\n$/,
  ],
  'no file': [({ backup }) => rmSync(backup), 2, /^There is no file backup\.db\.\n$/],
}

function inDatabase(file: string, statement: string): void {
  const connection = new DatabaseSync(file)
  connection.exec(statement)
  connection.close()
}

for (const [what, [spoil, expected, said]] of Object.entries(refused))
  test(`R9: ${what} is refused in one sentence, and nothing is changed`, async (t) => {
    const place = await prepare(t)
    const before = readFileSync(join(place.data, 'sallyport.db'))
    spoil(place)
    const names = filesIn(place.data)
    const { code, stdout, stderr } = await place.sallyport(['restore', 'backup.db', '--yes'])
    assert.match(stderr, said)
    assert.deepEqual([code, stdout], [expected, ''])
    assert.deepEqual(filesIn(place.data), names)
    // The first page says how it is written.
    const tables = (bytes: Buffer) => bytes.subarray(4096)
    assert.ok(tables(readFileSync(join(place.data, 'sallyport.db'))).equals(tables(before)))
  })

test('R9: a database that is there is replaced only with --yes, and kept in a folder that can still be read', async (t) => {
  const place = await prepare(t)
  assert.equal((await place.sallyport(['revoke', '--tenant', 'acme', '--app', 'sync'])).code, 0)
  const head = await headOf(place)
  const without = await place.sallyport(['restore', 'backup.db'])
  assert.equal(without.code, 2)
  assert.match(without.stderr, /^There is a database in \S+\. Say --yes to replace it: .*\n$/)
  assert.equal(await headOf(place), head)
  const { code, stdout, stderr } = await place.sallyport(['restore', 'backup.db', '--yes'])
  assert.equal(code, 0, stderr)
  const [, command = ''] = /^SALLYPORT_MASTER_KEY_FILE=\S+ sallyport (audit export .*)$/m.exec(stdout) ?? []
  const environment = { SALLYPORT_MASTER_KEY_FILE: join(place.data, 'master.key') }
  const lost = await place.sallyport(command.split(' '), { environment })
  assert.deepEqual(
    lost.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).action),
    ['revokeTokensOfApp'],
  )
  assert.equal(statSync(join(place.data, 'sallyport.db')).mode & 0o777, 0o600)
  await headOf(place)
})

test('R9: what was used once before the restore is not good again, where the old database can be asked', async (t) => {
  const place = await prepare(t)
  const use = { digest: Buffer.alloc(32, 7), expiresAt: systemEffects.clock() + 300 }
  const useOnce = async () => {
    const { db } = await openStore(locationOf(place.data), systemEffects)
    const answer = await db.insertUses([use])
    await db.close()
    return answer
  }
  assert.deepEqual(await useOnce(), [true])
  const { stdout } = await place.sallyport(['restore', 'backup.db', '--yes'])
  assert.doesNotMatch(stdout, /could be used once more/)
  assert.deepEqual(await useOnce(), [false])
  const damaged = join(place.data, 'sallyport.db')
  writeFileSync(damaged, 'gone '.repeat(1000))
  const after = await place.sallyport(['restore', 'backup.db', '--yes'])
  assert.match(after.stdout, /could be used once more: start no server before /)
  assert.match(after.stdout, /^It cannot be read, so nobody can tell whether a server had it open/m)
})

test('R9: killed before any change of a file, a restore leaves the old database or the new one, whole, and can be made again', async (t) => {
  const place = await prepare(t)
  assert.equal((await place.sallyport(['revoke', '--tenant', 'acme', '--app', 'sync'])).code, 0)
  const old = await headOf(place)
  const original = readFileSync(join(place.data, 'sallyport.db'))
  const seen = new Set<string>()
  for (let step = 1; step < 50; step += 1) {
    for (const name of namesIn(place.data))
      if (name !== 'master.key') rmSync(join(place.data, name), { recursive: true })
    writeFileSync(join(place.data, 'sallyport.db'), original, { mode: 0o600 })
    const { code, stderr } = await place.sallyport(['restore', 'backup.db', '--yes'], {
      environment: { DIE_AT_STEP: `${step}`, NODE_OPTIONS: `--import=${dieAtStep}` },
    })
    const head = await headOf(place)
    const { stdout } = await place.sallyport(['audit', 'export', '--after', '0'])
    const isNew = stdout.includes('restoreDatabase')
    assert.equal(isNew || head === old, true, `step ${step}`)
    seen.add(isNew ? 'new' : 'old')
    if (code === 0) break
    assert.equal(code, null, stderr)
  }
  assert.deepEqual([...seen], ['old', 'new'])
  const { code } = await place.sallyport(['restore', 'backup.db', '--yes'])
  assert.equal(code, 0)
  assert.deepEqual(
    namesIn(place.data).filter((name) => name.includes('restoring')),
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
