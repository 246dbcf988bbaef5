/** The server put together: the one place that hands each part what it needs. */

import { createUsage } from './apps/usage.ts'
import type { Effects } from './effects.ts'
import { createIssuerKeys } from './federation/issuer-keys.ts'
import type { AddressList } from './http/address-list.ts'
import { type DrainResult, drain } from './http/drain.ts'
import type { Handler } from './http/exchange.ts'
import { answerHealth, createHealth, type Health } from './http/health.ts'
import { createListener, type Listener, type ListenerLimits } from './http/listener.ts'
import type { Log } from './http/log.ts'
import { createMetrics, createMetricsHandler, type Metrics } from './http/metrics.ts'
import { createPlainHandler } from './http/plain-http.ts'
import { answer, flagPlainHttp, type RouteDeps, type TokenOutcome } from './http/routes.ts'
import { createSiteFinder } from './http/site.ts'
import type { TlsPair } from './http/tls.ts'
import { createRemoteKeySets } from './keys/remote-key-sets.ts'
import { createWrongAttempts } from './limits/wrong-attempts.ts'
import type { ExposedBy, TokenDeps } from './oauth/deps.ts'
import { createTokenReuse } from './oauth/token-reuse.ts'
import type { OpenStore } from './open-store.ts'
import { createFetchJson, type FetchJson } from './outbound/fetch-json.ts'
import { flagExposed } from './store/credentials.ts'
import { createSingleUse } from './store/single-use.ts'
import { createDirectory } from './tenants/directory.ts'

const reuseBytes = 32 * 1024 * 1024
const usageFlushMilliseconds = 10_000
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
  readonly limits?: Partial<ListenerLimits>
  /** How the keys of clients and outside issuers are fetched; left out, from the public Internet alone. */
  readonly fetchJson?: FetchJson
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
  const flushing = setInterval(
    () => void usage.flush().catch(log.failure.bind(log, '')),
    usageFlushMilliseconds,
  )
  flushing.unref()

  const deps = routeDeps(options, metrics, usage.note)
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
  })

  return {
    handler,
    metrics,
    listen: (address) => open(main, address),
    listenPlainHttp: (address) =>
      open(createListener({ ...common, handler: plainHandler, tls: null }), address),
    listenMetrics: (address) =>
      open(createListener({ ...common, handler: createMetricsHandler(metrics), tls: null }), address),
    replaceTls: (pair) => main.replaceTls(pair),
    async close() {
      const result = await closeListeners(listeners, health)
      clearInterval(flushing)
      // What was gathered is worth less than a clean end.
      await usage.flush().catch((error: unknown) => log.failure('', error))
      deps.directory.close()
      await db.close()
      log.flush()
      return result
    },
  }
}

const closeListeners = (listeners: readonly Listener[], health: Health): Promise<DrainResult> =>
  listeners.length === 0 ? Promise.resolve('clean') : drain({ listeners, health })

type NoteUsage = ReturnType<typeof createUsage>['note']

function routeDeps(options: ServerOptions, metrics: Metrics, noteUsage: NoteUsage): RouteDeps {
  const { store, effects, baseUrl, clientCacheEntries } = options
  const { db, sealer, hasher } = store
  const directory = createDirectory({ db, sealer, random: effects.random, clientCacheEntries })
  return {
    effects,
    directory,
    hasher,
    sealer,
    singleUse: createSingleUse(db),
    ...outsideKeys(options),
    attempts: createWrongAttempts(),
    reuse: createTokenReuse(reuseBytes),
    lastContactAt: () => db.changes.lastContactAt,
    flagExposed: exposureFlag(options, metrics),
    sites: createSiteFinder(directory, baseUrl),
    onTokenOutcome: tokenOutcome(options, metrics, noteUsage),
  }
}

/** The keys of clients that publish them, and of the issuers whose tokens clients may bring. */
function outsideKeys({ effects, log, fetchJson = createFetchJson() }: ServerOptions) {
  const { clock } = effects
  const onFailure = (url: string, reason: string) => log.warn('keys not fetched', { url, reason })
  const keySets = createRemoteKeySets({ fetchJson, clock, onFailure })
  return { keySets, issuerKeys: createIssuerKeys({ fetchJson, keySets, clock, onFailure }) }
}

function exposureFlag({ store, log }: ServerOptions, metrics: Metrics): TokenDeps['flagExposed'] {
  return (tenantId: string, clientId: string, credentialId: string, by: ExposedBy) => {
    store.db
      .write((tx) => flagExposed(tx, tenantId, clientId, credentialId, by))
      .then((isNew) => {
        if (!isNew) return
        metrics.exposedCredentials.add(tenantId)
        log.warn('credential exposed', {
          tenant: tenantId,
          client_id: clientId,
          credential_id: credentialId,
          reason: by,
        })
      })
      .catch((error: unknown) => log.failure('', error))
  }
}

/** One line and a few counters for each answer of the token endpoint. */
function tokenOutcome({ log, effects }: ServerOptions, metrics: Metrics, noteUsage: NoteUsage) {
  return ({ request, site, notes, error, milliseconds }: TokenOutcome): void => {
    const tenant = site.tenant.id
    metrics.requestDurations.observe('token', milliseconds / 1000)
    metrics.tokenRequests.add(tenant, error?.code ?? 'ok')
    for (const feature of notes.features) metrics.dialectUses.add(tenant, feature)
    if (error) {
      if (error.status === 429) metrics.throttled.add(tenant)
      log.warn('token refused', {
        request_id: request.id,
        tenant,
        client_address: request.clientAddress,
        status: error.status,
        code: error.code,
        reason: error.message,
        ...(notes.clientId !== undefined && { client_id: notes.clientId }),
      })
      return
    }
    const { clientId = '', credentialId, apiId = '', features } = notes
    noteUsage({ tenantId: tenant, clientId, credentialId, features, now: effects.clock() })
    log.tokenIssued({
      requestId: request.id,
      tenant,
      clientId,
      credentialId: credentialId ?? '',
      api: apiId,
      milliseconds,
      isReused: notes.reused ?? false,
    })
  }
}
