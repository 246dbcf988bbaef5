/** Following a tenant's revocations over HTTP: as one JSON document, or as server-sent events that go on. */

import { neverCached, type Reply, refuse } from '@sallyport/protocol'
import type { FeedEvent, RevocationFeed } from '../revocation/feed.ts'
import { subjectClaims, type ToldRevocation } from '../revocation/for-verifiers.ts'
import { type ClientRequest, readClientRequest, refuseWithoutDatabase } from './client-request.ts'
import type { TokenDeps } from './deps.ts'
import type { TokenCall } from './token-request.ts'

export const revocationFeedPath = '/oauth2/revocations'

export interface FeedDeps extends TokenDeps {
  readonly revocationFeed: RevocationFeed
}

type Form = (request: ClientRequest, feed: RevocationFeed) => Promise<Reply>

/** By what the caller accepts. Another form of the same is a function, and a line here. */
const forms: ReadonlyMap<string, Form> = new Map([
  ['text/event-stream', answerEvents],
  ['application/json', answerSnapshot],
])

export async function answerRevocationFeed(call: TokenCall, deps: FeedDeps): Promise<Reply> {
  const request = await readClientRequest(call, deps, { mayBeEmpty: true })
  if (request.caller.client.settings.introspects.size === 0)
    refuse('unauthorized_client', 'the app is the resource server of no API')
  refuseWithoutDatabase(request, deps)
  const { accept = '' } = call.http
  const wanted = [...forms.keys()].find((type) => accept.includes(type)) ?? 'application/json'
  return (forms.get(wanted) ?? answerSnapshot)(request, deps.revocationFeed)
}

async function answerSnapshot({ tenant }: ClientRequest, feed: RevocationFeed): Promise<Reply> {
  const { seq, asOf, told } = await feed.snapshot(tenant.id)
  const document = { seq, as_of: asOf, claims: subjectClaims(tenant), revocations: told }
  return { status: 200, headers: neverCached, body: JSON.stringify(document) }
}

const eventHeaders = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store',
  // Proxies that gather what they pass on would hold the news back.
  'X-Accel-Buffering': 'no',
}

async function answerEvents(request: ClientRequest, feed: RevocationFeed): Promise<Reply> {
  const { tenant, caller } = request
  const after = startOf(request)
  const first = after === null ? await feed.snapshot(tenant.id) : null
  const opening = `retry: 1000\n\n${eventText('claims', subjectClaims(tenant))}`
  return {
    status: 200,
    headers: eventHeaders,
    body: opening + told(first?.told ?? []),
    follow: ({ write, end }) =>
      feed.follow(tenant.id, caller.client.clientId, after ?? first?.seq ?? 0, {
        tell: (event) => write(textOf(event)),
        end,
      }),
  }
}

/** After which change to begin: where a broken connection stood, or as asked; null for the very beginning. */
function startOf({ http, form, queryParameters }: ClientRequest): number | null {
  const text = http.lastEventId ?? form.get('after') ?? queryParameters.get('after')
  if (text === undefined) return null
  if (/^\d{1,15}$/.test(text)) return Number(text)
  return refuse('invalid_request', 'after is no number', 'after must be the id of an event.')
}

const texts = new WeakMap<FeedEvent, string>()

/** The same text goes to all who follow a tenant. */
function textOf(event: FeedEvent): string {
  const known = texts.get(event)
  if (known !== undefined) return known
  const text = write(event)
  texts.set(event, text)
  return text
}

/** Whoever comes again asks from the last `id` it has seen, so only what completes a change has one. */
function write(event: FeedEvent): string {
  switch (event.type) {
    case 'revocation':
      return `${told(event.told)}id: ${event.seq}\nevent: position\ndata: {"seq":${event.seq}}\n\n`
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
