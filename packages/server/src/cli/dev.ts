/** `sallyport dev`: a development instance from nothing, with the five platforms as tenants and a certificate of its own. */

import { accessSync, constants } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { ConfigRefused } from '../config.ts'
import { applyBundled } from '../dev/bundled.ts'
import { readKnownOperator, readKnownSecrets, writeDemoFile } from '../dev/demo-file.ts'
import { ensureDemoOperator } from '../dev/demo-operator.ts'
import { ensureDemoTenants } from '../dev/demo-tenants.ts'
import {
  type ExampleApi,
  type ExampleApis,
  exampleApisFrom,
  startExampleApis,
  withApiUrls,
} from '../dev/example-apis.ts'
import { ensureLocalCertificate, type LocalCertificate } from '../dev/local-ca.ts'
import { systemEffects } from '../effects.ts'
import { developmentHosts } from '../http/listen.ts'
import { createLog } from '../http/log.ts'
import { loadTls } from '../http/tls.ts'
import { createServer, type Server } from '../main.ts'
import { type OpenStore, openStore } from '../open-store.ts'
import { StoreRefused } from '../store/database.ts'
import { holdFolder } from '../store/hold-folder.ts'
import { makeFolder } from '../store/make-folder.ts'
import { listTenantIds, loadTenant } from '../store/tenants.ts'
import type { ServerOptions } from '../wiring/options.ts'
import { announcement, shown } from './dev-announcement.ts'
import { openForAMoment, openPort } from './open-port.ts'
import { fetchJsonFor, isAllowedBy, readOutboundSettings } from './outbound.ts'
import { isFree, openSecondPort } from './second-port.ts'
import { closeOnSignal } from './signals.ts'
import { migratedText } from './store-options.ts'
import { withPort } from './with-port.ts'

interface DevOptions {
  readonly port: number
  readonly httpPort: number
  readonly mtlsPort: number
  /** Of the first example API; the others follow. */
  readonly apiPort: number
  readonly data: string
}

type GivenOptions = Omit<DevOptions, 'mtlsPort' | 'apiPort'> &
  Partial<Pick<DevOptions, 'mtlsPort' | 'apiPort'>>

/** The next one that is free of the other two; 0, and so none, above the last port there is. */
const portAbove = ({ port, httpPort }: GivenOptions): number => {
  const next = port + 1 === httpPort ? port + 2 : port + 1
  return next > 65_535 ? 0 : next
}

/** 8451 beside 8443. */
const apiPortDistance = 8

export function registerDev(command: Command): void {
  command
    .option('--port <port>', 'the HTTPS port', parsePort(1), 8443)
    .option('--http-port <port>', 'where plain HTTP is refused; 0 turns it off', parsePort(0), 8080)
    .option(
      '--mtls-port <port>',
      'where connections are asked for a client certificate; 0 turns it off (default: one above the HTTPS port)',
      parsePort(0),
    )
    .option(
      '--api-port <port>',
      'where the two example APIs answer: this port and the next; 0 starts none (default: eight above the HTTPS port)',
      parsePort(0),
    )
    .option('--data <folder>', 'where everything is kept', './data')
    .action((options: GivenOptions) =>
      dev({ mtlsPort: portAbove(options), apiPort: options.port + apiPortDistance, ...options }),
    )
}

/** The main port stands in URLs that are printed and kept, so there it cannot be left to the system. */
const parsePort =
  (least: number) =>
  (text: string): number => {
    const port = Number(text)
    if (!/^\d{1,5}$/.test(text) || port < least || port > 65_535)
      throw new InvalidArgumentError(`Give a port from ${least} to 65535.`)
    return port
  }

const say = (line: string) => process.stdout.write(`${line}\n`)

async function dev(options: DevOptions): Promise<void> {
  if (options.port === options.httpPort)
    throw new ConfigRefused('--port and --http-port must differ: one is for HTTPS, the other for plain HTTP.')
  const { port } = options
  const outbound = outboundOptions()
  // Before the folder is touched: another instance may be at work in it.
  await openPort(() => openForAMoment({ hosts: developmentHosts, port }), { port: portFlag(port) })
  const folder = resolve(options.data)
  prepareFolder(folder)
  if (!holdFolder(folder, 'dev'))
    throw new StoreRefused(
      `Another sallyport dev is running in ${shown(folder)}. Stop it, or choose another folder with --data.`,
    )
  say(`Opening ${shown(folder)} …`)
  const location = { data_folder: folder, database_url: null, master_key: null }
  const store = await openStore(location, systemEffects, {
    onMigrated: (versions) => say(migratedText(shown(folder), versions)),
  })
  const running: { server?: Server } = {}
  try {
    await startIn(folder, store, { ...options, outbound }, running)
  } catch (error) {
    await (running.server?.close() ?? store.db.close())
    throw error
  }
}

async function startIn(
  folder: string,
  store: OpenStore,
  { port, httpPort, mtlsPort: wantedMtlsPort, apiPort, outbound }: DevOptions & { outbound: Outbound },
  running: { server?: Server },
): Promise<void> {
  say('Applying the blueprints of five platforms …')
  const bundled = await applyBundled(store, systemEffects)
  const certificate = await certificateFor(folder, store)
  const baseUrl = new URL(`https://localhost:${port}`)
  const demoFile = join(folder, 'demo.json')
  const known = readKnownSecrets(demoFile)
  const demo = await ensureDemoTenants(store, systemEffects, bundled, baseUrl, known)
  const operator = await ensureDemoOperator(store, systemEffects, baseUrl, readKnownOperator(demoFile))
  const { management } = operator
  const content = { url: baseUrl.origin, ca: certificate.caFile, tenants: demo.tenants, management }
  // New secrets exist nowhere else, so they are kept even if the port is lost meanwhile.
  if (demo.hasNewSecrets || operator.isNew) writeDemoFile(demoFile, content)
  const log = createLog({ clock: systemEffects.wallClock, level: 'warn' })
  const warnings: string[] = []
  const warn = (line: string) => void warnings.push(line)
  const mtlsPort = (await isFreeForCertificates(wantedMtlsPort, warn)) ? wantedMtlsPort : 0
  const server = createServer({
    store,
    effects: systemEffects,
    log,
    baseUrl,
    clientCacheEntries: 1_000,
    tls: await loadTls(certificate),
    mtlsUrl: mtlsPort === 0 ? null : withPort(baseUrl, mtlsPort),
    ...outbound,
  })
  running.server = server
  await openPort(() => server.listen({ hosts: developmentHosts, port }), { port: portFlag(port) })
  // After the main port: without that there is nothing to warn of.
  for (const line of warnings) say(line)
  if (mtlsPort !== 0)
    await openPort(() => server.listenMtls({ hosts: developmentHosts, port: mtlsPort }), {
      port: '--mtls-port',
    })
  await refusePlainHttp(server, httpPort)
  const apis = startExampleApis(await withFreePorts(exampleApisFrom(apiPort)), {
    ...{ baseUrl, certificate, tenants: demo.tenants, say },
  })
  let isStopping = false
  const onClosing = () => {
    isStopping = true
    say('Stopping …')
  }
  // Before it is said to be ready: a signal may follow at once.
  closeOnSignal(together(server, apis), log, { onClosing, onClosed: () => say('Stopped.') })
  const listening = await apis.listening
  if (isStopping) return
  const complete = withApiUrls(content, listening)
  writeDemoFile(demoFile, complete)
  say(announcement({ content: complete, demo, demoFile, certificate, apis: listening }))
}

type Outbound = Pick<ServerOptions, 'fetchJson' | 'isAllowedAddress'>

/** Keys are often tried out with a server of one's own, on an address that is not public. */
function outboundOptions(): Outbound {
  const settings = readOutboundSettings(process.env)
  return { fetchJson: fetchJsonFor(settings), isAllowedAddress: isAllowedBy(settings) }
}

const together = (server: Server, apis: ExampleApis): Pick<Server, 'close'> => ({
  async close() {
    const [result] = await Promise.all([server.close(), apis.stop()])
    return result
  },
})

/** Those whose port no other program has; of the others it is told. */
async function withFreePorts(apis: readonly ExampleApi[]): Promise<readonly ExampleApi[]> {
  const free: ExampleApi[] = []
  for (const api of apis) {
    const consequence = `the example API ${api.name} is not started`
    if (await isFree({ port: api.port, flag: '--api-port', consequence, warn: say })) free.push(api)
  }
  return free
}

/**
 * As it is typed: `npm start` takes flags only behind `--`. With a folder of its own: what has the port is most often another
 * instance, which shares its folder with none.
 */
function portFlag(port: number): string {
  if (process.env.npm_lifecycle_event !== 'start') return '--port and another folder with --data'
  const other = port > 64_535 ? port - 1_000 : port + 1_000
  return `npm start -- --port ${other} --data ./data-${other}`
}

function prepareFolder(folder: string): void {
  try {
    makeFolder(folder)
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw new StoreRefused(
      `The folder ${folder} cannot be written. Choose another with --data, or change its permissions.`,
      { cause },
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

const refusePlainHttp = (server: Server, port: number): Promise<boolean> =>
  openSecondPort(
    { port, flag: '--http-port', consequence: 'plain HTTP is not answered there', warn: say },
    () => server.listenPlainHttp({ hosts: developmentHosts, port }),
  )

/** Found out before the server is made: its metadata must not name a port that another program has. */
const isFreeForCertificates = (port: number, warn: (line: string) => void): Promise<boolean> =>
  isFree({ port, flag: '--mtls-port', consequence: 'no client certificates are taken', warn })
