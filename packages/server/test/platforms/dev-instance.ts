/** A real `sallyport dev` on free ports with a folder of its own, and the programs that customers use against it. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext } from 'node:test'
import type { DemoFile, DemoTenant } from '../../src/dev/demo-file.ts'
import { commandLine, freeNeighbours, freePorts } from '../cli/processes.ts'
import { parseReply, type WireReply } from '../http/wire.ts'
import type { PlatformName } from './platforms.ts'

export interface DevInstance {
  readonly port: number
  readonly plainPort: number
  /** Of the example API notarizations; transactions has the next. 0 where none was asked for. */
  readonly apiPort: number
  /** Path of the local CA's certificate. */
  readonly ca: string
  readonly dataFolder: string
  /** Where the server would put temporary files. */
  readonly temporaryFolder: string
  tenant(name: PlatformName | 'nitrobox-live'): DemoTenant
  /** What the server has printed so far. */
  output(): string
  /** Resolves with the first log line that matches; the test's own time limit ends the waiting. */
  logLine(
    matches: (line: Readonly<Record<string, unknown>>) => boolean,
  ): Promise<Readonly<Record<string, unknown>>>
}

/** One instance for all tests of a file. */
export function devInstance({ hasApis = false } = {}): () => DevInstance {
  let started: { readonly instance: DevInstance; stop(): Promise<void> } | undefined
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-dev-'))
  before(async () => {
    started = await start(folder, hasApis ? await freeNeighbours() : 0)
  })
  after(async () => {
    await started?.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  return () => started?.instance ?? assert.fail('the development instance has not started')
}

async function start(folder: string, apiPort: number) {
  const [port = 0, plainPort = 0] = await freePorts(2)
  const data = join(folder, 'data')
  const temporaryFolder = join(folder, 'tmp')
  mkdirSync(temporaryFolder)
  const ports = ['--port', `${port}`, '--http-port', `${plainPort}`, '--api-port', `${apiPort}`]
  const args = ['dev', ...ports, '--data', data]
  const child = spawn(process.execPath, [commandLine, ...args], {
    env: { ...process.env, TMPDIR: temporaryFolder },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit')
  const printing = new EventEmitter()
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      printing.emit('printed')
    })
  }
  const hasEnded = exited.then(() => true)
  while (!output.includes('Sallyport is ready')) {
    const hasPrinted = once(printing, 'printed').then(() => false)
    if (await Promise.race([hasPrinted, hasEnded])) assert.fail(output)
  }
  const demo: DemoFile = JSON.parse(readFileSync(join(data, 'demo.json'), 'utf8'))
  const instance: DevInstance = {
    port,
    plainPort,
    apiPort,
    ca: demo.ca,
    dataFolder: data,
    temporaryFolder,
    tenant: (name) => demo.tenants[name] ?? assert.fail(`demo.json has no ${name}`),
    output: () => output,
    async logLine(matches) {
      for (;;) {
        const lines = output.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'))
        const found = lines.map((line) => JSON.parse(line) as Record<string, unknown>).find(matches)
        if (found) return found
        await once(printing, 'printed')
      }
    },
  }
  const stop = async () => {
    child.kill('SIGTERM')
    await exited
  }
  return { instance, stop }
}

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program as a customer would who trusts the local CA, and no proxy of this machine in between. */
export async function run(
  program: string,
  args: readonly string[],
  { ca, input = '', environment = {} }: { ca: string; input?: string; environment?: Record<string, string> },
): Promise<Finished> {
  const { http_proxy, https_proxy, HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, all_proxy, ...inherited } = process.env
  const trust = { CURL_CA_BUNDLE: ca, SSL_CERT_FILE: ca, NODE_EXTRA_CA_CERTS: ca }
  const child = spawn(program, args, { env: { ...inherited, ...trust, ...environment } })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  return { code, stdout, stderr }
}

/** False, with the test skipped and the tool named, on a machine that lacks it; in continuous integration it must be there. */
export function hasTool(t: TestContext, tool: string): boolean {
  if (spawnSync(tool, ['--version'], { stdio: 'ignore' }).error === undefined) return true
  assert.notEqual(process.env.CI, 'true', `${tool} is not installed`)
  t.skip(`not run: ${tool} is not installed`)
  return false
}

export interface CurlReply extends WireReply {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers whose shape is what they assert
  readonly json: any
}

/** The answer that curl gets, taken apart; the exit code must be 0. */
export async function curl({ ca }: Pick<DevInstance, 'ca'>, ...args: readonly string[]): Promise<CurlReply> {
  const { code, stdout, stderr } = await run('curl', ['--silent', '--show-error', '--include', ...args], {
    ca,
  })
  assert.equal(code, 0, stderr)
  const reply = parseReply(stdout)
  const isJson = reply.headers.get('content-type') === 'application/json' && reply.body !== ''
  return { ...reply, json: isJson ? JSON.parse(reply.body) : null }
}
