/** `sallyport restore` of the embedded database in a terminal: on another host, refused, killed, and beside a server. */

import assert from 'node:assert/strict'
import {
  copyFileSync,
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
import { systemEffects } from '../../src/effects.ts'
import { openStore } from '../../src/open-store.ts'
import { findCanaries, ofText } from '../canaries.ts'
import { temporaryFolder } from '../store/each-store.ts'
import { dieAtStep, filesIn, headOf, locationOf, namesIn, type Place, prepare, text } from './backed-up.ts'
import { type Answer, ask, basic, freePorts, run, startFor } from './processes.ts'

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

for (const [fate, begin] of [
  ['gone', () => {}],
  ['gone, with a new and empty file in its place,', (file: string) => writeFileSync(file, '')],
] as const)
  test(`R9: a database that is ${fate} beside its log may be open still: nothing is restored unasked, and then it is said`, async (t) => {
    const place = await prepare(t)
    const { db } = await openStore(locationOf(place.data), systemEffects)
    t.after(() => db.close())
    const file = join(place.data, 'sallyport.db')
    rmSync(file)
    begin(file)
    const names = namesIn(place.data)
    const { code, stderr } = await place.sallyport(['restore', 'backup.db'])
    assert.equal(code, 2)
    assert.match(stderr, /^The database in \S+ is gone, but its log is there: .* then say --yes\.\n$/)
    assert.deepEqual(namesIn(place.data), names)
    const asked = await place.sallyport(['restore', 'backup.db', '--yes'])
    assert.equal(asked.code, 0, asked.stderr)
    assert.match(
      asked.stdout,
      /^The database that was here is gone, so nobody can tell whether a server had it/m,
    )
    await headOf(place)
  })

test('R9: an emptied database is none: it is replaced unasked, and no command is named to read it', async (t) => {
  const place = await prepare(t)
  for (const name of namesIn(place.data)) if (/-(?:wal|shm)$/.test(name)) rmSync(join(place.data, name))
  truncateSync(join(place.data, 'sallyport.db'))
  const { code, stdout, stderr } = await place.sallyport(['restore', 'backup.db'])
  assert.equal(code, 0, stderr)
  assert.doesNotMatch(stdout, /The database that was here|audit export/)
  assert.deepEqual(filesIn(place.data), ['master.key', 'sallyport.db'])
  await headOf(place)
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

/** What the command that a restore names reads. */
async function lostIn(place: Place, said: string): Promise<readonly string[]> {
  const [, command = ''] = /^SALLYPORT_MASTER_KEY_FILE=\S+ sallyport (audit export .*)$/m.exec(said) ?? []
  const environment = { SALLYPORT_MASTER_KEY_FILE: join(place.data, 'master.key') }
  const { stdout } = await place.sallyport(command.split(' '), { environment })
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).action)
}

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
  assert.deepEqual(await lostIn(place, stdout), ['revokeTokensOfApp'])
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
  assert.doesNotMatch(after.stdout, /sallyport audit export/, 'of what cannot be read')
  assert.match(after.stdout, /^those that your audit sinks have got/m)
})

test('R9: a database that was put back without the uses of before lacks them in the next restore too, until they are over', async (t) => {
  const place = await prepare(t)
  const restore = async () => {
    const { code, stdout, stderr } = await place.sallyport(['restore', 'backup.db', '--yes', '--json'])
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout)
  }
  writeFileSync(join(place.data, 'sallyport.db'), 'gone '.repeat(1000))
  assert.equal((await restore()).knows_uses, false)
  const again = await restore()
  assert.equal(again.knows_uses, false)
  assert.ok(again.uses_unknown_until > systemEffects.clock() + 300)
  // As if that time were over.
  inDatabase(join(place.data, 'sallyport.db'), 'update used_once set expires_at = expires_at - 400')
  const later = await restore()
  assert.deepEqual([later.knows_uses, later.uses_unknown_until], [true, null])
})

test('R9: killed before any change of a file, a restore leaves the old database or the new one, whole; made again, it names what was lost', async (t) => {
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
    if (!isNew) continue
    const again = await place.sallyport(['restore', 'backup.db', '--yes'])
    assert.deepEqual(await lostIn(place, again.stdout), ['revokeTokensOfApp'], `step ${step}`)
  }
  assert.deepEqual([...seen], ['old', 'new'])
  const { code } = await place.sallyport(['restore', 'backup.db', '--yes'])
  assert.equal(code, 0)
  assert.deepEqual(
    namesIn(place.data).filter((name) => name.includes('restoring')),
    [],
  )
})
