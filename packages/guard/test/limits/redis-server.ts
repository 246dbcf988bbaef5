/** A real redis-server (or valkey-server) for one test: on a Unix socket, with nothing kept. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { Redis } from 'ioredis'

const program = ['redis-server', 'valkey-server'].find(
  (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0,
)

/** Of every test that wants the server. */
export const withServer = { skip: program ? false : 'install redis-server to run this' }

export interface RedisServer {
  readonly path: string
  /** A client that is ended with the test. Without a queue it refuses at once what it cannot send. */
  connect(enableOfflineQueue?: boolean): Redis
  /** As a crash would, with all that it knew. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Holds it up without closing anything. */
  pause(): void
  resume(): void
}

async function startProgram(path: string): Promise<ChildProcess> {
  const settings = ['--port', '0', '--unixsocket', path, '--save', '', '--appendonly', 'no']
  const child = spawn(program ?? '', settings, { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  await new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (/ready to accept connections/i.test(said)) resolve()
    })
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`${program} ended: ${said}`)))
  })
  return child
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

export async function startRedis(t: TestContext): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-redis-'))
  const path = join(folder, 'socket')
  let child = await startProgram(path)
  const clients: Redis[] = []
  t.after(async () => {
    for (const client of clients) client.disconnect()
    await end(child)
    rmSync(folder, { recursive: true })
  })
  return {
    path,
    connect(enableOfflineQueue = true) {
      const client = new Redis({ path, enableOfflineQueue, retryStrategy: () => 5 })
      // Every attempt while the server is gone is reported; the tests look at what becomes of the limits.
      client.on('error', () => {})
      clients.push(client)
      return client
    },
    kill: () => end(child),
    async start() {
      child = await startProgram(path)
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
  }
}
