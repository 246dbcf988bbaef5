/**
 * A client of the management API: operations by id, as the server's table describes them. Bodies and answers are `unknown`
 * here, for whoever has the id from elsewhere, as the command line has; `typed-client.ts` knows their types.
 */

import { nearestNames } from '@sallyport/protocol'
import { describedOperations } from './described-operations.ts'
import type { OperationDescription } from './description.ts'
import { largestLimit } from './page-limit.ts'
import type { Misfit } from './problem.ts'

/** The part of `fetch` that is needed, so that anything that speaks HTTP will do. */
export type Fetch = (
  url: string,
  init: {
    readonly method: string
    readonly headers: Readonly<Record<string, string>>
    readonly body?: string
  },
) => Promise<Fetched>

/** What is read of a `Response`. */
export interface Fetched extends Pick<Response, 'status' | 'ok' | 'text'> {
  readonly headers: Pick<Headers, 'get'>
}

export interface ClientDeps {
  /** The API's root: `https://auth.acme.example/manage/v1`. */
  readonly url: string
  readonly fetch: Fetch
  readonly token: () => Promise<string>
}

export interface CallTerms {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, unknown>>
  readonly body?: unknown
  readonly ifMatch?: string
  readonly idempotencyKey?: string
}

export interface CallAnswer {
  /** Null where the operation answers nothing. */
  readonly body: unknown
  readonly etag: string | null
}

export interface Listed {
  readonly items: readonly object[]
  /** Where the list goes on; null at its end. */
  readonly next_cursor: string | null
}

/** One call as it goes over the wire, less who makes it. */
export interface WireRequest {
  readonly method: string
  /** Below the API's root, with the query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

interface RefusalParts {
  readonly status: number
  readonly code: string
  readonly title: string
  readonly detail?: string | undefined
  readonly misfits: readonly Misfit[]
  readonly requestId: string | null
}

/** The server said no: RFC 9457, or an answer that is none of the management API's. */
export class ManagementRefused extends Error implements RefusalParts {
  override readonly name = 'ManagementRefused'
  readonly status: number
  /** One of the codes in `problem.ts`, or `no_problem` where the answer holds none. */
  readonly code: string
  readonly title: string
  readonly detail: string | undefined
  readonly misfits: readonly Misfit[]
  /** Finds the line in the server's log. */
  readonly requestId: string | null

  constructor({ status, code, title, detail, misfits, requestId }: RefusalParts) {
    super(detail ?? title)
    this.status = status
    this.code = code
    this.title = title
    this.detail = detail
    this.misfits = misfits
    this.requestId = requestId
  }
}

export interface ManagementClient {
  call(id: string, terms?: CallTerms): Promise<CallAnswer>
  /** Up to `most` items, however many pages they are; `terms.query.cursor` says after which. */
  list(id: string, terms: CallTerms, most: number): Promise<Listed>
  /** Every item. */
  all(id: string, terms?: CallTerms): Promise<readonly object[]>
}

export function createManagementClient(deps: ClientDeps): ManagementClient {
  const call = async (id: string, terms: CallTerms = {}): Promise<CallAnswer> => {
    const { method, path, headers, body } = requestOf(operationOf(id), terms)
    const response = await deps.fetch(deps.url + path, {
      method,
      headers: { ...headers, Authorization: `Bearer ${await deps.token()}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return readAnswer(response)
  }

  const list = async (id: string, terms: CallTerms, most: number): Promise<Listed> => {
    const items: object[] = []
    let cursor = terms.query?.cursor
    do {
      const limit = Math.min(largestLimit, most - items.length)
      const page = (await call(id, { ...terms, query: { ...terms.query, limit, cursor } })).body as Listed
      items.push(...page.items)
      cursor = page.next_cursor ?? undefined
    } while (cursor !== undefined && items.length < most)
    return { items, next_cursor: cursor === undefined ? null : String(cursor) }
  }

  return {
    call,
    list,
    all: async (id, terms = {}) => (await list(id, terms, Number.POSITIVE_INFINITY)).items,
  }
}

/** Throws `TypeError` for an id that the table does not have. */
function operationOf(id: string): OperationDescription {
  const found = describedOperations.find((operation) => operation.id === id)
  if (found) return found
  const near = nearestNames(
    id,
    describedOperations.map((operation) => operation.id),
  )
  throw new TypeError(`There is no operation ${id}; near are ${near.join(', ')}.`)
}

export function requestOf(operation: OperationDescription, terms: CallTerms): WireRequest {
  const { params = {}, query = {}, body, ifMatch, idempotencyKey } = terms
  const { method } = operation
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => segmentOf(name, params[name]))
  const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
  return {
    method,
    path: path + queryText(query),
    headers: {
      ...(body !== undefined && { 'Content-Type': contentType }),
      ...(ifMatch !== undefined && { 'If-Match': ifMatch }),
      ...(idempotencyKey !== undefined && { 'Idempotency-Key': idempotencyKey }),
    },
    body,
  }
}

/** RFC 3986 §6.2.2.3: a segment of dots alone would be taken for a step in the tree, whatever its spelling. */
function segmentOf(name: string, value: string | undefined): string {
  if (value === undefined || /^\.{0,2}$/.test(value))
    throw new TypeError(`${name} cannot be "${value ?? ''}".`)
  return encodeURIComponent(value)
}

function queryText(query: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  const texts = given.map(([name, value]): [string, string] => [name, String(value)])
  const text = new URLSearchParams(texts).toString()
  return text === '' ? '' : `?${text}`
}

async function readAnswer(response: Fetched): Promise<CallAnswer> {
  const text = await response.text()
  const body = jsonOf(text)
  if (!response.ok) throw refusalOf(response, body)
  if (body === undefined && response.status !== 204) throw refusalOf(response, undefined)
  return { body: body ?? null, etag: response.headers.get('ETag') }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function refusalOf({ status, headers }: Fetched, body: unknown): ManagementRefused {
  const problem = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const textOf = (name: string) => (typeof problem[name] === 'string' ? problem[name] : undefined)
  const code = textOf('code')
  return new ManagementRefused({
    status,
    code: code ?? 'no_problem',
    title: textOf('title') ?? `The answer is ${status}, and none of the management API: is the URL right?`,
    detail: textOf('detail'),
    misfits: Array.isArray(problem.errors) ? (problem.errors as readonly Misfit[]) : [],
    requestId: textOf('request_id') ?? headers.get('X-Request-Id'),
  })
}
