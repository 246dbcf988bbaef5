/** The command line run for real: processes, ports of their own, and requests over TLS to what they started. */

import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

export const commandLine = fileURLToPath(new URL('../../bin/sallyport.mjs', import.meta.url))

export interface RunOptions {
  readonly cwd?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly input?: string
  /** Bound by file modes even as root, who then goes without the privilege to pass them over. */
  readonly obeysFileModes?: true
}

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  stdout(): string
  stderr(): string
  /** Resolves when standard output matches; rejects with all output when the process ends before. */
  says(pattern: RegExp): Promise<string>
  /** Sends the signal and resolves with what the process left. */
  stop(signal?: NodeJS.Signals): Promise<Outcome>
  readonly ended: Promise<Outcome>
}

const withoutPrivilege = ['setpriv', '--bounding-set=-dac_override,-dac_read_search']

/** Without the settings of whoever runs the tests. */
export function start(args: readonly string[], options: RunOptions = {}): Running {
  const lessened = options.obeysFileModes && process.getuid?.() === 0 ? withoutPrivilege : []
  const [command = process.execPath, ...rest] = [...lessened, process.execPath, commandLine, ...args]
  const child = spawn(command, rest, {
    cwd: options.cwd ?? tmpdir(),
    env: { PATH: process.env.PATH, ...options.environment },
  })
  const output = { stdout: '', stderr: '' }
  const waiting = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
      for (const look of waiting) look()
    })
  }
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  const ended = once(child, 'close').then(([code]): Outcome => ({ code, ...output }))
  return {
    child,
    ended,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    says(pattern) {
      return new Promise((resolve, reject) => {
        const look = () => {
          if (!pattern.test(output.stdout)) return
          waiting.delete(look)
          resolve(output.stdout)
        }
        waiting.add(look)
        look()
        void ended.then(() => reject(new Error(`ended before it said ${pattern}: ${JSON.stringify(output)}`)))
      })
    },
    stop(signal = 'SIGTERM') {
      child.kill(signal)
      return ended
    },
  }
}

/** As `start`; the process does not outlive the test. */
export function startFor(t: TestContext, args: readonly string[], options: RunOptions = {}): Running {
  const running = start(args, options)
  t.after(async () => {
    if (running.child.exitCode === null && running.child.signalCode === null) await running.stop('SIGKILL')
  })
  return running
}

const longestRunMilliseconds = 60_000

/** For what ends by itself; a server that should have refused to start does not hold the tests up. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { child, ended } = start(args, options)
  const limit = setTimeout(() => child.kill('SIGKILL'), longestRunMilliseconds)
  try {
    return await ended
  } finally {
    clearTimeout(limit)
  }
}

/** Below the ports that systems hand out by themselves: none is taken by another test's connection before it is used. */
const portsForTests = { from: 15_000, below: 32_000 }

const close = (server: Server) => new Promise((resolve) => server.close(resolve))

const isFree = async (port: number): Promise<boolean> => {
  const probe = createServer().listen(port, '::')
  const listens = await once(probe, 'listening').then(
    () => true,
    () => false,
  )
  await close(probe)
  return listens
}

/** The first of so many ports side by side, free on both loopback addresses a moment ago. */
async function freeRow(length: number): Promise<number> {
  const first = randomInt(portsForTests.from, portsForTests.below - length)
  for (let port = first; port < first + length; port += 1) if (!(await isFree(port))) return freeRow(length)
  return first
}

/** Free on both loopback addresses a moment ago, and different from each other. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) ports.add(await freeRow(1))
  return [...ports]
}

/** The first of two ports side by side. */
export const freeNeighbours = (): Promise<number> => freeRow(2)

/** A port that another program has while the test runs; 0 for any. */
export async function occupy(t: TestContext, { host = '127.0.0.1', port = 0 } = {}): Promise<number> {
  const server = createServer().listen(port, host)
  await once(server, 'listening')
  t.after(() => server.close())
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

export interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** The path of a CA's certificate; needed for https. */
  readonly ca?: string
}

/** One request on a connection of its own. */
export function ask(url: string, { method = 'GET', headers = {}, body = '', ca }: Ask = {}): Promise<Answer> {
  const request = url.startsWith('https:') ? requestTls : requestPlain
  const trusted = ca === undefined ? {} : { ca: readFileSync(ca) }
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false, ...trusted }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

export const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

/** The client-credentials request that every test of a running server makes. */
export const askToken = (
  url: string,
  [id, secret]: readonly [string, string],
  ask_: Ask = {},
): Promise<Answer> =>
  ask(url, {
    ...ask_,
    method: 'POST',
    headers: {
      ...ask_.headers,
      Authorization: basic(id, secret),
      'Content-Type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials',
  })
