/** The server put together: the one place that hands each part what it needs; the parts themselves are made in `wiring/`. */

import { createUsage } from './apps/usage.ts'
import { connectionCertificates, forwardedCertificates } from './http/client-certificate.ts'
import { type DrainResult, drain } from './http/drain.ts'
import type { Handler, HttpRequest } from './http/exchange.ts'
import { answerHealth, createHealth, type Health } from './http/health.ts'
import { createListener, type Listener } from './http/listener.ts'
import type { Log } from './http/log.ts'
import { createMetrics, createMetricsHandler, type Metrics } from './http/metrics.ts'
import { createPlainHandler, type PlainHttpOptions } from './http/plain-http.ts'
import { answer, answerMisplaced, flagPlainHttp } from './http/routes.ts'
import type { TlsPair } from './http/tls.ts'
import { createSharedCounters } from './limits/shared-counters.ts'
import { watchDatabase } from './store/availability.ts'
import { createSingleUse } from './store/single-use.ts'
import { attempt, startUpkeep } from './upkeep.ts'
import { auditChores } from './wiring/audit-chores.ts'
import { choresOf, expiryChore, keyRotation, writeAll } from './wiring/chores.ts'
import { clockChore } from './wiring/clock-chore.ts'
import type { ServerOptions } from './wiring/options.ts'
import { routeDeps } from './wiring/route-deps.ts'

// Readiness turns before the outage grace of any tenant is used up.
const feedSilenceSeconds = 30

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

export function createServer(given: ServerOptions): Server {
  const { log } = given
  const metrics = createMetrics()
  const watched = watchDatabase({ ...given.effects, ...given.store, ...tellOfDatabase(log, metrics) })
  const { db } = watched
  const store = { ...given.store, db }
  const effects = { ...given.effects, clock: () => db.dated(given.effects.clock()) }
  const options = { ...given, store, effects }
  const usage = createUsage(db)
  const counters = createSharedCounters(db, store.hasher)
  const kept = { usage, counters, singleUse: createSingleUse(db) }
  const onFailure = log.failure.bind(log, '')
  // Without it the throttle begins at nothing, which is no reason not to begin.
  const restoring = attempt(() => counters.restore(effects.clock()), onFailure)

  const deps = routeDeps(options, metrics, kept)
  const rotation = keyRotation(options, metrics)
  const audit = auditChores(options, metrics)
  const chores = [
    ...audit.chores,
    ...choresOf({ ...kept, db, deps }),
    expiryChore(options, metrics),
    { everyMilliseconds: 60_000, work: rotation.work },
    { everyMilliseconds: 1_000, work: () => watched.look() },
    clockChore(db, log, metrics),
  ]
  const upkeep = startUpkeep(chores, onFailure)
  const health = createHealth({
    database: () => db.ping().then(() => true),
    feed: () => effects.clock() - db.changes.lastContactAt <= feedSilenceSeconds,
  })
  const handler: Handler = (request) => {
    const probe = answerHealth(health, request)
    return probe === undefined ? answer(request, deps) : answerMisplaced(request, deps, () => probe)
  }
  const plainHandlerWith = (onExposure: PlainHttpOptions['onExposure']) =>
    createPlainHandler({ health, log, onExposure })
  const plainHandler = plainHandlerWith((request, body) => flagPlainHttp(request, body, deps))
  const noteStray = createStrayNotes(log, effects.clock)
  // A balancer with a new address would have every customer's secret put out of use within a minute.
  const strayHandler = plainHandlerWith((request, body) => {
    noteStray(request)
    return flagPlainHttp(request, body, deps, { isOnlyNoted: true })
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
    plainHandler: options.tls === null ? strayHandler : plainHandler,
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
      const result = await closeListeners(listeners, health, given)
      audit.close()
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

/** Once for each outage, and not for each request. */
const tellOfDatabase = (log: Log, { databaseUp }: Metrics) => ({
  onLost(reason: string) {
    databaseUp.set(false)
    log.error('database lost', { reason })
    log.flush()
  },
  onBack(seconds: number) {
    databaseUp.set(true)
    log.info('database back', { seconds })
    log.flush()
  },
})

const secondsBetweenStrays = 60

/** On the port for proxies: from an address that is none of them, or without their word that it came over TLS. */
function createStrayNotes(log: Log, clock: () => number) {
  let notedAt = Number.NEGATIVE_INFINITY
  return ({ id, clientAddress }: HttpRequest): void => {
    if (clock() - notedAt < secondsBetweenStrays) return
    notedAt = clock()
    log.warn('not through a listed proxy', { request_id: id, client_address: clientAddress })
  }
}

const leastNoticeMilliseconds = 500

const closeListeners = (
  listeners: readonly Listener[],
  health: Health,
  { drainNoticeSeconds = 0 }: ServerOptions,
): Promise<DrainResult> => {
  if (listeners.length === 0) return Promise.resolve('clean')
  const noticeMilliseconds = Math.max(leastNoticeMilliseconds, drainNoticeSeconds * 1000)
  return drain({ listeners, health, noticeMilliseconds })
}
