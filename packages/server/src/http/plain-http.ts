/**
 * The answer to plain HTTP: refused, never redirected. Whoever followed a redirect would send the secret in clear
 * again next time (RFC 9700 §2.6). The credential that came along is reported as exposed.
 */
import { BodyTooLarge, type Handler, type HttpRequest } from './exchange.ts'
import { answerHealth, type Health } from './health.ts'
import type { FailureLog } from './listener.ts'
import { refusal } from './transport-error.ts'

export interface PlainHttpOptions {
  /** Told what came in clear, once the answer is written: the time it takes must not show whether a secret was right. */
  readonly onExposure: (request: HttpRequest, body: Buffer) => void | Promise<void>
  readonly health: Health
  readonly log: FailureLog
  readonly bodyLimitBytes?: number
}

const httpsNeeded = refusal(
  403,
  'This server is used over HTTPS only. What this request carried was sent in clear. Use https://, and ask for a new secret if one was sent.',
)
const defaultBodyLimitBytes = 65_536
const nothing = Buffer.alloc(0)

export function createPlainHandler({ onExposure, health, log, bodyLimitBytes }: PlainHttpOptions): Handler {
  const expose = async (request: HttpRequest, body: Buffer) => {
    try {
      await onExposure(request, body)
    } catch (error) {
      log.failure(request.id, error)
    }
  }
  return async (request) => {
    const probe = isProbe(request) ? answerHealth(health, request) : undefined
    if (probe !== undefined) return probe
    const body = await readBounded(request, bodyLimitBytes ?? defaultBodyLimitBytes)
    setImmediate(expose, request, body)
    return httpsNeeded
  }
}

/** Orchestrators probe over plain HTTP, and bring nothing that could be exposed. */
const isProbe = ({ method, authorization, query }: HttpRequest): boolean =>
  (method === 'GET' || method === 'HEAD') && authorization.length === 0 && query === ''

async function readBounded(request: HttpRequest, limitBytes: number): Promise<Buffer> {
  try {
    return await request.readBody(limitBytes)
  } catch (error) {
    if (error instanceof BodyTooLarge) return nothing
    throw error
  }
}
