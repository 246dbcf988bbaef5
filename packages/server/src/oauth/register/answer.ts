/**
 * Dynamic client registration (RFC 7591) and its management (RFC 7592): a program with an initial access token becomes an app,
 * and looks after itself with a token that is good for it alone.
 */

import {
  decodePercent,
  jsonReply,
  type Members,
  memberOf,
  neverCached,
  OAuthError,
  type Reply,
  refuse,
} from '@sallyport/protocol'
import type { OfClient, RegisteredApp, Registrations, WantedApp } from '../../apps/registration.ts'
import { clientAuthMethodNames } from '../client-auth/index.ts'
import type { OAuthDeps } from '../deps.ts'
import { refuseExposedCall } from '../exposed-call.ts'
import type { OAuthCall } from '../request.ts'
import { readBearer, withToken } from './bearer.ts'
import { readMetadata } from './metadata.ts'
import { readJson } from './read-json.ts'
import { registrationPath, showRegistration } from './show.ts'
import { wantedApp } from './wanted-app.ts'

export interface RegisterDeps extends OAuthDeps {
  readonly registrations: Registrations
  /** Whether a connection, or a listed proxy for it, can bring a client certificate. */
  readonly takesCertificates: boolean
}

/** RFC 7591 §3. */
export async function answerRegistration(call: OAuthCall, deps: RegisterDeps): Promise<Reply> {
  await refuseExposedCall(call, deps)
  const token = readBearer(call)
  return withToken(call, deps, async () => {
    const by = { tenantId: call.tenant.id, token, requestId: call.notes.requestId }
    await deps.registrations.checkInitialToken(by)
    const wanted = readWanted(readJson(call.http), call, deps)
    const { registrationToken, ...app } = await deps.registrations.register(by, wanted)
    call.notes.clientId = app.clientId
    return jsonReply(201, showRegistration(app, call.issuer, registrationToken))
  })
}

const readWanted = (
  json: Members,
  { tenant }: OAuthCall,
  { takesCertificates }: RegisterDeps,
  before: RegisteredApp | null = null,
): WantedApp =>
  wantedApp(readMetadata(json), {
    methods: clientAuthMethodNames(tenant, takesCertificates),
    grantTypes: before?.settings.grant_types ?? [],
  })

export const isConfigurationPath = (path: string): boolean => path.startsWith(`${registrationPath}/`)

/** RFC 7592 §2. */
export async function answerConfiguration(call: OAuthCall, deps: RegisterDeps): Promise<Reply> {
  await refuseExposedCall(call, deps)
  const token = readBearer(call)
  return withToken(call, deps, async () => {
    const clientId = clientIdOf(call)
    call.notes.clientId = clientId
    const by = { tenantId: call.tenant.id, token, clientId, requestId: call.notes.requestId }
    const show = (app: RegisteredApp) => jsonReply(200, showRegistration(app, call.issuer, token))
    switch (call.http.method) {
      case 'PUT':
        return show(await replace(by, call, deps))
      case 'DELETE':
        await deps.registrations.remove(by)
        return { status: 204, headers: { 'Cache-Control': neverCached['Cache-Control'] ?? '' }, body: '' }
      default:
        return show(await deps.registrations.read(by))
    }
  })
}

/** Printable ASCII (RFC 6749 Appendix A.1); a database does not take everything else. */
const clientIdShape = /^[\x20-\x7e]{1,255}$/

/** What cannot be decoded is no client's name. */
function clientIdOf({ http: { endpointPath } }: OAuthCall): string {
  const clientId = decodePercent(endpointPath.slice(registrationPath.length + 1)) ?? ''
  return clientIdShape.test(clientId) ? clientId : refuse('invalid_token', 'no client id in the path')
}

/** RFC 7592 §2.2: what only the server says. */
const notToBeSent = [
  ...['registration_access_token', 'registration_client_uri'],
  ...['client_secret_expires_at', 'client_id_issued_at'],
]

async function replace(by: OfClient, call: OAuthCall, deps: RegisterDeps) {
  // Before anything is told of what was sent.
  const before = await deps.registrations.read(by)
  const json = readJson(call.http)
  if (memberOf(json, 'client_id') !== by.clientId)
    refuseBody('client_id must be there, and the one in the path.')
  const sent = notToBeSent.find((name) => Object.hasOwn(json, name))
  if (sent !== undefined) refuseBody(`${sent} must not be sent: leave it out.`)
  const secret = memberOf(json, 'client_secret') ?? null
  if (secret !== null && typeof secret !== 'string') refuseBody('client_secret must be text.')
  return deps.registrations.replace(by, readWanted(json, call, deps, before), secret)
}

function refuseBody(detail: string): never {
  throw new OAuthError('invalid_client_metadata', detail, { detail })
}
