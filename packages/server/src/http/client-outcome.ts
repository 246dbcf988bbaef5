/** What is kept of each answer to a client: counters, the last use of its credential, and a line of the log. */

import type { OAuthError } from '@sallyport/protocol'
import type { Usage } from '../apps/usage.ts'
import type { Effects } from '../effects.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { ClientOutcome } from './routes.ts'

export interface OutcomeDeps {
  readonly log: Log
  readonly clock: Effects['clock']
  readonly metrics: Metrics
  readonly noteUsage: Usage['note']
}

/** A few counters for each answer, and a line for whatever was issued, revoked or refused. */
export function clientOutcome({ log, clock, metrics, noteUsage }: OutcomeDeps) {
  return (outcome: ClientOutcome): void => {
    const { endpoint, site, notes, error, milliseconds } = outcome
    const tenant = site.tenant.id
    metrics.requestDurations.observe(endpoint, milliseconds / 1000)
    metrics.clientRequests[endpoint].add(tenant, error?.code ?? 'ok')
    for (const feature of notes.features) metrics.dialectUses.add(tenant, feature)
    if (error) {
      if (error.status === 429) metrics.throttled.add(tenant)
      logRefusal(log, outcome, error)
      return
    }
    const { clientId = '', credentialId, features } = notes
    noteUsage({ tenantId: tenant, clientId, credentialId, features, now: clock() })
    logSuccess(log, outcome)
  }
}

function logRefusal(
  log: Log,
  { endpoint, request, site, notes: { clientId } }: ClientOutcome,
  { status, code, message }: OAuthError,
): void {
  log.warn(`${endpoint} refused`, {
    request_id: request.id,
    tenant: site.tenant.id,
    client_address: request.clientAddress,
    status,
    code,
    reason: message,
    ...(clientId !== undefined && { client_id: clientId }),
  })
}

function logSuccess(log: Log, { endpoint, request, site, notes, milliseconds }: ClientOutcome): void {
  const { clientId = '', credentialId = '', apiId = '', reused = false, reason, revokedToken } = notes
  const tenant = site.tenant.id
  if (endpoint === 'token') {
    const facts = { requestId: request.id, tenant, clientId, credentialId, api: apiId }
    log.tokenIssued({ ...facts, milliseconds, isReused: reused, reason })
  } else if (revokedToken !== undefined) {
    log.info('token revoked', { request_id: request.id, tenant, client_id: clientId, token_id: revokedToken })
  }
}
