/** The server put together: the one place that hands each part what it needs. */

import type { ForwardedCertificatePreset } from '@sallyport/protocol'
import { type ExpiryWarning, warnOfExpiry } from './apps/expiry-warnings.ts'
import { createExposure, type ReportExposure } from './apps/expose-credential.ts'
import { createSecretUpgrade } from './apps/upgrade-secret.ts'
import { createUsage, type Usage } from './apps/usage.ts'
import type { RevocationLists } from './certificates/revocation-files.ts'
import type { Effects } from './effects.ts'
import { createIssuerKeys } from './federation/issuer-keys.ts'
import type { AddressList } from './http/address-list.ts'
import { connectionCertificates, forwardedCertificates } from './http/client-certificate.ts'
import { clientOutcome } from './http/client-outcome.ts'
import { type DrainResult, drain } from './http/drain.ts'
import type { Handler } from './http/exchange.ts'
import { answerHealth, createHealth, type Health } from './http/health.ts'
import { createListener, type Listener, type ListenerLimits } from './http/listener.ts'
import type { Log } from './http/log.ts'
import { createMetrics, createMetricsHandler, type Metrics } from './http/metrics.ts'
import { createPlainHandler } from './http/plain-http.ts'
import { answer, flagPlainHttp, type RouteDeps } from './http/routes.ts'
import { createSecretScanning } from './http/secret-scanning.ts'
import { createSiteFinder } from './http/site.ts'
import type { TlsPair } from './http/tls.ts'
import { createSlowHashes } from './keys/imported/turn.ts'
import { createRemoteKeySets } from './keys/remote-key-sets.ts'
import { createKeyRotation, type KeyRotation } from './keys/rotation.ts'
import { createScannerKeys } from './keys/scanner-keys.ts'
import type { AttemptRelay } from './limits/attempt-relay.ts'
import { createSharedCounters, type SharedCounters } from './limits/shared-counters.ts'
import { createWrongAttempts } from './limits/wrong-attempts.ts'
import { createProvenRecently } from './oauth/client-auth/proven-recently.ts'
import { createTokenReuse } from './oauth/token-reuse.ts'
import type { OpenStore } from './open-store.ts'
import { createFetchJson, type FetchJson } from './outbound/fetch-json.ts'
import { createRevocationFeed, type RevocationFeed } from './revocation/feed.ts'
import { forVerifiers } from './revocation/for-verifiers.ts'
import { createRevocations } from './revocation/revocations.ts'
import { sweepEnded } from './revocation/sweep.ts'
import { listClientIds } from './store/apps.ts'
import type { Database } from './store/database.ts'
import type { NewExposure } from './store/exposure.ts'
import { dropEndedPartitions } from './store/opaque-tokens.ts'
import { listRevocations, listRevocationsAfter, revoke } from './store/revocations.ts'
import { createSingleUse, type SingleUse } from './store/single-use.ts'
import { createDirectory, type Directory } from './tenants/directory.ts'
import { createOpaqueTokens } from './tokens/opaque-tokens.ts'
import { attempt, type Chore, startUpkeep } from './upkeep.ts'

const reuseBytes = 32 * 1024 * 1024
// Readiness turns before the outage grace of any tenant is used up.
const feedSilenceSeconds = 30

export interface ServerOptions {
  readonly store: OpenStore
  readonly effects: Effects
  readonly log: Log
  readonly baseUrl: URL
  readonly clientCacheEntries: number
  readonly proxies?: AddressList
  readonly tls: TlsPair | null
  /** What a listed proxy says of its clients' certificates, and in which words. */
  readonly certificateHeader?: ForwardedCertificatePreset | null
  /** Where connections are asked for certificates; null without such a place. */
  readonly mtlsUrl?: URL | null
  readonly revocationLists?: RevocationLists | null
  readonly limits?: Partial<ListenerLimits>
  /** How the keys of clients and outside issuers are fetched; left out, from the public Internet alone. */
  readonly fetchJson?: FetchJson
  /** To the other processes of this machine; left out where there are none. */
  readonly attemptRelay?: AttemptRelay
  /** Where the keys are that reports of leaked secrets are signed with. */
  readonly secretScanningKeysUrl?: string
}

export interface Address {
  readonly hosts: readonly string[]
  readonly port: number
}

export interface Server {
  /** The product's handler without any transport: what tests call. */
  readonly handler: Handler
  readonly metrics: Metrics
  /** Opens the main port; returns the port, which the system chooses for 0. */
  listen(address: Address): Promise<number>
  /** Opens the port where connections are asked for certificates; needs `tls`. */
  listenMtls(address: Address): Promise<number>
  /** Opens the port where plain HTTP is refused. */
  listenPlainHttp(address: Address): Promise<number>
  listenMetrics(address: Address): Promise<number>
  replaceTls(pair: TlsPair): void
  /** Finishes what is under way, writes what has been gathered, closes the store. */
  close(): Promise<DrainResult>
}

export function createServer(options: ServerOptions): Server {
  const { store, effects, log } = options
  const { db } = store
  const metrics = createMetrics()
  const usage = createUsage(db)
  const counters = createSharedCounters(db, store.hasher)
  const singleUse = createSingleUse(db)
  const onFailure = log.failure.bind(log, '')
  // Without it the throttle begins at nothing, which is no reason not to begin.
  const restoring = attempt(() => counters.restore(effects.clock()), onFailure)

  const deps = routeDeps(options, metrics, { noteUsage: usage.note, counters, singleUse })
  const rotation = keyRotation(options, metrics)
  const chores = [
    ...choresOf({ usage, counters, singleUse, db, deps }),
    expiryChore(options, metrics),
    { everyMilliseconds: 60_000, work: rotation.work },
  ]
  const upkeep = startUpkeep(chores, onFailure)
  const health = createHealth({
    database: () => db.ping().then(() => true),
    feed: () => effects.clock() - db.changes.lastContactAt <= feedSilenceSeconds,
  })
  const handler: Handler = (request) => answerHealth(health, request) ?? answer(request, deps)
  const plainHandler = createPlainHandler({
    health,
    log,
    onExposure: (request, body) => flagPlainHttp(request, body, deps),
  })
  const listeners: Listener[] = []
  const open = (listener: Listener, address: Address) => {
    listeners.push(listener)
    return listener.listen(address)
  }
  const common = { effects, log, ...(options.limits && { limits: options.limits }) }
  const main = createListener({
    ...common,
    handler,
    plainHandler,
    tls: options.tls,
    ...(options.proxies && { proxies: options.proxies }),
    ...(options.certificateHeader && { certificates: forwardedCertificates(options.certificateHeader) }),
  })
  // A server of its own, with ticket keys of its own: no session of the main port can be taken up here (row 30).
  const mtls = createListener({
    ...common,
    handler,
    plainHandler,
    tls: options.tls,
    certificates: connectionCertificates,
  })

  return {
    handler,
    metrics,
    async listen(address) {
      await restoring
      return open(main, address)
    },
    listenMtls: (address) => open(mtls, address),
    listenPlainHttp: (address) =>
      open(createListener({ ...common, handler: plainHandler, tls: null }), address),
    listenMetrics: (address) =>
      open(createListener({ ...common, handler: createMetricsHandler(metrics), tls: null }), address),
    replaceTls(pair) {
      main.replaceTls(pair)
      mtls.replaceTls(pair)
    },
    async close() {
      const result = await closeListeners(listeners, health)
      await upkeep.stop()
      await restoring
      // What was gathered is worth less than a clean end.
      await attempt(() => usage.flush(), onFailure)
      await attempt(() => writeAll(counters, effects.clock), onFailure)
      deps.directory.close()
      deps.revocations.close()
      deps.revocationFeed.close()
      rotation.close()
      await db.close()
      log.flush()
      return result
    },
  }
}

const closeListeners = (listeners: readonly Listener[], health: Health): Promise<DrainResult> =>
  listeners.length === 0 ? Promise.resolve('clean') : drain({ listeners, health })

interface Kept {
  readonly usage: Usage
  readonly counters: SharedCounters
  readonly singleUse: SingleUse
}

interface Upkept extends Kept {
  readonly db: Database
  readonly deps: RouteDeps
}

const choresOf = ({ usage, counters, singleUse, db, deps }: Upkept): readonly Chore[] => {
  const { clock } = deps.effects
  return [
    { everyMilliseconds: 10_000, work: () => usage.flush() },
    { everyMilliseconds: 2_000, work: () => counters.write(clock()) },
    { everyMilliseconds: 60_000, work: () => counters.sweep(clock()) },
    { everyMilliseconds: 60_000, work: () => singleUse.sweep(clock()) },
    { everyMilliseconds: 300_000, work: () => dropEndedPartitions(db, clock()) },
    { everyMilliseconds: 3_600_000, work: () => sweepEnded({ ...deps, db }, clock()) },
  ]
}

/** Often enough that a server which is restarted every day does it too. */
const expiryChore = ({ store, effects, log }: ServerOptions, metrics: Metrics): Chore => {
  const onWarning = ({ tenantId: tenant, clientId, credentialId, isUsedRecently }: ExpiryWarning) => {
    metrics.expiryWarnings.add(tenant)
    const reason = isUsedRecently ? 'used in the last 30 days' : 'not used in the last 30 days'
    log.warn('credential expires soon', { tenant, client_id: clientId, credential_id: credentialId, reason })
  }
  return {
    everyMilliseconds: 600_000,
    work: () => warnOfExpiry({ db: store.db, onWarning }, effects.clock()),
  }
}

const keyStates = {
  next: 'signing key created',
  active: 'signing key activated',
  retiring: 'signing key replaced',
  retired: 'signing key retired',
} as const

function keyRotation({ store, effects, log }: ServerOptions, metrics: Metrics): KeyRotation {
  const { random, clock } = effects
  return createKeyRotation({
    ...{ ...store, random, clock },
    onEvent({ tenantId: tenant, kid, apiId, state }) {
      metrics.signingKeySteps.add(tenant, state)
      log.info(keyStates[state], { tenant, kid, ...(apiId !== null && { api: apiId }) })
    },
    onFailure: log.failure.bind(log, ''),
  })
}

async function writeAll(counters: SharedCounters, clock: Effects['clock']): Promise<void> {
  while (counters.isWaiting) await counters.write(clock())
}

type NoteUsage = Usage['note']

function routeDeps(
  options: ServerOptions,
  metrics: Metrics,
  { noteUsage, counters, singleUse }: Omit<Kept, 'usage'> & { readonly noteUsage: NoteUsage },
): RouteDeps {
  const { store, effects, baseUrl, clientCacheEntries, mtlsUrl = null, certificateHeader = null } = options
  const { db, sealer, hasher } = store
  const expose = exposureOf(options, metrics)
  const directory = createDirectory({ db, sealer, random: effects.random, clientCacheEntries })
  return {
    effects,
    directory,
    hasher,
    sealer,
    singleUse,
    ...outsideKeys(options),
    attempts: createWrongAttempts(counters, options.attemptRelay),
    provenRecently: createProvenRecently(directory),
    slowHashes: createSlowHashes(),
    upgradeSecret: secretUpgrade(options),
    reuse: createTokenReuse(reuseBytes),
    opaqueTokens: createOpaqueTokens({ db, effects }),
    revocations: createRevocations({
      changes: db.changes,
      load: (tenantId) => listRevocations(db, tenantId),
    }),
    revocationFeed: revocationFeed(options, directory),
    revoke: (tenantId, revocation) => db.write((tx) => revoke(tx, tenantId, revocation)),
    lastContactAt: () => db.changes.lastContactAt,
    exposeCredential: (exposure) => {
      expose(exposure).catch((error: unknown) => options.log.failure('', error))
    },
    answerSecretScanning: secretScanning(options, expose),
    sites: createSiteFinder(directory, baseUrl, mtlsUrl),
    takesCertificates: mtlsUrl !== null || certificateHeader !== null,
    revocationLists: options.revocationLists ?? null,
    onOutcome: clientOutcome({ log: options.log, clock: effects.clock, metrics, noteUsage }),
  }
}

function revocationFeed({ store: { db }, log }: ServerOptions, directory: Directory): RevocationFeed {
  const clientIdsOf = (tenantId: string, organizationId: string) =>
    listClientIds(db, tenantId, organizationId)
  return createRevocationFeed({
    changes: db.changes,
    list: (tenantId) => listRevocations(db, tenantId),
    listAfter: (tenantId, seq) => listRevocationsAfter(db, tenantId, seq),
    async words(tenantId, revocation) {
      const tenant = await directory.tenant(tenantId)
      return tenant === null ? [] : forVerifiers(tenant, revocation, clientIdsOf)
    },
    onFailure: log.failure.bind(log, ''),
  })
}

/** Without the query: people put secrets there. */
const notFetched = (log: Log) => (text: string, reason: string) => {
  const url = URL.parse(text)
  log.warn('keys not fetched', { url: url === null ? '' : url.origin + url.pathname, reason })
}

/** The keys of clients that publish them, and of the issuers whose tokens clients may bring. */
function outsideKeys({ effects, log, fetchJson = createFetchJson() }: ServerOptions) {
  const { clock } = effects
  const onFailure = notFetched(log)
  const keySets = createRemoteKeySets({ fetchJson, clock, onFailure })
  return { keySets, issuerKeys: createIssuerKeys({ fetchJson, keySets, clock, onFailure }) }
}

const githubKeysUrl = 'https://api.github.com/meta/public_keys/secret_scanning'

function secretScanning(
  {
    store,
    log,
    effects,
    fetchJson = createFetchJson(),
    secretScanningKeysUrl = githubKeysUrl,
  }: ServerOptions,
  expose: ReportExposure,
) {
  const scanner = { url: secretScanningKeysUrl, onFailure: notFetched(log) }
  const keys = createScannerKeys({ ...scanner, fetchJson, clock: effects.clock })
  return createSecretScanning({ ...store, expose, keys, log })
}

function secretUpgrade({ store, log }: ServerOptions) {
  return createSecretUpgrade({
    ...store,
    onUpgrade: (tenant, clientId, { id }) =>
      log.info('secret upgraded', { tenant, client_id: clientId, credential_id: id }),
    onFailure: log.failure.bind(log, ''),
  })
}

function exposureOf({ store, log }: ServerOptions, metrics: Metrics): ReportExposure {
  const onExposed = ({ tenantId, clientId, credentialId, by, isQuarantined }: NewExposure) => {
    metrics.exposedCredentials.add(tenantId)
    const facts = { tenant: tenantId, client_id: clientId, credential_id: credentialId, reason: by }
    log.warn('credential exposed', facts)
    if (isQuarantined) log.warn('credential quarantined', facts)
  }
  return createExposure({ db: store.db, onExposed })
}
