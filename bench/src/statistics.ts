/** The few statistics the bench needs: medians, ratios per round, and a latency histogram of fixed size. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

export interface Ratio {
  /** The median of the ratios of each round: what drifts during the run cancels out within a round. */
  readonly byRound: number
  readonly min: number
  readonly max: number
  readonly ofMedians: number
}

export function ratio(of: readonly number[], to: readonly number[]): Ratio {
  const rounds = of.map((value, round) => value / (to[round] ?? Number.NaN))
  return {
    byRound: median(rounds),
    min: Math.min(...rounds),
    max: Math.max(...rounds),
    ofMedians: median(of) / median(to),
  }
}

const bucketMilliseconds = 0.01
const buckets = 100_000

export interface Histogram {
  add(milliseconds: number): void
  count(): number
  percentile(share: number): number
  max(): number
}

/** Buckets of 10 µs up to one second; what is slower lands in the last one, and in `max` as it was. */
export function createHistogram(): Histogram {
  const counts = new Uint32Array(buckets)
  let total = 0
  let slowest = 0
  return {
    add(milliseconds) {
      const bucket = Math.min(buckets - 1, Math.floor(milliseconds / bucketMilliseconds))
      counts[bucket] = (counts[bucket] ?? 0) + 1
      total += 1
      if (milliseconds > slowest) slowest = milliseconds
    },
    count: () => total,
    percentile(share) {
      let left = Math.ceil(total * share)
      for (let bucket = 0; bucket < buckets; bucket += 1) {
        left -= counts[bucket] ?? 0
        if (left <= 0) return Math.min(slowest, (bucket + 1) * bucketMilliseconds)
      }
      return slowest
    },
    max: () => slowest,
  }
}
