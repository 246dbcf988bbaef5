/** `sallyport dev`: a development instance from nothing, with the five platforms as tenants and a certificate of its own. */

import { accessSync, constants, mkdirSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { applyBundled } from '../dev/bundled.ts'
import { readKnownSecrets, writeDemoFile } from '../dev/demo-file.ts'
import { type DemoTenants, ensureDemoTenants } from '../dev/demo-tenants.ts'
import { ensureLocalCertificate, type LocalCertificate, trustCommand } from '../dev/local-ca.ts'
import { systemEffects } from '../effects.ts'
import { developmentHosts, ListenRefused } from '../http/listen.ts'
import { createLog } from '../http/log.ts'
import { loadTls } from '../http/tls.ts'
import { createServer, type Server } from '../main.ts'
import { type OpenStore, openStore } from '../open-store.ts'
import { StoreRefused } from '../store/database.ts'
import { listTenantIds, loadTenant } from '../store/tenants.ts'
import { closeOnSignal } from './signals.ts'
import { table } from './table.ts'

interface DevOptions {
  readonly port: number
  readonly httpPort: number
  readonly data: string
}

export function registerDev(program: Command): void {
  program
    .command('dev')
    .description(
      'run a development instance: five platforms as tenants, a certificate of its own, data in ./data',
    )
    .option('--port <port>', 'the HTTPS port', parsePort, 8443)
    .option('--http-port <port>', 'where plain HTTP is refused; 0 turns it off', parsePort, 8080)
    .option('--data <folder>', 'where everything is kept', './data')
    .action(dev)
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('Give a port from 0 to 65535.')
  return port
}

const say = (line: string) => process.stdout.write(`${line}\n`)

async function dev(options: DevOptions): Promise<void> {
  const folder = resolve(options.data)
  makeFolder(folder)
  say(`Opening ${shown(folder)} …`)
  const store = await openStore({ data_folder: folder, database_url: null, master_key: null }, systemEffects)
  const running: { server?: Server } = {}
  try {
    await startIn(folder, store, options, running)
  } catch (error) {
    await (running.server?.close() ?? store.db.close())
    throw error
  }
}

async function startIn(
  folder: string,
  store: OpenStore,
  { port, httpPort, data }: DevOptions,
  running: { server?: Server },
): Promise<void> {
  say('Applying the blueprints of five platforms …')
  const bundled = await applyBundled(store, systemEffects)
  const certificate = await certificateFor(folder, store)
  const baseUrl = new URL(`https://localhost:${port}`)
  const log = createLog({ level: 'warn' })
  const server = createServer({
    store,
    effects: systemEffects,
    log,
    baseUrl,
    clientCacheEntries: 1_000,
    tls: await loadTls(certificate),
  })
  running.server = server
  await server.listen({ hosts: developmentHosts, port })
  await refusePlainHttp(server, httpPort)
  const file = join(folder, 'demo.json')
  const demo = await ensureDemoTenants(store, systemEffects, bundled, baseUrl, readKnownSecrets(file))
  writeDemoFile(file, { url: baseUrl.origin, ca: certificate.caFile, tenants: demo.tenants })
  announce(baseUrl, data, demo, certificate)
  closeOnSignal(server, log, () => say('Stopped.'))
}

const shown = (path: string) => {
  const short = relative(process.cwd(), path)
  return short.startsWith('..') ? path : `./${short}`
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.R_OK | constants.W_OK)
  } catch {
    throw new StoreRefused(
      `The folder ${folder} cannot be written. Choose another with --data, or change its permissions.`,
    )
  }
}

/** Node and browsers refuse a wildcard for `*.localhost`, so each tenant's host is named. */
async function certificateFor(folder: string, { db }: OpenStore): Promise<LocalCertificate> {
  const tenants = await Promise.all((await listTenantIds(db)).map((id) => loadTenant(db, id)))
  const hosts = tenants.flatMap((tenant) => tenant?.hosts ?? []).filter((host) => host.endsWith('.localhost'))
  const certificate = await ensureLocalCertificate({
    folder,
    hosts: ['localhost', '127.0.0.1', '::1', ...hosts],
    effects: systemEffects,
  })
  if (certificate.created) say('Made a certificate for localhost.')
  return certificate
}

/** In development a busy second port is no reason not to start. */
async function refusePlainHttp(server: Server, port: number): Promise<void> {
  if (port === 0) return
  try {
    await server.listenPlainHttp({ hosts: developmentHosts, port })
  } catch (error) {
    if (!(error instanceof ListenRefused)) throw error
    say(
      `Port ${port} is busy, so plain HTTP is not answered. Choose another with --http-port, or 0 for none.`,
    )
  }
}

function announce(baseUrl: URL, data: string, demo: DemoTenants, certificate: LocalCertificate): void {
  for (const tenant of demo.replaced) {
    say(`The secret of tenant ${tenant} was no longer in demo.json: a new one was added beside it.`)
  }
  const rows = Object.entries(demo.tenants).map(([tenant, { token_url: url, client_id: id }]) => [
    tenant,
    url,
    id,
  ])
  const ca = shown(certificate.caFile)
  say('')
  say(table([['TENANT', 'TOKEN URL', 'CLIENT ID'], ...rows]))
  say('')
  say(
    `Secrets are in ${shown(join(resolve(data), 'demo.json'))}. To trust the certificate everywhere on this machine:`,
  )
  say(`  ${trustCommand(ca, process.platform).trust}`)
  const sample = demo.tenants.tokenos ?? Object.values(demo.tenants)[0]
  if (sample) {
    say('Get a token:')
    say(
      `  curl --cacert ${ca} -u ${sample.client_id}:${sample.client_secret} -d grant_type=client_credentials ${sample.path_token_url}`,
    )
    say('Look at it:')
    say('  npm run sallyport -- inspect TOKEN')
  }
  say('')
  say(`Sallyport is ready: ${baseUrl.origin}`)
}
