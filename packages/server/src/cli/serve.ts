/** `sallyport serve`: the server as operators run it. */

import cluster from 'node:cluster'
import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { followRevocationLists, type RevocationFollower } from '../certificates/revocation-files.ts'
import { type Config, flagNames, readConfig } from '../config.ts'
import { systemEffects } from '../effects.ts'
import { parseAddressList } from '../http/address-list.ts'
import { createLog, type Log } from '../http/log.ts'
import { followTls, type LoadedTls, loadTls, type TlsFiles, type TlsFollower } from '../http/tls.ts'
import type { AttemptRelay } from '../limits/attempt-relay.ts'
import { createServer, type Server } from '../main.ts'
import { isReadableByOthers } from '../master-key.ts'
import { isNewStore, masterKeyPath, type OpenStore, openStore } from '../open-store.ts'
import { listTenantIds } from '../store/tenants.ts'
import { auditSinksFor } from './audit-sinks.ts'
import { openForAMoment, openPort } from './open-port.ts'
import { fetchJsonFor, isAllowedBy } from './outbound.ts'
import { closeOnSignal } from './signals.ts'
import { withPort } from './with-port.ts'
import { type Serving, serveAsWorker, workerRelay } from './worker.ts'
import { runWorkers } from './workers.ts'

export function registerServe(command: Command): void {
  command
    .option('--config <file>', 'the configuration file (YAML); variables and flags override it')
    .addHelpText('after', '\nEach flag is also a SALLYPORT_ variable: --http-port is SALLYPORT_HTTP_PORT.')
  for (const { name, about } of flagNames) {
    command.addOption(new Option(`--${name.replaceAll('_', '-')} <value>`, about))
  }
  command.action(async ({ config: file, ...flags }: { config?: string } & Record<string, string>) => {
    await serve(
      readConfig({
        file: file === undefined ? null : (await import('./config-file.ts')).readConfigFile(file),
        environment: process.env,
        flags: Object.fromEntries(Object.entries(flags).map(([name, value]) => [toSettingName(name), value])),
        readFile: (path) => readFileSync(path, 'utf8'),
      }),
    )
  })
}

/** Commander hands options over in camel case. */
const toSettingName = (option: string) => option.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

async function serve(config: Config): Promise<void> {
  const log = createLog({
    clock: systemEffects.wallClock,
    level: config.log_level,
    tokenLines: config.log_tokens,
  })
  if (config.workers === 1) {
    const { server, port } = await startServing(config, log)
    // Before it is said to be ready: a signal may follow at once.
    closeOnSignal(server, log)
    sayReady(log, config, port)
  } else if (cluster.isPrimary) {
    await tryFiles(config, log)
    await (await open(config, log)).db.close()
    const port = await runWorkers({ count: config.workers, log, metrics: metricsAddress(config) })
    sayReady(log, config, port)
  } else {
    // The metrics of all workers are the primary's to show.
    const own = { ...config, metrics_port: 0 }
    await serveAsWorker(() => startServing(own, log, workerRelay(config.workers)), log)
  }
}

function sayReady(log: Log, config: Config, port: number): void {
  log.info('ready', { url: baseUrlOf(config).origin, port })
  log.flush()
}

const metricsAddress = ({ metrics_host: host, metrics_port: port }: Config) =>
  port === 0 ? null : { hosts: [host], port }

async function startServing(config: Config, log: Log, attemptRelay?: AttemptRelay): Promise<Serving> {
  const files = tlsFiles(config)
  const tls = files && (await loadTls(files))
  const revocationLists = await revocationListsOf(config, log)
  const store = await open(config, log)
  const server = createServer({
    store,
    effects: systemEffects,
    log,
    baseUrl: baseUrlOf(config),
    clientCacheEntries: clientCacheEntries(config),
    proxies: parseAddressList(config.proxies),
    tls,
    mtlsUrl: mtlsUrlOf(config),
    certificateHeader: config.client_certificate_header,
    revocationLists,
    fetchJson: fetchJsonFor(config),
    isAllowedAddress: isAllowedBy(config),
    drainNoticeSeconds: config.drain_notice_seconds,
    auditSinks: auditSinksFor(config),
    secretScanningKeysUrl: config.secret_scanning_keys_url,
    ...(attemptRelay && { attemptRelay }),
  })
  warnOfReadableKey(config, log)
  try {
    const port = await listen(server, config)
    const follower = files && tls && follow(server, { files, loaded: tls, log })
    lookAgainOnSignal([follower, revocationLists])
    if ((await listTenantIds(store.db)).length === 0) {
      log.warn(
        'there are no tenants yet: make one with `sallyport manage tenants create`, or declare them in a blueprint and run `sallyport apply`, with the --config of this server',
      )
    }
    return { server, port }
  } catch (error) {
    await server.close()
    throw error
  }
}

/** Who meant another folder, or whose disk is not mounted, sees here why nobody is known. */
async function open(config: Config, log: Log): Promise<OpenStore> {
  const isNew = isNewStore(config)
  const store = await openStore(config, systemEffects, {
    // A start beside the older release leaves that its database.
    beforeMigrating: () => tryPorts(config),
    onWaiting: () =>
      log.info('waiting for a migration', { reason: 'another process is migrating the database' }),
    onMigrated: ({ from, to }) => log.info('database migrated', { reason: `schema ${from} to ${to}` }),
  })
  if (isNew) log.warn('made a new database', { file: config.data_folder })
  return store
}

function baseUrlOf({ base_url: url }: Config): URL {
  if (url === null) throw new Error('readConfig lets no configuration without base_url pass.')
  return url
}

function mtlsUrlOf(config: Config): URL | null {
  // Behind a proxy it is the proxy that asks for certificates, at the place that it was given.
  if (config.mtls_port === 0) return config.mtls_base_url
  return config.mtls_base_url ?? withPort(baseUrlOf(config), config.mtls_port)
}

function revocationListsOf(
  { client_certificate_revocation_lists: files }: Config,
  log: Log,
): Promise<RevocationFollower> | null {
  if (files.length === 0) return null
  return followRevocationLists({
    files,
    clock: systemEffects.clock,
    onRenewed(file) {
      log.info('revocation list renewed', { file })
      log.flush()
    },
    onBroken: (sentence) => log.warn(sentence),
  })
}

/** The embedded database answers in microseconds, so memory buys little there; a round trip is worth a few kilobytes. */
const clientCacheEntries = ({ client_cache_entries: entries, database_url: url }: Config): number =>
  entries ?? (url === null ? 1_000 : 10_000)

function warnOfReadableKey(
  { master_key: given, database_url: url, data_folder: folder }: Config,
  log: Log,
): void {
  const file = masterKeyPath(folder)
  if (given === null && url === null && isReadableByOthers(file)) {
    log.warn('other users of this machine may read the master key: run chmod 600 on it', { file })
  }
}

const tlsFiles = ({ tls_certificate_file: certFile, tls_key_file: keyFile }: Config): TlsFiles | null =>
  certFile === null || keyFile === null ? null : { certFile, keyFile }

function portsOf(config: Config) {
  const hosts = [config.listen_host]
  return {
    main: { hosts, port: config.listen_port, settings: { port: 'listen_port', host: 'listen_host' } },
    mtls: { hosts, port: config.mtls_port, settings: { port: 'mtls_port' } },
    plainHttp: { hosts, port: config.http_port, settings: { port: 'http_port' } },
    metrics: {
      ...{ hosts: [config.metrics_host], port: config.metrics_port },
      settings: { port: 'metrics_port', host: 'metrics_host' },
    },
  }
}

/** Workers read them only after the primary has opened the database. */
async function tryFiles(config: Config, log: Log): Promise<void> {
  const files = tlsFiles(config)
  if (files !== null) await loadTls(files)
  const revocationLists = await revocationListsOf(config, log)
  revocationLists?.stop()
}

async function tryPorts(config: Config): Promise<void> {
  for (const { settings, ...address } of Object.values(portsOf(config)))
    if (address.port !== 0) await openPort(() => openForAMoment(address), settings)
}

async function listen(server: Server, config: Config): Promise<number> {
  const { main, mtls, plainHttp, metrics } = portsOf(config)
  const port = await openPort(() => server.listen(main), main.settings)
  if (mtls.port !== 0) await openPort(() => server.listenMtls(mtls), mtls.settings)
  if (plainHttp.port !== 0) await openPort(() => server.listenPlainHttp(plainHttp), plainHttp.settings)
  if (metrics.port !== 0) await openPort(() => server.listenMetrics(metrics), metrics.settings)
  return port
}

interface FollowedTls {
  readonly files: TlsFiles
  readonly loaded: LoadedTls
  readonly log: Log
}

function follow(server: Server, { files, loaded, log }: FollowedTls): TlsFollower {
  const { certificateExpires } = server.metrics
  certificateExpires.set(loaded.expiresAt)
  return followTls({
    files,
    loaded,
    clock: systemEffects.clock,
    onChange(pair) {
      server.replaceTls(pair)
      certificateExpires.set(pair.expiresAt)
      log.info('certificate renewed', { file: files.certFile })
      log.flush()
    },
    onWarning: (sentence) => log.warn(sentence, { file: files.certFile }),
  })
}

interface Follower {
  check(): Promise<void>
}

/** What renewal programs send; without it the files are looked at every ten seconds anyway. */
function lookAgainOnSignal(followers: readonly (Follower | null)[]): void {
  process.on('SIGHUP', () => {
    for (const follower of followers) void follower?.check()
  })
}
