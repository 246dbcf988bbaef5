/** What becomes of the audit chain beyond the database: records are handed on to sinks, and its head stands in the log. */

import { type AuditSink, followChain, type SinkFollower } from '../audit/follow.ts'
import { headText } from '../audit/head-text.ts'
import type { Metrics } from '../http/metrics.ts'
import { readHead } from '../store/audit-records.ts'
import type { Chore } from '../upkeep.ts'
import type { ServerOptions } from './options.ts'

export interface AuditChores {
  readonly chores: readonly Chore[]
  /** Ends what is being handed on. */
  close(): void
}

export function auditChores(options: ServerOptions, metrics: Metrics): AuditChores {
  const followers = (options.auditSinks ?? []).map((sink) => followerOf(sink, options, metrics))
  const headChore = { everyMilliseconds: 3_600_000, work: () => logHead(options) }
  return {
    chores: [headChore, ...followers.map(({ work }) => ({ everyMilliseconds: 1_000, work }))],
    close() {
      for (const follower of followers) follower.close()
    },
  }
}

/** Logs are kept elsewhere, so whoever cuts the chain or writes it anew is found out by them. */
async function logHead({ store, log }: ServerOptions): Promise<void> {
  const { number, hash } = await readHead(store.db)
  log.info('audit head', { number, hash: Buffer.from(hash).toString('hex') })
}

function followerOf(sink: AuditSink, { store, effects, log }: ServerOptions, metrics: Metrics): SinkFollower {
  const { name } = sink
  return followChain({
    ...{ db: store.db, sink, clock: effects.clock, leader: effects.uuid() },
    onWaiting: (count) => metrics.auditWaiting.set(name, count),
    onFailure: (reason) => log.warn('audit sink does not answer', { sink: name, reason }),
    onRecovery: () => log.info('audit sink is back', { sink: name }),
    onCut: (head) =>
      log.error('audit chain was cut', {
        sink: name,
        reason: `it no longer holds ${headText(head)}, which was handed on; all of it is handed on again`,
      }),
  })
}
