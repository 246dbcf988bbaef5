/** What the server does without being asked: what it writes now and then, sweeps, warns of, and the lives of its keys. */

import { type ExpiryWarning, warnOfExpiry } from '../apps/expiry-warnings.ts'
import type { Usage } from '../apps/usage.ts'
import type { Effects } from '../effects.ts'
import type { Metrics } from '../http/metrics.ts'
import type { RouteDeps } from '../http/routes.ts'
import { createKeyRotation, type KeyRotation } from '../keys/rotation.ts'
import type { SharedCounters } from '../limits/shared-counters.ts'
import { sweepEnded } from '../revocation/sweep.ts'
import type { Database } from '../store/database.ts'
import { sweepIdempotencyKeys } from '../store/idempotency-keys.ts'
import { dropEndedPartitions } from '../store/opaque-tokens.ts'
import type { SingleUse } from '../store/single-use.ts'
import type { Chore } from '../upkeep.ts'
import type { ServerOptions } from './options.ts'

/** What is gathered in memory and written now and then. */
export interface Kept {
  readonly usage: Usage
  readonly counters: SharedCounters
  readonly singleUse: SingleUse
}

interface Upkept extends Kept {
  readonly db: Database
  readonly deps: RouteDeps
}

export const choresOf = ({ usage, counters, singleUse, db, deps }: Upkept): readonly Chore[] => {
  const { clock } = deps.effects
  return [
    { everyMilliseconds: 10_000, work: () => usage.flush() },
    { everyMilliseconds: 2_000, work: () => counters.write(clock()) },
    { everyMilliseconds: 60_000, work: (stopping) => counters.sweep(clock(), stopping) },
    { everyMilliseconds: 60_000, work: (stopping) => singleUse.sweep(clock(), stopping) },
    { everyMilliseconds: 300_000, work: (stopping) => dropEndedPartitions(db, clock(), stopping) },
    { everyMilliseconds: 3_600_000, work: (stopping) => sweepEnded({ ...deps, db }, clock(), stopping) },
    { everyMilliseconds: 3_600_000, work: (stopping) => sweepIdempotencyKeys(db, clock(), stopping) },
  ]
}

/** Often enough that a server which is restarted every day does it too. */
export const expiryChore = ({ store, effects, log }: ServerOptions, metrics: Metrics): Chore => {
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

export function keyRotation({ store, effects, log }: ServerOptions, metrics: Metrics): KeyRotation {
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

export async function writeAll(counters: SharedCounters, clock: Effects['clock']): Promise<void> {
  while (counters.isWaiting) await counters.write(clock())
}
