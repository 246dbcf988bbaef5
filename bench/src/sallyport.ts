/**
 * Our own server as a contestant: shipped settings, behind a listed proxy, on plain loopback.
 * THE SEAM: `prepareSallyport` waits for the bench's blueprint and the bulk insert; then set `sallyportIsWired`.
 */
import { once } from 'node:events'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { issuer } from './claims.ts'
import { type Contestant, type Ground, tokenRequest } from './contestant.ts'
import { firstToken, untilListening } from './first-token.ts'
import type { RequestPlan } from './load-protocol.ts'
import { type Child, startChild, stopChild, untilExit } from './pinned.ts'
import type { Algorithm } from './signers.ts'

/** False until `prepareSallyport` is filled in; rows then measure only the baselines and say so. */
export const sallyportIsWired: boolean = false

/** The bench's tenants: one per algorithm, and ES256 with token reuse; each at `https://bench.example/{tenant}`. */
export type BenchTenant = Lowercase<Algorithm> | 'reuse'

/** A data folder with the bench's tenants and so many apps of each; made once per count, shared by rows. */
export interface PreparedData {
  readonly dataFolder: string
  readonly masterKey: string
  /** Per tenant, `Basic` credentials of all apps, base64, one width, no separators: what the load draws from. */
  readonly credentials: Readonly<Record<BenchTenant, { readonly file: string; readonly bytes: number }>>
}

/** Applies the bench's blueprint to a fresh data folder and inserts `apps` apps straight into the store, in chunks. */
export async function prepareSallyport(_ground: Ground, _apps: number): Promise<PreparedData> {
  throw new Error('the server is not wired into the bench yet')
}

export interface SallyportStart {
  readonly ground: Ground
  readonly data: PreparedData
  readonly tenant: BenchTenant
  /** False turns off the log line of each issued token: the one setting that is not as shipped. */
  readonly successLog: boolean
}

export async function startSallyport({
  ground,
  data,
  tenant,
  successLog,
}: SallyportStart): Promise<Contestant> {
  const { child, port } = await spawnServe(ground, data, successLog)
  await Promise.race([untilListening(port), untilExit(child)])
  return {
    pid: child.pid,
    port,
    plan: planFor(data, tenant),
    complaint: child.complaint,
    stop: () => stopChild(child),
  }
}

/** Spawns `serve` on a prepared data folder and returns the seconds until the first 200 of the token endpoint. */
export async function secondsToFirstToken(ground: Ground, data: PreparedData): Promise<number> {
  const startedAt = performance.now()
  const { child, port } = await spawnServe(ground, data, true)
  try {
    await Promise.race([firstToken(port, planFor(data, 'es256')), untilExit(child)])
    return (performance.now() - startedAt) / 1000
  } finally {
    await stopChild(child)
  }
}

const program = fileURLToPath(new URL('../../packages/server/src/cli/main.ts', import.meta.url))

async function spawnServe(
  ground: Ground,
  data: PreparedData,
  successLog: boolean,
): Promise<{ readonly child: Child; readonly port: number }> {
  const [port, metricsPort] = await freePorts()
  const configFile = join(ground.folder, `serve-${port}.yaml`)
  writeFileSync(configFile, configuration({ data, port, metricsPort, successLog }))
  // The log goes where logs go, into a file: writing it is part of the work as shipped.
  const logFile = openSync(join(ground.folder, `serve-${port}.log`), 'w')
  const child = startChild({
    place: 'contestant',
    node: ground.node,
    arguments: [program, 'serve', '--config', configFile],
    stdout: logFile,
    ipc: false,
    environment: { SALLYPORT_MASTER_KEY: data.masterKey },
  })
  closeSync(logFile)
  return { child, port }
}

interface Configured {
  readonly data: PreparedData
  readonly port: number
  readonly metricsPort: number
  readonly successLog: boolean
}

/** YAML by way of JSON, which is YAML. */
function configuration({ data, port, metricsPort, successLog }: Configured): string {
  return JSON.stringify({
    base_url: new URL(issuer).origin,
    listen_host: '127.0.0.1',
    listen_port: port,
    metrics_port: metricsPort,
    proxies: ['127.0.0.1'],
    data_folder: data.dataFolder,
    log_tokens: successLog,
  })
}

function planFor(data: PreparedData, tenant: BenchTenant): RequestPlan {
  const { file, bytes } = data.credentials[tenant]
  return tokenRequest(`/${tenant}/oauth2/token`, file, bytes)
}

/** Both are held at once, so that they differ; released before use, which is good enough on loopback. */
async function freePorts(): Promise<readonly [number, number]> {
  const servers = [createServer().listen(0, '127.0.0.1'), createServer().listen(0, '127.0.0.1')]
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const [first = 0, second = 0] = servers.map((server) => {
    const address = server.address()
    return address !== null && typeof address === 'object' ? address.port : 0
  })
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return [first, second]
}
