/**
 * The metrics of several processes as those of one server. What it has counted never falls: a process that is gone, or
 * too busy to answer, counts as much as it had when it was last heard.
 */

import { AggregatorRegistry } from 'prom-client'
import type { MetricsSnapshot, RenderedMetrics } from './metrics.ts'

export interface MetricsTogether {
  /** What a process says of itself. */
  note(process: number, snapshot: MetricsSnapshot): void
  /** It has ended, and says nothing any more. */
  end(process: number): void
  /** With the gauges of `present` alone: what was true of the others need not be any more. */
  render(present: ReadonlySet<number>): Promise<RenderedMetrics>
}

export function createMetricsTogether(): MetricsTogether {
  const latest = new Map<number, MetricsSnapshot>()
  // Of all that are gone as one: a worker that dies again and again must not fill the memory.
  let past: Promise<MetricsSnapshot> = Promise.resolve([])
  return {
    note: (process, snapshot) => void latest.set(process, snapshot),
    end(process) {
      past = addUp(past, countsOf(latest.get(process) ?? []))
      latest.delete(process)
    },
    async render(present) {
      const living = Array.from(latest, ([process, snapshot]) =>
        present.has(process) ? snapshot : countsOf(snapshot),
      )
      const registry = AggregatorRegistry.aggregate([...living, await past])
      return { contentType: registry.contentType, body: await registry.metrics() }
    },
  }
}

const addUp = async (past: Promise<MetricsSnapshot>, more: MetricsSnapshot): Promise<MetricsSnapshot> =>
  AggregatorRegistry.aggregate([await past, more]).getMetricsAsJSON()

const countingTypes: ReadonlySet<string> = new Set(['counter', 'histogram', 'summary'])

const countsOf = (snapshot: MetricsSnapshot): MetricsSnapshot =>
  snapshot.filter(({ type }) => countingTypes.has(String(type)))
