/** What a caller of `fetch` wants sent, and whether it could be sent a second time. */

import { refuse } from './errors.ts'

export interface OutgoingRequest {
  readonly method: string
  readonly url: URL
  readonly headers: Headers
  readonly signal: AbortSignal | undefined
  /** Whatever else `fetch` is told: the body, and how. */
  readonly rest: RequestInit
  readonly canBeSentAgain: boolean
}

const isRequest = (input: string | URL | Request): input is Request =>
  typeof input === 'object' && 'url' in input

export function readRequest(input: string | URL | Request, init: RequestInit = {}): OutgoingRequest {
  const request = isRequest(input) ? input : undefined
  const { method, headers: given, signal, body, redirect, ...others } = init
  const headers = new Headers(given ?? request?.headers)
  checkHeaders(headers)
  const sent = body ?? request?.body
  return {
    method: method ?? request?.method ?? 'GET',
    url: new URL(request?.url ?? String(input)),
    headers,
    signal: signal ?? request?.signal ?? undefined,
    rest: { ...others, ...bodyOf(sent), redirect: redirectOf(redirect, request) },
    canBeSentAgain: sent === undefined || sent === null || isWhole(sent),
  }
}

function checkHeaders(headers: Headers): void {
  for (const name of ['authorization', 'dpop']) {
    if (headers.has(name)) refuse('ERR_INVALID_ARG_VALUE', `the header ${name} is set by this client`)
  }
}

/** Following would take the token, or a proof for another URL, to wherever the answer points. */
function redirectOf(wanted: RequestInit['redirect'], request: Request | undefined): 'manual' | 'error' {
  if (wanted === 'follow') {
    refuse(
      'ERR_INVALID_ARG_VALUE',
      "redirect: 'follow' is not possible: a redirect is not followed with a token",
    )
  }
  return (wanted ?? request?.redirect) === 'error' ? 'error' : 'manual'
}

type Body = NonNullable<RequestInit['body']>

/** A stream is gone once it has been read. So is the body of a `Request`, which is one. */
const isWhole = (body: Body): boolean =>
  typeof body === 'string' ||
  ArrayBuffer.isView(body) ||
  [ArrayBuffer, Blob, FormData, URLSearchParams].some((kind) => body instanceof kind)

const bodyOf = (body: Body | null | undefined): RequestInit =>
  body === undefined || body === null ? {} : isWhole(body) ? { body } : { body, duplex: 'half' }
