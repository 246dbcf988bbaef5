/** `sallyport dev`: a development instance from nothing, with the five platforms as tenants and a certificate of its own. */

import { accessSync, constants } from 'node:fs'
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { join, relative, resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { ConfigRefused } from '../config.ts'
import { applyBundled } from '../dev/bundled.ts'
import { type DemoFile, readKnownOperator, readKnownSecrets, writeDemoFile } from '../dev/demo-file.ts'
import { ensureDemoOperator } from '../dev/demo-operator.ts'
import { type DemoTenants, ensureDemoTenants } from '../dev/demo-tenants.ts'
import { ensureLocalCertificate, type LocalCertificate, trustCommand } from '../dev/local-ca.ts'
import { systemEffects } from '../effects.ts'
import { bindAll, developmentHosts, ListenRefused } from '../http/listen.ts'
import { createLog } from '../http/log.ts'
import { loadTls } from '../http/tls.ts'
import { createServer, type Server } from '../main.ts'
import { type OpenStore, openStore } from '../open-store.ts'
import { StoreRefused } from '../store/database.ts'
import { makeFolder } from '../store/make-folder.ts'
import { listTenantIds, loadTenant } from '../store/tenants.ts'
import { openPort } from './open-port.ts'
import { closeOnSignal } from './signals.ts'
import { table } from './table.ts'
import { withPort } from './with-port.ts'

interface DevOptions {
  readonly port: number
  readonly httpPort: number
  readonly mtlsPort: number
  readonly data: string
}

type GivenOptions = Omit<DevOptions, 'mtlsPort'> & { readonly mtlsPort?: number }

/** The next one that is free of the other two; 0, and so none, above the last port there is. */
const portAbove = ({ port, httpPort }: GivenOptions): number => {
  const next = port + 1 === httpPort ? port + 2 : port + 1
  return next > 65_535 ? 0 : next
}

export function registerDev(program: Command): void {
  program
    .command('dev')
    .description(
      'run a development instance: five platforms as tenants, a certificate of its own, data in ./data',
    )
    .option('--port <port>', 'the HTTPS port', parsePort(1), 8443)
    .option('--http-port <port>', 'where plain HTTP is refused; 0 turns it off', parsePort(0), 8080)
    .option(
      '--mtls-port <port>',
      'where connections are asked for a client certificate; 0 turns it off (default: one above the HTTPS port)',
      parsePort(0),
    )
    .option('--data <folder>', 'where everything is kept', './data')
    .action((options: GivenOptions) => dev({ ...options, mtlsPort: options.mtlsPort ?? portAbove(options) }))
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
  const folder = resolve(options.data)
  prepareFolder(folder)
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
  { port, httpPort, mtlsPort: wantedMtlsPort }: DevOptions,
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
  // New secrets exist nowhere else, so they are kept even if the port cannot be had.
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
  writeDemoFile(demoFile, content)
  // Before it is said to be ready: a signal may follow at once.
  closeOnSignal(server, log, { onClosing: () => say('Stopping …'), onClosed: () => say('Stopped.') })
  announce(content, demo, demoFile, certificate)
}

/** As it is typed: `npm start` takes flags only behind `--`. */
const portFlag = (port: number): string =>
  process.env.npm_lifecycle_event === 'start'
    ? `npm start -- --port ${port > 64_535 ? port - 1_000 : port + 1_000}`
    : '--port'

const shown = (path: string) => {
  const short = relative(process.cwd(), path)
  return short.startsWith('..') ? path : `./${short}`
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
  openSecondPort(port, 'plain HTTP is not answered there', '--http-port', say, () =>
    server.listenPlainHttp({ hosts: developmentHosts, port }),
  )

/** Found out before the server is made: its metadata must not name a port that another program has. */
const isFreeForCertificates = (port: number, warn: (line: string) => void): Promise<boolean> =>
  openSecondPort(port, 'no client certificates are taken', '--mtls-port', warn, async () => {
    const servers: HttpServer[] = []
    await bindAll({ hosts: developmentHosts, port, servers, create: createHttpServer })
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
    return port
  })

/** In development a second port that cannot be had is no reason not to start. False where there is none. */
async function openSecondPort(
  port: number,
  consequence: string,
  flag: string,
  warn: (line: string) => void,
  open: () => Promise<number>,
): Promise<boolean> {
  if (port === 0) return false
  try {
    await open()
    return true
  } catch (error) {
    if (!(error instanceof ListenRefused)) throw error
    const why = error.code === 'EADDRINUSE' ? 'is already in use' : `cannot be opened (${error.code})`
    warn(`Port ${port} ${why}, so ${consequence}. Another port: ${flag}; none: ${flag} 0.`)
    return false
  }
}

function announce(
  { url, tenants }: DemoFile,
  demo: DemoTenants,
  demoFile: string,
  certificate: LocalCertificate,
): void {
  for (const tenant of demo.replaced) {
    say(`The secret of tenant ${tenant} was no longer in demo.json: a new one was added beside it.`)
  }
  const rows = Object.entries(tenants).map(([tenant, entry]) => [tenant, entry.token_url, entry.client_id])
  const ca = shown(certificate.caFile)
  say(`\n${table([['TENANT', 'TOKEN URL', 'CLIENT ID'], ...rows])}\n`)
  say(`Only curl and browsers find names under .localhost; other programs use ${url}/TENANT/oauth2/token.`)
  say(`All client secrets are in ${shown(demoFile)}.`)
  const { trust } = trustCommand(ca, process.platform)
  say(`Browsers and other programs trust this server's certificate after:\n  ${trust}`)
  say(`Node.js does not ask the system; start its programs with:\n  NODE_EXTRA_CA_CERTS=${quoted(ca)}`)
  const sample = tenants.tokenos ?? Object.values(tenants)[0]
  if (sample) {
    const { client_id: id, client_secret: secret, path_token_url: tokenUrl } = sample
    say('Get a token:')
    say(`  curl --cacert ${quoted(ca)} -u ${id}:${secret} -d grant_type=client_credentials ${tokenUrl}`)
    say('See what is in it (put the access_token of the answer in place of TOKEN):')
    say(`  npm run sallyport -- inspect ${inspectOptions(demoFile)}TOKEN`)
  }
  say(`Ctrl-C stops the server.\n\nSallyport is ready: ${url}`)
}

/** For a shell, where it would not be one word. */
const quoted = (path: string) => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`)

/** Nothing where the data is in its usual place. */
function inspectOptions(demoFile: string): string {
  const folder = resolve(demoFile, '..')
  return folder === resolve('data') ? '' : `--data ${quoted(folder)} `
}
