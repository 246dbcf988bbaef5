/**
 * What Prometheus is told. The hot path adds to plain fields; prom-client reads them only when somebody asks.
 * No label is per app: a tenant may have a million.
 */

import { jsonReply } from '@sallyport/protocol'
import { Counter, collectDefaultMetrics, Gauge, type Metric, Registry } from 'prom-client'
import type { Handler } from './exchange.ts'

/** Counts by a tenant and one more label from a closed list. */
export interface TallyByPair {
  add(first: string, second: string): void
}

export interface TallyByTenant {
  add(tenant: string): void
}

export interface LevelBySink {
  set(sink: string, level: number): void
}

export interface Level {
  set(level: number): void
}

export interface Switch {
  set(isOn: boolean): void
}

export interface Durations {
  observe(endpoint: string, seconds: number): void
}

export interface Metrics {
  /** Of each endpoint for clients, by tenant and outcome: `ok` or the OAuth error code. */
  readonly clientRequests: Readonly<
    Record<
      'token' | 'introspection' | 'revocation' | 'revocation_feed' | 'policy' | 'registration',
      TallyByPair
    >
  >
  /** By tenant and the dialect's feature. */
  readonly dialectUses: TallyByPair
  readonly throttled: TallyByTenant
  /** Credentials seen where they could be read by others, by tenant. */
  readonly exposedCredentials: TallyByTenant
  /** Credentials whose owners were told of their end, by tenant. */
  readonly expiryWarnings: TallyByTenant
  /** Steps that this process has taken, by tenant and the state that a key has come into. */
  readonly signingKeySteps: TallyByPair
  /** Records of the audit chain that a sink has not got yet. */
  readonly auditWaiting: LevelBySink
  readonly databaseUp: Switch
  /** By how much this process's clock is ahead of the database's. */
  readonly clockAhead: Level
  /** When the server's own certificate ends. */
  readonly certificateExpires: Level
  /** By endpoint, such as `token`, `jwks`, `metadata`. */
  readonly requestDurations: Durations
  render(): Promise<RenderedMetrics>
  /** Of one process among several, for `metrics-together.ts`. */
  snapshot(): Promise<MetricsSnapshot>
}

export interface RenderedMetrics {
  readonly contentType: string
  readonly body: string
}

/** Plain data that can be sent from process to process. */
export type MetricsSnapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

/** From a re-served token to the patience of a client, in seconds. */
const durationBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]

export interface MetricsOptions {
  /** Memory, processor, event loop and garbage collection of this process. */
  readonly withProcess?: boolean
}

export function createMetrics({ withProcess = true }: MetricsOptions = {}): Metrics {
  const registry = new Registry()
  if (withProcess) collectDefaultMetrics({ register: registry })
  countItself(registry)
  return {
    clientRequests: {
      token: outcomes(registry, 'token'),
      introspection: outcomes(registry, 'introspection'),
      revocation: outcomes(registry, 'revocation'),
      revocation_feed: outcomes(registry, 'revocation_feed'),
      policy: outcomes(registry, 'policy'),
      registration: outcomes(registry, 'registration'),
    },
    dialectUses: tallyByPair(
      registry,
      'sallyport_dialect_uses_total',
      'Requests that used a dialect',
      'feature',
    ),
    throttled: tallyByTenant(registry, 'sallyport_throttled_total', 'Requests answered 429'),
    exposedCredentials: tallyByTenant(
      registry,
      'sallyport_exposed_credentials_total',
      'Valid credentials seen in clear or in a URL',
    ),
    expiryWarnings: tallyByTenant(
      registry,
      'sallyport_expiry_warnings_total',
      'Credentials that were told of because they expire soon',
    ),
    signingKeySteps: tallyByPair(
      registry,
      'sallyport_signing_key_steps_total',
      'Signing keys that have come into a state',
      'state',
    ),
    auditWaiting: auditWaiting(registry),
    databaseUp: databaseUp(registry),
    clockAhead: clockAhead(registry),
    certificateExpires: certificateExpires(registry),
    requestDurations: durations(registry),
    render: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
    snapshot: () => registry.getMetricsAsJSON(),
  }
}

const outcomes = (registry: Registry, endpoint: string): TallyByPair =>
  tallyByPair(
    registry,
    `sallyport_${endpoint}_requests_total`,
    `Answers of the ${endpoint.replace('_', ' ')} endpoint`,
    'outcome',
  )

function findOrAdd<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = make()
  map.set(key, made)
  return made
}

/** Two steps of lookup instead of one joined key: joining would make garbage on each request. */
function tallyByPair(
  registry: Registry,
  name: string,
  help: string,
  second: 'outcome' | 'feature' | 'state',
): TallyByPair {
  const counts = new Map<string, Map<string, number>>()
  registerCounter(registry, name, help, ['tenant', second], function* () {
    for (const [tenant, row] of counts) {
      for (const [other, value] of row) yield [{ tenant, [second]: other }, value]
    }
  })
  return {
    add(first, other) {
      const row = findOrAdd(counts, first, () => new Map<string, number>())
      row.set(other, (row.get(other) ?? 0) + 1)
    },
  }
}

function tallyByTenant(registry: Registry, name: string, help: string): TallyByTenant {
  const counts = new Map<string, number>()
  registerCounter(registry, name, help, ['tenant'], function* () {
    for (const [tenant, value] of counts) yield [{ tenant }, value]
  })
  return {
    add(tenant) {
      counts.set(tenant, (counts.get(tenant) ?? 0) + 1)
    },
  }
}

function auditWaiting(registry: Registry): LevelBySink {
  const gauge = new Gauge({
    name: 'sallyport_audit_records_waiting',
    help: 'Audit records that a sink has not got yet',
    labelNames: ['sink'],
    registers: [registry],
    // Every process sees the same chain.
    aggregator: 'max',
  })
  return { set: (sink, level) => gauge.set({ sink }, level) }
}

function databaseUp(registry: Registry): Switch {
  const gauge = new Gauge({
    name: 'sallyport_database_up',
    help: '1 while the database answers and, as far as anybody has tried to write, takes what is written',
    registers: [registry],
    // It is lost if one process has lost it.
    aggregator: 'min',
  })
  const set = (isOn: boolean) => gauge.set(isOn ? 1 : 0)
  set(true)
  return { set }
}

function clockAhead(registry: Registry): Level {
  const gauge = new Gauge({
    name: 'sallyport_clock_ahead_seconds',
    help: 'By how much the clock of this machine is ahead of that of the database; negative if it is behind',
    registers: [registry],
    // Of one machine, so each process knows it as well as any other.
    aggregator: 'first',
  })
  return { set: (level) => gauge.set(level) }
}

/** Added up over several processes: as many as have said something of themselves. */
function countItself(registry: Registry): void {
  const gauge = new Gauge({
    name: 'sallyport_workers',
    help: 'Processes that answer on the main port',
    registers: [registry],
  })
  gauge.set(1)
}

function certificateExpires(registry: Registry): Level {
  const gauge = new Gauge({
    name: 'sallyport_certificate_expires_seconds',
    help: 'When the certificate in use ends, or the first of its chain, in seconds since 1970',
    registers: [registry],
    // One process may not have taken the renewed files.
    aggregator: 'min',
  })
  // Behind a proxy there is none, and 0 would be one that ended long ago.
  gauge.remove()
  return { set: (level) => gauge.set(level) }
}

type Sample = readonly [labels: Record<string, string>, value: number]

function registerCounter(
  registry: Registry,
  name: string,
  help: string,
  labelNames: string[],
  samples: () => Iterable<Sample>,
): void {
  new Counter({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset()
      for (const [labels, value] of samples()) this.inc(labels, value)
    },
  })
}

/** Counts per bucket, the last one for what is slower than all, and the sum. */
class Distribution {
  readonly counts = new Float64Array(durationBuckets.length + 1)
  sum = 0

  observe(seconds: number): void {
    let bucket = 0
    while (bucket < durationBuckets.length && seconds > (durationBuckets[bucket] ?? 0)) bucket += 1
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1
    this.sum += seconds
  }
}

const durationName = 'sallyport_request_duration_seconds'

function durations(registry: Registry): Durations {
  const distributions = new Map<string, Distribution>()
  // prom-client's own histogram can only be fed one observation at a time, so this metric speaks for itself; the
  // registry asks nothing of a metric but `name` and `get`.
  const metric = {
    name: durationName,
    get: async () => ({
      name: durationName,
      help: 'Time from the request line to the answer',
      type: 'histogram',
      aggregator: 'sum',
      values: [...distributions].flatMap(([endpoint, distribution]) => samplesOf(endpoint, distribution)),
    }),
    reset: () => distributions.clear(),
  }
  registry.registerMetric(metric as unknown as Metric)
  return {
    observe(endpoint, seconds) {
      findOrAdd(distributions, endpoint, () => new Distribution()).observe(seconds)
    },
  }
}

/** The exposition format wants each bucket to hold all the faster ones too. */
function samplesOf(endpoint: string, { counts, sum }: Distribution) {
  let total = 0
  const buckets = Array.from(counts, (count, index) => {
    total += count
    const labels = { endpoint, le: String(durationBuckets[index] ?? '+Inf') }
    return { metricName: `${durationName}_bucket`, labels, value: total }
  })
  return [
    ...buckets,
    { metricName: `${durationName}_sum`, labels: { endpoint }, value: sum },
    { metricName: `${durationName}_count`, labels: { endpoint }, value: total },
  ]
}

/** The whole of the metrics listener: `GET /metrics`, nothing else. */
export function createMetricsHandler(metrics: Pick<Metrics, 'render'>): Handler {
  return async ({ method, path }) => {
    if (path !== '/metrics') return jsonReply(404, { error: 'not_found' })
    if (method !== 'GET' && method !== 'HEAD') {
      return jsonReply(405, { error: 'method_not_allowed' }, { Allow: 'GET, HEAD' })
    }
    const { contentType, body } = await metrics.render()
    return { status: 200, headers: { 'Content-Type': contentType, 'Cache-Control': 'no-store' }, body }
  }
}
