/** The operator is told when the clock of this machine and that of the database part, and when they meet again: once each. */

import type { Log } from '../http/log.ts'
import type { Metrics } from '../http/metrics.ts'
import type { Database } from '../store/database.ts'
import type { Chore } from '../upkeep.ts'

// More than rounding makes, and less than a cut-off allows for (`lateSeconds` of store/revocations.ts).
const apartSeconds = 3

export function clockChore(
  db: Pick<Database, 'secondsAhead'>,
  log: Pick<Log, 'info' | 'error'>,
  { clockAhead }: Pick<Metrics, 'clockAhead'>,
): Chore {
  let isApart = false
  const work = async () => {
    const ahead = db.secondsAhead()
    clockAhead.set(ahead)
    if (!isApart && Math.abs(ahead) >= apartSeconds) {
      isApart = true
      const side = ahead > 0 ? 'ahead of' : 'behind'
      log.error('clocks apart', { reason: `this clock is ${Math.abs(ahead)} seconds ${side} the database's` })
    } else if (isApart && ahead === 0) {
      isApart = false
      log.info('clocks agree')
    }
  }
  return { everyMilliseconds: 1_000, work }
}
