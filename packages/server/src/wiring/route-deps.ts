/** What the endpoints are handed: each part of it, made from the options. */

import { createExposure, createExposureLater, type ReportExposure } from '../apps/expose-credential.ts'
import { createTokenExposure, createTokenNoting, type ReportTokenExposure } from '../apps/expose-token.ts'
import { createExposureNoting } from '../apps/note-exposed.ts'
import { createSecretUpgrade } from '../apps/upgrade-secret.ts'
import { githubKeysUrl } from '../config.ts'
import { createIssuerKeys } from '../federation/issuer-keys.ts'
import { clientOutcome } from '../http/client-outcome.ts'
import type { Log } from '../http/log.ts'
import { logManagement } from '../http/management.ts'
import type { Metrics } from '../http/metrics.ts'
import type { RouteDeps } from '../http/routes.ts'
import { createSecretScanning, factsOfLeak } from '../http/secret-scanning.ts'
import { createSiteFinder, issuersOf } from '../http/site.ts'
import { createSlowHashes } from '../keys/imported/turn.ts'
import { createRemoteKeySets } from '../keys/remote-key-sets.ts'
import { createScannerKeys } from '../keys/scanner-keys.ts'
import { createWrongAttempts } from '../limits/wrong-attempts.ts'
import { createManagement } from '../management/answer.ts'
import { createRegistrations } from '../management/registrations/registrations.ts'
import { createProvenRecently } from '../oauth/client-auth/proven-recently.ts'
import { createTokenReuse } from '../oauth/token-reuse.ts'
import { createFetchJson } from '../outbound/fetch-json.ts'
import { createReachable } from '../outbound/reachable.ts'
import { createOwnerTurns } from '../outbound/shared-fetches.ts'
import { createTurnstile } from '../outbound/turnstile.ts'
import { createRevocationFeed, type RevocationFeed } from '../revocation/feed.ts'
import { forVerifiers } from '../revocation/for-verifiers.ts'
import { revokeAndRecord } from '../revocation/recorded.ts'
import { createRevocations } from '../revocation/revocations.ts'
import { listClientIds } from '../store/apps.ts'
import type { NewExposure, Sighting } from '../store/exposure.ts'
import { listRevocations, listRevocationsAfter, takeRevocations } from '../store/revocations.ts'
import { createDirectory, type Directory } from '../tenants/directory.ts'
import { createOpaqueTokens } from '../tokens/opaque-tokens.ts'
import type { Kept } from './chores.ts'
import type { ServerOptions } from './options.ts'

const reuseBytes = 32 * 1024 * 1024

// Of the ten connections that token requests need as well.
const largeReadings = createTurnstile(2, Number.POSITIVE_INFINITY)

/** For whatever holds a connection for seconds. */
async function fewAtOnce(work: () => Promise<void>): Promise<void> {
  const leave = await largeReadings.enter(new AbortController().signal)
  try {
    await work()
  } finally {
    leave?.()
  }
}

export function routeDeps(
  options: ServerOptions,
  metrics: Metrics,
  { usage, counters, singleUse }: Kept,
): RouteDeps {
  const { store, effects, baseUrl, clientCacheEntries, mtlsUrl = null, certificateHeader = null } = options
  const { db, sealer, hasher } = store
  const expose = exposureOf(options, metrics)
  const exposeToken = tokenExposureOf(options, metrics)
  const onFailure = options.log.failure.bind(options.log, '')
  const exposeCredential = createExposureLater(expose, onFailure)
  const noteToken = createTokenNoting({ db, report: exposeToken, clock: effects.clock, onFailure })
  const findReachable = createReachable({ isAllowed: options.isAllowedAddress, lookup: options.lookup })
  const directory = createDirectory({ db, sealer, random: effects.random, clientCacheEntries })
  const opaqueTokens = createOpaqueTokens({ db, effects })
  const revocations = createRevocations({
    changes: db.changes,
    load: (tenantId, take) => takeRevocations(db, tenantId, take, fewAtOnce),
  })
  return {
    effects,
    directory,
    issuersOf: (tenant) => issuersOf(baseUrl, tenant),
    hasher,
    sealer,
    singleUse,
    ...outsideKeys(options),
    attempts: createWrongAttempts(counters, options.attemptRelay),
    provenRecently: createProvenRecently(directory),
    slowHashes: createSlowHashes(),
    upgradeSecret: secretUpgrade(options),
    reuse: createTokenReuse(reuseBytes),
    opaqueTokens,
    revocations,
    revocationFeed: revocationFeed(options, directory),
    async revoke(tenantId, revocation, by) {
      await db.write((tx) => revokeAndRecord(tx, tenantId, revocation, by))
    },
    lastContactAt: () => db.changes.lastContactAt,
    catchUp: () => db.changes.catchUp(),
    exposeCredential,
    noteExposed: createExposureNoting({ db, hasher, exposeCredential, noteToken }),
    answerSecretScanning: secretScanning(options, { expose, exposeToken }),
    answerManagement: createManagement({
      ...{ ...store, effects, baseUrl, findReachable, directory, opaqueTokens, revocations, singleUse },
      origins: [baseUrl, ...(mtlsUrl === null ? [] : [mtlsUrl])].map(({ origin }) => origin),
      onOutcome: (outcome) => logManagement(options.log, outcome),
    }),
    registrations: createRegistrations({ ...store, effects, baseUrl, findReachable }),
    sites: createSiteFinder(directory, baseUrl, mtlsUrl),
    takesCertificates: mtlsUrl !== null || certificateHeader !== null,
    revocationLists: options.revocationLists ?? null,
    onOutcome: clientOutcome({ log: options.log, clock: effects.clock, metrics, noteUsage: usage.note }),
  }
}

function revocationFeed({ store: { db }, log }: ServerOptions, directory: Directory): RevocationFeed {
  const clientIdsOf = (tenantId: string, organizationId: string) =>
    listClientIds(db, tenantId, organizationId)
  return createRevocationFeed({
    changes: db.changes,
    list: (tenantId) => listRevocations(db, tenantId, fewAtOnce),
    listAfter: (tenantId, seq) => listRevocationsAfter(db, tenantId, seq),
    words: async (tenantId, revocation) =>
      forVerifiers(await directory.tenant(tenantId), revocation, clientIdsOf),
    onFailure: log.failure.bind(log, ''),
  })
}

/** Without the query: people put secrets there. */
const notFetched = (log: Log) => (text: string, reason: string) => {
  const url = URL.parse(text)
  log.warn('keys not fetched', { url: url === null ? '' : url.origin + url.pathname, reason })
}

/** The keys of clients that publish them, and of the issuers whose tokens clients may bring. */
function outsideKeys({ effects, log, fetchJson = createFetchJson() }: ServerOptions) {
  const { clock } = effects
  const onFailure = notFetched(log)
  const turns = createOwnerTurns()
  const keySets = createRemoteKeySets({ fetchJson, clock, onFailure, turns })
  return { keySets, issuerKeys: createIssuerKeys({ fetchJson, keySets, clock, onFailure, turns }) }
}

function secretScanning(
  {
    store,
    log,
    effects,
    fetchJson = createFetchJson(),
    secretScanningKeysUrl = githubKeysUrl,
  }: ServerOptions,
  exposing: { readonly expose: ReportExposure; readonly exposeToken: ReportTokenExposure },
) {
  const scanner = { url: secretScanningKeysUrl, onFailure: notFetched(log) }
  const keys = createScannerKeys({ ...scanner, fetchJson, clock: effects.clock })
  return createSecretScanning({ ...store, ...exposing, keys, log })
}

function secretUpgrade({ store, log }: ServerOptions) {
  return createSecretUpgrade({
    ...store,
    onUpgrade: (tenant, clientId, { id }) =>
      log.info('secret upgraded', { tenant, client_id: clientId, credential_id: id }),
    onFailure: log.failure.bind(log, ''),
  })
}

function exposureOf({ store, log }: ServerOptions, metrics: Metrics): ReportExposure {
  const onExposed = ({ tenantId, clientId, credentialId, by, isQuarantined, request }: NewExposure) => {
    metrics.exposedCredentials.add(tenantId)
    const credential = { tenant: tenantId, client_id: clientId, credential_id: credentialId }
    const facts = { ...credential, reason: by, ...whereSeen(request) }
    log.warn('credential exposed', facts)
    if (isQuarantined) log.warn('credential quarantined', facts)
  }
  return createExposure({ db: store.db, onExposed })
}

/** By these the operator finds the machine that sent it. */
const whereSeen = (request: Sighting['request']) =>
  request && { request_id: request.id ?? '', client_address: request.clientAddress }

function tokenExposureOf({ store, log }: ServerOptions, metrics: Metrics): ReportTokenExposure {
  return createTokenExposure({
    db: store.db,
    onExposed(leaked, { exposedBy: reason, request }) {
      metrics.exposedCredentials.add(leaked.tenantId)
      const facts = { tenant: leaked.tenantId, ...factsOfLeak(leaked), reason, ...whereSeen(request) }
      log.warn('credential exposed', facts)
      if (leaked.exposed === 'removed') log.warn('registration token removed', facts)
    },
  })
}
