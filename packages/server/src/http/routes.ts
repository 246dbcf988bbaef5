/** The sitemap of the product: every path under an issuer, and what answers it. */

import { jsonReply, OAuthError, type Reply, refuse } from '@sallyport/protocol'
import type { SeenSecret } from '../apps/note-exposed.ts'
import type { PresentedCertificate } from '../certificates/presented.ts'
import { unlessUnchanged } from '../entity-tag.ts'
import type { AnswerManagement } from '../management/answer.ts'
import { authorizationServerMetadata, jwks, jwksPath, openIdConfiguration } from '../oauth/discovery.ts'
import { errorReply } from '../oauth/error-reply.ts'
import { flagExposedCall } from '../oauth/exposed-call.ts'
import { secretsInRequest } from '../oauth/exposure.ts'
import { answerIntrospection, introspectionPath } from '../oauth/introspect.ts'
import { answerPolicy, type PolicyDeps, policyPath } from '../oauth/policy.ts'
import {
  answerConfiguration,
  answerRegistration,
  isConfigurationPath,
  type RegisterDeps,
} from '../oauth/register/answer.ts'
import { registrationPath } from '../oauth/register/show.ts'
import type { OAuthCall, OAuthHttpRequest, OAuthNotes } from '../oauth/request.ts'
import { answerRevocationFeed, type FeedDeps, revocationFeedPath } from '../oauth/revocation-feed.ts'
import { answerRevocation, revocationPath } from '../oauth/revoke.ts'
import { flagSecrets, secretsInUrl } from '../oauth/secrets-in-text.ts'
import { answerToken } from '../oauth/token.ts'
import { tokenPath } from '../oauth/token-path.ts'
import { StoreUnavailable } from '../store/database.ts'
import type { ExposedBy, Sighting } from '../store/exposure.ts'
import { type DialectFeature, dialectAt } from '../tenants/dialect.ts'
import { BodyAborted, BodyTooLarge, type HttpRequest } from './exchange.ts'
import { answerOverHttp, isManagementPath } from './management.ts'
import { type AnswerSecretScanning, secretScanningPath } from './secret-scanning.ts'
import type { Site, SiteFinder } from './site.ts'

// Thousands of times what a token request needs; trust row 15.
const bodyLimitBytes = 64 * 1024

/** The endpoints that clients ask with a form and a proof of who they are. */
export type ClientEndpointName =
  | 'token'
  | 'introspection'
  | 'revocation'
  | 'revocation_feed'
  | 'policy'
  | 'registration'

/** How a client's request ended, for the log and the counters. */
export interface ClientOutcome {
  readonly endpoint: ClientEndpointName
  readonly request: HttpRequest
  readonly site: Site
  readonly notes: OAuthNotes
  /** Null unless it was refused. */
  readonly error: OAuthError | null
  readonly milliseconds: number
}

export interface RouteDeps extends FeedDeps, PolicyDeps, RegisterDeps {
  readonly sites: SiteFinder
  readonly answerSecretScanning: AnswerSecretScanning
  readonly answerManagement: AnswerManagement
  readonly onOutcome: (outcome: ClientOutcome) => void
}

interface Endpoint {
  readonly methods: readonly string[]
  answer(request: HttpRequest, site: Site, deps: RouteDeps): Promise<Reply> | Reply
}

const document = (build: (site: Site, deps: RouteDeps) => Reply): Endpoint => ({
  methods: ['GET', 'HEAD'],
  answer: (request, site, deps) => unlessUnchanged(build(site, deps), request.headers['if-none-match']),
})

/** An endpoint that clients ask with a form and a proof of who they are. */
const clientEndpoint = (
  name: ClientEndpointName,
  answerCall: (call: OAuthCall, deps: RouteDeps) => Promise<Reply>,
  methods: readonly string[] = ['POST'],
): Endpoint => ({
  methods,
  async answer(request, site, deps) {
    const startedAt = deps.effects.elapsed()
    const notes: OAuthNotes = { requestId: request.id, features: new Set() }
    const { tenant, issuer, mtlsIssuer, path } = site
    const end = (error: OAuthError | null) => {
      const milliseconds = deps.effects.elapsed() - startedAt
      deps.onOutcome({ endpoint: name, request, site, notes, error, milliseconds })
    }
    try {
      const body = await request.readBody(bodyLimitBytes)
      const http = toHttp(request, path, body)
      const reply = await answerCall({ http, tenant, issuer, mtlsIssuer, notes }, deps)
      end(null)
      return reply
    } catch (cause) {
      const error = cause instanceof StoreUnavailable ? unavailable(cause) : cause
      if (!(error instanceof OAuthError)) {
        // Counted here; the listener's boundary logs and answers it.
        end(asCounted(error))
        throw error
      }
      end(error)
      return errorReply(error, issuer)
    }
  },
})

/** Whoever sends too much, or leaves in the middle, has not made us fail. */
function asCounted(cause: unknown): OAuthError {
  if (cause instanceof BodyTooLarge)
    return new OAuthError('invalid_request', 'body too large', { status: 413 })
  if (cause instanceof BodyAborted)
    return new OAuthError('invalid_request', 'client left before its body was complete')
  return new OAuthError('server_error', 'unexpected failure', { cause })
}

/** For answers with an ETag; a refusal stays one. */
function unlessKnown({ methods, answer }: Endpoint): Endpoint {
  return {
    methods,
    async answer(request, site, deps) {
      const reply = await answer(request, site, deps)
      return reply.status === 200 ? unlessUnchanged(reply, request.headers['if-none-match']) : reply
    },
  }
}

const token = clientEndpoint('token', answerToken)
const introspection = clientEndpoint('introspection', answerIntrospection)
const revocation = clientEndpoint('revocation', answerRevocation)
const revocationFeed = clientEndpoint('revocation_feed', answerRevocationFeed, ['GET', 'POST'])
const policy = unlessKnown(clientEndpoint('policy', answerPolicy, ['GET']))
const registration = clientEndpoint('registration', answerRegistration)
const configuration = clientEndpoint('registration', answerConfiguration, ['GET', 'PUT', 'DELETE'])
const clientEndpoints: ReadonlySet<Endpoint> = new Set([
  ...[token, introspection, revocation, revocationFeed, policy, registration, configuration],
])

const endpoints: ReadonlyMap<string, Endpoint> = new Map([
  [tokenPath, token],
  [introspectionPath, introspection],
  [revocationPath, revocation],
  [revocationFeedPath, revocationFeed],
  [policyPath, policy],
  [registrationPath, registration],
  [jwksPath, document(({ tenant }) => jwks(tenant))],
  [
    '/.well-known/oauth-authorization-server',
    document((site, { takesCertificates }) => authorizationServerMetadata({ ...site, takesCertificates })),
  ],
  [
    '/.well-known/openid-configuration',
    document((site, { takesCertificates }) => openIdConfiguration({ ...site, takesCertificates })),
  ],
])

const notFound = (): Reply => jsonReply(404, { error: 'not_found' })

const endpointAt = (site: Site, clock: () => number): Endpoint | undefined =>
  endpoints.get(site.path) ?? otherEndpoint(site, clock)

/** A dialect's path ends with the dialect. */
function otherEndpoint({ tenant, path }: Site, clock: () => number): Endpoint | undefined {
  if (isConfigurationPath(path)) return configuration
  return path === dialectAt(tenant.dialect, clock()).tokenPath ? token : undefined
}

/** Not an async function, because a token request that needs no database is then one promise less. */
export function answer(request: HttpRequest, deps: RouteDeps): Reply | Promise<Reply> {
  const found = deps.sites.find(request.host, request.path)
  return found instanceof Promise
    ? found.then((site) => answerAt(site, request, deps)).catch(answerUnavailable)
    : answerAt(found, request, deps)
}

function answerAt(site: Site | null, request: HttpRequest, deps: RouteDeps): Reply | Promise<Reply> {
  const endpoint = site && endpointAt(site, deps.effects.clock)
  if (endpoint && clientEndpoints.has(endpoint)) return answerClient(endpoint, request, site, deps)
  const answerOther = () =>
    endpoint ? answerReader(endpoint, request, site, deps) : answerElsewhere(site, request, deps)
  return answerMisplaced(request, deps, answerOther)
}

/** Where nobody expects a secret the answer is the same with one; it comes when it is known whether one of ours is in the URL. */
export function answerMisplaced(
  request: HttpRequest,
  deps: RouteDeps,
  answerAnyhow: () => Reply | Promise<Reply>,
): Reply | Promise<Reply> {
  const seen = secretsInUrl(`${request.path}?${request.query}`)
  return seen.length > 0 ? flagMisplaced(seen, request, deps).then(answerAnyhow) : answerAnyhow()
}

function answerClient(
  endpoint: Endpoint,
  request: HttpRequest,
  site: Site,
  deps: RouteDeps,
): Reply | Promise<Reply> {
  if (endpoint.methods.includes(request.method)) return endpoint.answer(request, site, deps)
  const refusal = otherMethod(request.method, endpoint)
  // A browser's history may keep the URL of what is refused as well.
  if (request.query === '') return refusal
  return flagExposedCall(unreadCall(request, site, nothing), 'query_string', deps).then(() => refusal)
}

const answerReader = (endpoint: Endpoint, request: HttpRequest, site: Site, deps: RouteDeps) =>
  endpoint.methods.includes(request.method)
    ? endpoint.answer(request, site, deps)
    : otherMethod(request.method, endpoint)

const answerElsewhere = (site: Site | null, request: HttpRequest, deps: RouteDeps) =>
  site === null ? answerForServer(request, deps) : notFound()

/** What was sent to a wrong place is exposed like any other; the answer is the same with the database gone. */
async function flagMisplaced(
  seen: readonly SeenSecret[],
  request: HttpRequest,
  deps: RouteDeps,
): Promise<void> {
  try {
    await flagSecrets(seen, sightingOf(request, 'query_string'), deps)
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
  }
}

const sightingOf = ({ id, clientAddress }: HttpRequest, by: ExposedBy): Sighting => ({
  by,
  request: { id, clientAddress },
})

/** The server's own, beside every tenant: a host that is a tenant's answers for that tenant alone. */
function answerForServer(request: HttpRequest, deps: RouteDeps): Reply | Promise<Reply> {
  if (isManagementPath(request.path)) return answerOverHttp(request, deps.answerManagement)
  return request.path === secretScanningPath ? deps.answerSecretScanning(request) : notFound()
}

const nothing = Buffer.alloc(0)

const unreadCall = (request: HttpRequest, { tenant, issuer, mtlsIssuer, path }: Site, body: Buffer) => ({
  http: toHttp(request, path, body),
  tenant,
  issuer,
  mtlsIssuer,
  notes: { requestId: request.id, features: new Set<DialectFeature>() },
})

function answerUnavailable(error: unknown): Reply {
  if (error instanceof StoreUnavailable) return errorReply(unavailable(error), '')
  throw error
}

/** RFC 9110 §15.5.6; a preflight is answered without permission for any origin. */
const otherMethod = (method: string, { methods }: Endpoint): Reply =>
  method === 'OPTIONS'
    ? { status: 204, headers: { Allow: methods.join(', '), 'Cache-Control': 'no-store' }, body: '' }
    : jsonReply(
        405,
        { error: 'invalid_request', error_description: `Use ${methods.join(' or ')}.` },
        { Allow: methods.join(', ') },
      )

/** The client hears that it is to come again, the log what is the matter with the database. */
const unavailable = (cause: StoreUnavailable) =>
  new OAuthError('temporarily_unavailable', cause.message, { cause })

const toHttp = (request: HttpRequest, endpointPath: string, body: Buffer): OAuthHttpRequest => ({
  method: request.method,
  endpointPath,
  query: request.query,
  contentType: request.headers['content-type'],
  repeatsContentType: request.repeatsContentType,
  contentEncoding: request.headers['content-encoding'],
  grantTypeHeader: headerText(request.headers.grant_type),
  accept: request.headers.accept,
  lastEventId: headerText(request.headers['last-event-id']),
  authorization: request.authorization,
  dpop: request.dpop,
  clientCertificate: () => certificateOf(request),
  clientAddress: request.clientAddress,
  headers: request.headers,
  body,
})

/** What was shown and cannot be read is a failed proof, never none. */
function certificateOf(request: HttpRequest): PresentedCertificate | null {
  const certificate = request.clientCertificate()
  return certificate === 'malformed' ? refuse('invalid_client', 'client certificate malformed') : certificate
}

const headerText = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value

/** What came over plain HTTP has been refused already; what it carried may have been read by others. */
export async function flagPlainHttp(
  request: HttpRequest,
  body: Buffer,
  deps: RouteDeps,
  effect: Pick<Sighting, 'isOnlyNoted'> = {},
): Promise<void> {
  const site = await deps.sites.find(request.host, request.path)
  const endpoint = site && endpointAt(site, deps.effects.clock)
  if (endpoint && clientEndpoints.has(endpoint)) {
    await flagExposedCall(unreadCall(request, site, body), 'plain_http', deps, effect)
  } else {
    const seen = secretsInRequest(toHttp(request, request.path, body))
    await flagSecrets(seen, { ...sightingOf(request, 'plain_http'), ...effect }, deps)
  }
}
