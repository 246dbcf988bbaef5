/** Questions to the issuer over HTTP: bounded in time and size, and never redirected. */

import { parseUrl } from '@sallyport/protocol'
import type { Effects } from '../effects.ts'

/** Who the API is at its issuer: an app with `introspects: [API]`. */
export interface ApiCredentials {
  readonly id: string
  readonly secret: string
}

/** Its words repeat nothing that was sent. */
export class IssuerError extends Error {
  /** Null where nobody answered. */
  readonly status: number | null

  constructor(message: string, status: number | null, options?: ErrorOptions) {
    super(message, options)
    this.name = 'IssuerError'
    this.status = status
  }
}

const timeoutMilliseconds = 5_000
const longestAnswer = 1_000_000

/** Resolves to the JSON of an answer with status 200. Throws `IssuerError`. */
export async function askJson(effects: Effects, url: string, init: RequestInit = {}): Promise<unknown> {
  const abort = new AbortController()
  const done = effects.later(timeoutMilliseconds, () => abort.abort())
  try {
    const response = await ask(effects, url, { ...init, signal: abort.signal })
    return JSON.parse(await readBounded(response))
  } catch (error) {
    if (error instanceof IssuerError) throw error
    throw new IssuerError(`${hostOf(url)} gave no answer that can be read`, null, { cause: error })
  } finally {
    done()
  }
}

/** RFC 9700 §4.11: an answer that points elsewhere is no answer of the issuer. Throws `IssuerError`. */
export async function ask(effects: Effects, url: string, init: RequestInit): Promise<Response> {
  const response = await effects.fetch(url, { ...init, redirect: 'manual' }).catch((error: unknown) => {
    throw new IssuerError(`${hostOf(url)} cannot be reached`, null, { cause: error })
  })
  if (response.status === 200) return response
  await response.body?.cancel()
  throw new IssuerError(`${hostOf(url)} answered ${response.status}`, response.status)
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

/** RFC 6749 §2.3.1: id and secret are form-encoded before they are joined. */
export const basicHeader = ({ id, secret }: ApiCredentials): string =>
  `Basic ${btoa(`${formEncode(id)}:${formEncode(secret)}`)}`

const formEncode = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1)
