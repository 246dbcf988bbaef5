/** Our own server as a contestant: shipped settings, behind a listed proxy on plain loopback, or with TLS of its own. */
import { once } from 'node:events'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BenchTenant } from './blueprint.ts'
import { issuer } from './claims.ts'
import { type DrawnContestant, type Ground, tokenRequest } from './contestant.ts'
import { firstToken, untilListening } from './first-token.ts'
import type { DrawnPlan } from './load-protocol.ts'
import { type Child, startChild, stopChild, untilExit } from './pinned.ts'
import type { PreparedData } from './prepared-data.ts'
import type { TlsFiles } from './tls-files.ts'

export interface SallyportStart {
  readonly ground: Ground
  readonly data: PreparedData
  readonly tenant: BenchTenant
  /** False turns off the log line of each issued token: the one setting that is not as shipped. */
  readonly successLog: boolean
  /** With these it ends TLS itself; without, it believes a proxy on loopback. */
  readonly tls?: TlsFiles | undefined
  /** More than one are given more than one core. */
  readonly workers?: number
  /** PostgreSQL, instead of the file of the data folder. */
  readonly databaseUrl?: string
}

export async function startSallyport(start: SallyportStart): Promise<DrawnContestant> {
  const { data, tenant } = start
  const { child, port } = await spawnServe(start)
  await Promise.race([untilListening(port), untilExit(child)])
  return {
    pid: child.pid,
    port,
    hasTls: start.tls !== undefined,
    plan: planFor(data, tenant),
    detail: `${data.apps.toLocaleString('en-US')} apps`,
    complaint: child.complaint,
    stop: () => stopChild(child),
  }
}

/** Spawns `serve` on a prepared data folder and returns the seconds until the first 200 of the token endpoint. */
export async function secondsToFirstToken(ground: Ground, data: PreparedData): Promise<number> {
  const tenant = 'es256'
  const startedAt = performance.now()
  const { child, port } = await spawnServe({ ground, data, tenant, successLog: true })
  try {
    await Promise.race([firstToken(port, planFor(data, tenant)), untilExit(child)])
    return (performance.now() - startedAt) / 1000
  } finally {
    await stopChild(child)
  }
}

const program = fileURLToPath(new URL('../../packages/server/bin/sallyport.mjs', import.meta.url))

async function spawnServe(start: SallyportStart): Promise<{ readonly child: Child; readonly port: number }> {
  const { ground, data } = start
  const [port, metricsPort] = await freePorts()
  const configFile = join(ground.folder, `serve-${port}.yaml`)
  writeFileSync(configFile, configuration(start, port, metricsPort))
  // The log goes where logs go, into a file: writing it is part of the work as shipped.
  const logFile = openSync(join(ground.folder, `serve-${port}.log`), 'w')
  const child = startChild({
    place: (start.workers ?? 1) > 1 ? 'contestants' : 'contestant',
    node: ground.node,
    arguments: [program, 'serve', '--config', configFile],
    stdout: logFile,
    ipc: false,
    environment: { SALLYPORT_MASTER_KEY: data.masterKey },
  })
  closeSync(logFile)
  return { child, port }
}

/** YAML by way of JSON, which is YAML. */
function configuration(start: SallyportStart, port: number, metricsPort: number): string {
  const { data, successLog, tls, workers = 1, databaseUrl } = start
  return JSON.stringify({
    base_url: new URL(issuer).origin,
    listen_host: '127.0.0.1',
    listen_port: port,
    metrics_port: metricsPort,
    ...(tls ? { tls_certificate_file: tls.certFile, tls_key_file: tls.keyFile } : { proxies: ['127.0.0.1'] }),
    ...(databaseUrl === undefined ? { data_folder: data.dataFolder } : { database_url: databaseUrl }),
    workers,
    log_tokens: successLog,
  })
}

function planFor(data: PreparedData, tenant: BenchTenant): DrawnPlan {
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
