/** Questions to the issuer over HTTP: bounded in time and size, and never redirected. */

import { parseUrl } from '@sallyport/protocol'
import type { Effects } from '../effects.ts'
import { rootCause } from './root-cause.ts'

/** Who the API is at its issuer: an app with `introspects: [API]`. */
export interface ApiCredentials {
  readonly id: string
  readonly secret: string
}

/** Its words repeat nothing that was sent. */
export class IssuerError extends Error {
  /** Null where nobody answered. */
  readonly status: number | null

  constructor(message: string, status: number | null, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'IssuerError'
    this.status = status
  }
}

// Less than a request may take in all: where an answer can be done without, the request goes on.
const timeoutMilliseconds = 4_000
const longestAnswer = 1_000_000

/** One time for all that is fetched to answer one question. */
export async function inTime<Answer>(
  { later }: Effects,
  question: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const abort = new AbortController()
  const done = later(timeoutMilliseconds, () => abort.abort())
  try {
    return await question(abort.signal)
  } finally {
    done()
  }
}

/** Resolves to the JSON of an answer with status 200. Throws `IssuerError`. */
export async function askJson(
  effects: Effects,
  url: string,
  init: RequestInit & { readonly signal: AbortSignal },
): Promise<unknown> {
  try {
    init.signal.throwIfAborted()
    const response = await ask(effects, url, init)
    return JSON.parse(await readBounded(response))
  } catch (error) {
    if (error instanceof IssuerError) throw error
    throw new IssuerError(`${placeOf(url)} gave no answer that can be read${rootCause(error)}`, null, {
      cause: error,
    })
  }
}

/** RFC 9700 §4.11: an answer that points elsewhere is no answer of the issuer. Throws `IssuerError`. */
export async function ask(effects: Effects, url: string, init: RequestInit): Promise<Response> {
  const response = await effects.fetch(url, { ...init, redirect: 'manual' }).catch((error: unknown) => {
    throw new IssuerError(`${hostOf(url)} cannot be reached${rootCause(error)}`, null, { cause: error })
  })
  if (response.status === 200) return response
  await response.body?.cancel()
  throw new IssuerError(`${placeOf(url)} answered ${response.status}`, response.status)
}

async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let text = ''
  const reader = response.body?.getReader()
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    text += decoder.decode(part.value, { stream: true })
    if (text.length > longestAnswer) {
      await reader?.cancel()
      throw new TypeError('the answer is too long')
    }
  }
  return text + decoder.decode()
}

const hostOf = (url: string): string => parseUrl(url)?.host ?? 'the issuer'

/** Without the query, which may say which app was asked about. */
const placeOf = (url: string): string => url.split('?', 1).join()

/** RFC 6749 §2.3.1: id and secret are form-encoded before they are joined. */
export const basicHeader = ({ id, secret }: ApiCredentials): string =>
  `Basic ${btoa(`${formEncode(id)}:${formEncode(secret)}`)}`

const formEncode = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1)
