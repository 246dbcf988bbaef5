/** What the process that was started and its workers say to each other. */

import type { MetricsSnapshot } from '../http/metrics.ts'
import type { Tally } from '../limits/attempt-relay.ts'

export type ToWorker =
  | { readonly type: 'close' }
  | { readonly type: 'metrics'; readonly question: number }
  | { readonly type: 'attempts'; readonly from: number; readonly tallies: readonly Tally[] }

export type FromWorker =
  | { readonly type: 'ready'; readonly port: number }
  | { readonly type: 'metrics'; readonly question: number; readonly snapshot: MetricsSnapshot }
  | { readonly type: 'attempts'; readonly tallies: readonly Tally[] }

/** How a worker ends that had to cut somebody off. A message of it might be read after its end, or never. */
export const cutExitCode = 20
