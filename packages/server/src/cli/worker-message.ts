/** What the process that was started and its workers say to each other. */

import type { MetricsSnapshot } from '../http/metrics.ts'

export type ToWorker = { readonly type: 'close' } | { readonly type: 'metrics'; readonly question: number }

export type FromWorker =
  | { readonly type: 'ready'; readonly port: number }
  | { readonly type: 'metrics'; readonly question: number; readonly snapshot: MetricsSnapshot }
