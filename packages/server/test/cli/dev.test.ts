/** `sallyport dev` as a newcomer meets it: what it prints, what it leaves on the disk, and what it says when it cannot start. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, type TestContext, test } from 'node:test'
import { temporaryFolder } from '../store/each-store.ts'
import { ask, askToken, freePorts, type Outcome, type RunOptions, run, start, startFor } from './processes.ts'

interface DemoEntry {
  readonly token_url: string
  readonly path_token_url: string
  readonly client_id: string
  readonly client_secret: string
  readonly scope: string
  readonly apps: Readonly<Record<string, Readonly<Record<'client_id' | 'client_secret' | 'scope', string>>>>
  readonly issuer: string
  readonly path_jwks_uri: string
  readonly introspection?: Readonly<Record<'url' | 'path_url' | 'client_id' | 'client_secret', string>>
}
interface Demo {
  readonly url: string
  readonly ca: string
  readonly tenants: Readonly<Record<string, DemoEntry>>
}

/** Each is a process: dev-apis.test.ts has them. */
const withoutApis = ['--api-port', '0']

const ready = (port: number) => new RegExp(`^Sallyport is ready: https://localhost:${port}$`, 'm')
const readDemo = (folder: string): Demo => JSON.parse(readFileSync(join(folder, 'demo.json'), 'utf8'))
const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8)

/** What one first start on an empty folder left, stopped again: each test starts from a copy. */
const first = {
  root: '',
  data: '',
  port: 0,
  stdout: '',
  outcome: { code: null, stdout: '', stderr: '' } as Outcome,
}

before(async () => {
  first.root = mkdtempSync(join(tmpdir(), 'sallyport-dev-'))
  first.data = join(first.root, 'data')
  const [port = 0] = await freePorts(1)
  first.port = port
  const running = start([
    ...['dev', '--port', String(port), '--http-port', '0', ...withoutApis, '--data', first.data],
  ])
  first.stdout = await running.says(ready(port))
  first.outcome = await running.stop()
})
after(() => rmSync(first.root, { recursive: true }))

/** The first start's folder, copied. */
function copyOf(t: TestContext): string {
  const folder = join(temporaryFolder(t), 'data')
  cpSync(first.data, folder, { recursive: true })
  return folder
}

const startIn = (t: TestContext, folder: string, port: number, options?: RunOptions) =>
  startFor(
    t,
    [...['dev', '--port', String(port), '--http-port', '0'], ...withoutApis, '--data', folder],
    options,
  )

test('contract: the first start prints a table of tenants, a curl line and the ready line, and SIGTERM ends it with 0', () => {
  const lines = first.stdout.trimEnd().split('\n')
  assert.equal(lines.at(-1), `Sallyport is ready: https://localhost:${first.port}`)
  const head = lines.findIndex((line) => /^TENANT {2,}TOKEN URL {2,}CLIENT ID$/.test(line))
  const rows = lines.slice(head + 1, lines.indexOf('', head)).map((line) => line.split(/ {2,}/))
  assert.deepEqual(
    rows.map(([tenant]) => tenant),
    ['nanotrust', 'nitrobox', 'nitrobox-live', 'nxtsoft', 'token', 'tokenos'],
  )
  const { tenants } = readDemo(first.data)
  for (const [tenant = '', url, id] of rows)
    assert.deepEqual([url, id], [tenants[tenant]?.token_url, tenants[tenant]?.client_id])
  assert.equal(first.outcome.code, 0)
  assert.equal(first.outcome.stderr, '')
  assert.match(first.outcome.stdout, /\nStopping …\nStopped\.\n$/)
})

test('contract: demo.json has the members that scripts rely on, and is for its owner alone', () => {
  const demo = readDemo(first.data)
  assert.equal(demo.url, `https://localhost:${first.port}`)
  assert.equal(demo.ca, join(first.data, 'ca.pem'))
  for (const [tenant, entry] of Object.entries(demo.tenants)) {
    const expected = ['issuer', 'token_url', 'path_token_url', 'token_issuer', 'jwks_uri', 'path_jwks_uri']
    const ofApp = ['client_id', 'client_secret', 'scope', 'audience']
    assert.deepEqual(Object.keys(entry), [...expected, ...ofApp, 'apps', 'introspection'])
    const [first = assert.fail(`${tenant} has no app`), ...others] = Object.values(entry.apps)
    const { client_id, client_secret, scope } = entry
    assert.deepEqual(first, { client_id, client_secret, scope })
    for (const other of others) assert.deepEqual(Object.keys(other), ['client_id', 'client_secret', 'scope'])
    assert.ok(entry.introspection)
    assert.deepEqual(Object.keys(entry.introspection), ['url', 'path_url', 'client_id', 'client_secret'])
    assert.equal(entry.introspection.url, `${entry.issuer}/oauth2/introspect`)
    assert.equal(entry.introspection.path_url, `${demo.url}/${tenant}/oauth2/introspect`)
    assert.equal(entry.path_jwks_uri, `${demo.url}/${tenant}/oauth2/jwks`)
    assert.equal(entry.path_token_url, `${demo.url}/${tenant}/oauth2/token`)
    assert.match(entry.client_secret, tenant === 'nitrobox-live' ? /^sp_live_/ : /^sp_test_/)
  }
  for (const file of ['demo.json', 'master.key', 'ca.key', 'server.key', 'sallyport.db'])
    assert.equal(modeOf(join(first.data, file)), '600', file)
  assert.equal(modeOf(first.data), '700')
})

test('contract: a second start keeps everything, and every tenant gives a token to what demo.json says', async (t) => {
  const folder = copyOf(t)
  const [port = 0] = await freePorts(1)
  const one = startIn(t, folder, port)
  await one.says(ready(port))
  assert.doesNotMatch(one.stdout(), /no longer in demo\.json|Made a certificate/)
  const demo = readDemo(folder)
  for (const [tenant, { client_id, client_secret }] of Object.entries(readDemo(first.data).tenants))
    assert.deepEqual(
      [demo.tenants[tenant]?.client_id, demo.tenants[tenant]?.client_secret],
      [client_id, client_secret],
    )
  for (const { path_token_url: url, client_id: id, client_secret: secret } of Object.values(demo.tenants)) {
    const { status, text } = await askToken(url, [id, secret], { ca: demo.ca })
    assert.equal(status, 200, `${url} ${text}`)
  }
  const jwks = await ask(`${demo.url}/tokenos/oauth2/jwks`, { ca: demo.ca })
  assert.equal((await one.stop()).code, 0)

  const before = readFileSync(join(folder, 'demo.json'))
  const two = startIn(t, folder, port)
  await two.says(ready(port))
  assert.deepEqual(readFileSync(join(folder, 'demo.json')), before)
  assert.equal((await ask(`${demo.url}/tokenos/oauth2/jwks`, { ca: demo.ca })).text, jwks.text)
  assert.equal((await two.stop()).code, 0)
})

test('settled, set-up: a demo.json of before it had all apps keeps what it has, and gets the others', async (t) => {
  const folder = copyOf(t)
  const withoutApps = ([id, { apps: _, ...entry }]: [string, DemoEntry]) => [id, entry] as const
  const tenants = Object.fromEntries(Object.entries(readDemo(folder).tenants).map(withoutApps))
  writeFileSync(join(folder, 'demo.json'), JSON.stringify({ ...readDemo(folder), tenants }))
  const [port = 0] = await freePorts(1)
  await startIn(t, folder, port).says(ready(port))
  const { ca, tenants: now } = readDemo(folder)
  const { nxtsoft } = now
  assert.equal(nxtsoft?.client_secret, tenants.nxtsoft?.client_secret)
  const { client_id = '', client_secret = '' } = nxtsoft?.apps['message-checker'] ?? {}
  const answer = await askToken(nxtsoft?.path_token_url ?? '', [client_id, client_secret], { ca })
  assert.equal(answer.status, 200, answer.text)
})

test('settled, set-up: an entry lost from demo.json gets a new secret beside the old one, and the start says so', async (t) => {
  const folder = copyOf(t)
  const { tokenos, ...others } = readDemo(first.data).tenants
  assert.ok(tokenos)
  writeFileSync(join(folder, 'demo.json'), JSON.stringify({ ...readDemo(folder), tenants: others }))
  const [port = 0] = await freePorts(1)
  const running = startIn(t, folder, port)
  const output = await running.says(ready(port))
  assert.match(
    output,
    /^The secret of tenant tokenos was no longer in demo\.json: a new one was added beside it\.$/m,
  )
  assert.equal(output.split('no longer in demo.json').length, 2)
  const demo = readDemo(folder)
  const now = demo.tenants.tokenos
  assert.ok(now && now.client_id === tokenos.client_id && now.client_secret !== tokenos.client_secret)
  for (const secret of [tokenos.client_secret, now.client_secret])
    assert.equal((await askToken(now.path_token_url, [now.client_id, secret], { ca: demo.ca })).status, 200)
  assert.equal(modeOf(join(folder, 'demo.json')), '600')
})

const hasCurl = spawnSync('curl', ['--version']).status === 0

test('issue 2, how it must feel: the printed curl line, copied, gets a token, which inspect calls good', {
  skip: hasCurl ? false : 'no curl on this machine',
}, async (t) => {
  const folder = copyOf(t)
  const [port = 0] = await freePorts(1)
  const running = startIn(t, folder, port, { cwd: join(folder, '..') })
  const output = await running.says(ready(port))
  const line = /^ {2}(curl .*)$/m.exec(output)?.[1] ?? ''
  const curl = spawnSync('bash', ['-c', line], { cwd: join(folder, '..'), encoding: 'utf8' })
  assert.equal(curl.status, 0, curl.stderr)
  const { access_token: token, token_type: type } = JSON.parse(curl.stdout)
  assert.equal(type, 'Bearer')
  assert.match(output, /^ {2}npm run sallyport -- inspect TOKEN$/m)
  const inspected = await run(['inspect', token], { cwd: join(folder, '..') })
  assert.match(inspected.stdout, /^Good, for \d+ more seconds\.\n\nSigned by tenant tokenos /)
  assert.equal(inspected.code, 0)
})

test('settled, on the wire: plain HTTP is refused with a JSON error on its own port and on the main one', async (t) => {
  const folder = copyOf(t)
  const [port = 0, httpPort = 0] = await freePorts(2)
  const running = startFor(t, [
    ...['dev', '--port', `${port}`, '--http-port', `${httpPort}`, ...withoutApis, '--data', folder],
  ])
  await running.says(ready(port))
  const { status, headers, text } = await ask(`http://localhost:${httpPort}/tokenos/oauth2/token`)
  assert.deepEqual([status, headers.location], [403, undefined])
  assert.equal(typeof JSON.parse(text).error, 'string')
  assert.equal((await running.stop('SIGINT')).code, 0)
})

async function occupy(t: TestContext): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

test('contract: a busy main port is one sentence and exit code 3, and the secrets just made are not lost', async (t) => {
  const folder = join(temporaryFolder(t), 'data')
  const port = await occupy(t)
  const { code, stderr } = await run(['dev', '--port', `${port}`, '--http-port', '0', '--data', folder])
  assert.equal(code, 3)
  assert.equal(
    stderr,
    `Port ${port} is already in use. Stop the other program or choose another port with --port.\n`,
  )
  const lost = readDemo(folder).tenants
  const [free = 0] = await freePorts(1)
  const running = startIn(t, folder, free)
  assert.doesNotMatch(await running.says(ready(free)), /no longer in demo\.json/)
  assert.equal(readDemo(folder).tenants.tokenos?.client_secret, lost.tokenos?.client_secret)
})

test('contract: under npm start a busy main port is told with the whole command, and without the other busy ports', async (t) => {
  const folder = join(temporaryFolder(t), 'data')
  const port = await occupy(t)
  const ports = ['--port', `${port}`, '--mtls-port', `${await occupy(t)}`, '--http-port', '0']
  const environment = { npm_lifecycle_event: 'start' }
  const { code, stdout, stderr } = await run(['dev', ...ports, '--data', folder], { environment })
  assert.equal(code, 3)
  assert.match(stderr, /^Port \d+ is already in use\. .* with npm start -- --port \d+\.\n$/)
  assert.doesNotMatch(stdout, /already in use/)
})

test('contract: a busy main port leaves the demo.json of the instance that holds it alone', async (t) => {
  const folder = copyOf(t)
  const before = readFileSync(join(folder, 'demo.json'))
  const port = await occupy(t)
  const { code } = await run(['dev', '--port', `${port}`, '--http-port', '0', '--data', folder])
  assert.equal(code, 3)
  assert.deepEqual(readFileSync(join(folder, 'demo.json')), before)
})

test('settled, on the wire: a busy plain-HTTP port only warns', async (t) => {
  const [port = 0] = await freePorts(1)
  const httpPort = await occupy(t)
  const running = startFor(t, [
    ...['dev', '--port', `${port}`, '--http-port', `${httpPort}`, ...withoutApis, '--data', copyOf(t)],
  ])
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
    /is damaged: restore a backup over it, .*Nothing has been changed\.$/,
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
    const folder = copyOf(t)
    damage(folder)
    const before = fingerprint(folder)
    const [port = 0] = await freePorts(1)
    const { code, stdout, stderr } = await run([
      'dev',
      '--port',
      `${port}`,
      '--http-port',
      '0',
      '--data',
      folder,
    ])
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
  const folder = copyOf(t)
  const before = fingerprint(folder)
  chmodSync(folder, 0o555)
  const { code, stderr } = await run(['dev', '--data', folder], { obeysFileModes: true })
  chmodSync(folder, 0o755)
  assert.equal(code, 3)
  assert.match(sentence(stderr), /^The folder .* cannot be written\./)
  assert.deepEqual(fingerprint(folder), before)
})

test('issue 2 item 2: an empty folder that exists already is used as it is', async (t) => {
  const folder = join(temporaryFolder(t), 'da ta')
  mkdirSync(folder)
  const [port = 0] = await freePorts(1)
  const output = await startIn(t, folder, port).says(ready(port))
  assert.match(output, /curl --cacert '.*da ta\/ca\.pem'/)
})
