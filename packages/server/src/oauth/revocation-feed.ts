/** Following a tenant's revocations over HTTP: as one JSON document, or as server-sent events that go on. */

import { neverCached, OAuthError, oncePer, preferredType, type Reply, refuse } from '@sallyport/protocol'
import { contentOf } from '../apps/client.ts'
import type { FeedEvent, RevocationFeed, Snapshot } from '../revocation/feed.ts'
import { subjectClaims, type ToldRevocation } from '../revocation/for-verifiers.ts'
import {
  type ClientRequest,
  readClientRequest,
  refusePublicCaller,
  refuseWithoutDatabase,
} from './client-request.ts'
import type { OAuthDeps } from './deps.ts'
import type { OAuthCall } from './request.ts'

export const revocationFeedPath = '/oauth2/revocations'

export interface FeedDeps extends OAuthDeps {
  readonly revocationFeed: RevocationFeed
}

type Form = (request: ClientRequest, deps: FeedDeps) => Promise<Reply>

/** By what the caller accepts. Another form of the same is a function, and a line here. */
const forms: ReadonlyMap<string, Form> = new Map([
  ['text/event-stream', answerEvents],
  ['application/json', answerSnapshot],
])

export async function answerRevocationFeed(call: OAuthCall, deps: FeedDeps): Promise<Reply> {
  const request = await readClientRequest(call, deps, { mayBeEmpty: true })
  refusePublicCaller(request)
  if (request.caller.client.settings.introspects.size === 0)
    refuse('unauthorized_client', 'the app is the resource server of no API')
  refuseWithoutDatabase(request, deps)
  const wanted = preferredType(call.http.accept, [...forms.keys()]) ?? 'application/json'
  return (forms.get(wanted) ?? answerSnapshot)(request, deps)
}

async function answerSnapshot({ tenant }: ClientRequest, { revocationFeed }: FeedDeps): Promise<Reply> {
  const { seq, asOf, told } = await revocationFeed.snapshot(tenant.id)
  const document = { seq, as_of: asOf, claims: subjectClaims(tenant), revocations: told }
  return { status: 200, headers: neverCached, body: JSON.stringify(document) }
}

const eventHeaders = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store',
  // Proxies that gather what they pass on would hold the news back.
  'X-Accel-Buffering': 'no',
}

/** Between being let in and the turn to follow it may have been removed or switched off. */
async function isStillResourceServer(
  { tenant, caller }: ClientRequest,
  { directory }: FeedDeps,
): Promise<boolean> {
  const client = await directory.client(tenant.id, caller.client.clientId)
  const organization = client && (await directory.organization(tenant.id, client.organizationId))
  const isStanding = client?.isDisabled === false && organization?.isDisabled === false
  return isStanding && contentOf(client) === contentOf(caller.client)
}

async function answerEvents(request: ClientRequest, deps: FeedDeps): Promise<Reply> {
  const { tenant, caller } = request
  const { clientId, organizationId } = caller.client
  const after = startOf(request)
  if (deps.revocationFeed.isFull({ tenantId: tenant.id, clientId })) refuseFull()
  const first = after === null ? await deps.revocationFeed.snapshot(tenant.id) : null
  const opening = `retry: 1000\n\n${eventText('claims', subjectClaims(tenant))}`
  return {
    status: 200,
    headers: eventHeaders,
    body: opening + (first === null ? '' : textOfSnapshot(first)),
    follow: ({ write, end }) => {
      const tell = (event: FeedEvent) => write(textOf(event))
      const isWelcome = () => isStillResourceServer(request, deps)
      const follower = { tenantId: tenant.id, clientId, organizationId, tell, end, isWelcome }
      return deps.revocationFeed.follow(follower, after ?? first?.seq ?? 0)
    },
  }
}

function refuseFull(): never {
  throw new OAuthError('temporarily_unavailable', 'too many event streams of one client', {
    status: 429,
    retryAfterSeconds: 30,
    detail: 'Too many event streams are open with this client id. Try again later.',
  })
}

/** After which change to begin: where a broken connection stood, or as asked; null for the very beginning. */
function startOf({ http, form, queryParameters }: ClientRequest): number | null {
  const text = http.lastEventId ?? form.get('after') ?? queryParameters.get('after')
  if (text === undefined) return null
  if (/^\d{1,15}$/.test(text)) return Number(text)
  return refuse('invalid_request', 'after is no number', 'after must be the id of an event.')
}

/** The same text goes to all who follow a tenant. */
const textOf = oncePer(write)
const textOfSnapshot = oncePer((snapshot: Snapshot) => told(snapshot.told))

/** Whoever comes again asks from the last `id` it has seen, so only what completes a change has one. */
function write(event: FeedEvent): string {
  switch (event.type) {
    case 'revocation':
      return `${told(event.told)}id: ${event.seq}\nevent: position\ndata: {"seq":${event.seq}}\n\n`
    case 'policy':
      return eventText('policy', event.clientId === null ? {} : { client_id: event.clientId })
    case 'ready':
    case 'heartbeat':
      return `id: ${event.seq}\n${eventText(event.type, { seq: event.seq, as_of: event.asOf })}`
    case 'reset':
      return eventText('reset', {})
  }
}

const told = (revocations: readonly ToldRevocation[]): string =>
  revocations.map((revocation) => eventText('revocation', revocation)).join('')

const eventText = (name: string, data: unknown): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
