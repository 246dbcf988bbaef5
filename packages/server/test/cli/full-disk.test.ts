/** A data folder that is full, locked or emptied, as an operator meets it: one sentence, its next step, and no new start in silence. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { app, blueprint, tenant } from '../oauth/sample.ts'
import { temporaryFolder } from '../store/each-store.ts'
import { commandLine, run, startFor } from './processes.ts'

/** A file system of its own for one process and its children, where the kernel lets anybody have one. */
const inOwnMounts = (script: string, ...args: readonly string[]) =>
  spawnSync('unshare', ['--map-root-user', '--mount', 'sh', '-c', script, 'sh', ...args], {
    encoding: 'utf8',
  })

const canMount = inOwnMounts('mount -t tmpfs tmpfs /mnt').status === 0

function blueprintIn(folder: string): string {
  const file = join(folder, 'blueprint.yaml')
  writeFileSync(file, blueprint(tenant('acme', [app('sync')])))
  return file
}

/** Fills a disk of a megabyte but for so much, tries, makes room, and tries again. */
const tryTwice = `
disk=$1 room=$2
shift 2
mount -t tmpfs -o size=1m tmpfs "$disk" || exit 9
head -c $((1048576 - room * 1024)) /dev/zero > "$disk/fill" || exit 9
"$@"; echo "ended with $?" >&2
rm "$disk/fill"
"$@"; echo "ended with $?" >&2
`

for (const [kibibytes, sentence] of [
  [0, /^The data folder \S+ cannot be written: make room on its disk, which is full, then try again\.$/],
  [4, /^The disk of the data folder is full: make room on it, then try again\.$/],
  [100, /^The disk of the data folder is full: make room on it, then try again\.$/],
] as const)
  test(`trust R18: a first start with ${kibibytes} KiB of room says so in one sentence, and the next one goes on`, {
    skip: !canMount && 'a file system may not be mounted here',
  }, (t) => {
    const folder = temporaryFolder(t)
    const disk = join(folder, 'disk')
    mkdirSync(disk)
    const command = [
      process.execPath,
      commandLine,
      'apply',
      blueprintIn(folder),
      '--data',
      join(disk, 'data'),
    ]
    const { stderr, status } = inOwnMounts(tryTwice, disk, String(kibibytes), ...command)
    assert.equal(status, 0, stderr)
    const [first = '', ...rest] = stderr.trimEnd().split('\n')
    assert.match(first, sentence)
    assert.deepEqual(
      rest.filter((line) => line.startsWith('ended')),
      ['ended with 3', 'ended with 0'],
    )
  })

async function madeDatabase(t: TestContext) {
  const folder = temporaryFolder(t)
  const data = join(folder, 'data')
  const file = blueprintIn(folder)
  const apply = () => run(['apply', file, '--data', data])
  assert.equal((await apply()).code, 0)
  const config = join(folder, 'sallyport.yaml')
  const settings = { base_url: 'https://localhost', proxies: ['127.0.0.1'], listen_port: 0 }
  writeFileSync(config, JSON.stringify({ ...settings, listen_host: '127.0.0.1', data_folder: data }))
  return { data, config, database: join(data, 'sallyport.db'), key: join(data, 'master.key'), apply }
}

test('trust R4: a command that meets a lock says so in one sentence', async (t) => {
  const { data, database } = await madeDatabase(t)
  const blocker = new DatabaseSync(database)
  t.after(() => blocker.close())
  blocker.exec('begin immediate')
  const where = ['--tenant', 'acme', '--app', 'sync', '--data', data]
  const { code, stderr } = await run(['credentials', 'rotate', ...where])
  const sentence =
    'The database is locked by another program: wait until that has ended or stop it, then try again.'
  assert.deepEqual([code, stderr], [3, `In ${data}:\n${sentence}\n`])
})

for (const [fate, lose] of [
  ['gone', (file: string) => rmSync(file)],
  ['empty', (file: string) => truncateSync(file)],
] as const)
  test(`trust R19: a database that is ${fate} beside its key is refused, and nothing is begun`, async (t) => {
    const { data, config, database, key, apply } = await madeDatabase(t)
    lose(database)
    const left = readdirSync(data)
    for (const [where, { code, stderr }] of [
      [`--config ${config}`, await run(['serve', '--config', config])],
      [`--config ${config}`, await run(['serve', '--config', config, '--workers', '2'])],
      [`--data ${data}`, await apply()],
      [`--data ${data}`, await run(['apps', '--data', data])],
    ] as const) {
      const said =
        `The master key in ${key} is here but its database is not: restore a backup with \`sallyport restore ${where}\`, or ` +
        'move the key away to begin anew.\n'
      assert.deepEqual([code, stderr], [3, said])
    }
    assert.deepEqual(readdirSync(data), left)
    rmSync(key)
    assert.equal((await apply()).code, 0)
    assert.ok(existsSync(key))
  })

test('operations: a server that begins a new database says so, and where; the next one does not', async (t) => {
  const { data, config } = await madeDatabase(t)
  rmSync(data, { recursive: true })
  const newDatabases = async (...args: readonly string[]) => {
    const running = startFor(t, ['serve', '--config', config, ...args])
    await running.says(/"msg":"ready"/)
    const { stdout } = await running.stop()
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    return lines.filter(({ msg }) => msg === 'made a new database').map(({ level, file }) => [level, file])
  }
  assert.deepEqual(await newDatabases(), [['warn', data]])
  assert.deepEqual(await newDatabases(), [])
  rmSync(data, { recursive: true })
  assert.deepEqual(await newDatabases('--workers', '2'), [['warn', data]])
})
