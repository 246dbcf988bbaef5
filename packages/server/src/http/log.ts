/**
 * Structured lines, one JSON object each. What may be logged is a list of names: a field that is not on it cannot
 * get out, whatever a caller hands over. Queries, bodies and Authorization headers are on no list.
 */
import { pino } from 'pino'
import type { FailureLog } from './listener.ts'
import { mask } from './mask.ts'
import { type LogDestination, openStandardOutput } from './standard-output.ts'

/** What callers may add to a line. */
export interface LogFields {
  readonly request_id?: string
  readonly tenant?: string
  readonly client_id?: string
  readonly credential_id?: string
  readonly token_id?: string
  readonly worker?: number
  readonly pid?: number | undefined
  readonly operation?: string
  readonly actor?: string
  readonly number?: number
  readonly hash?: string
  readonly sink?: string
  readonly organization?: string
  readonly api?: string
  readonly client_address?: string
  readonly status?: number
  readonly code?: string
  readonly reason?: string
  readonly kid?: string
  readonly url?: string
  readonly port?: number
  readonly file?: string
  readonly seconds?: number
}

/** The list: a name, and what it says. */
const addedFields: Readonly<Record<keyof LogFields, string>> = {
  request_id: 'the `X-Request-Id` of the answer',
  tenant: 'the id of the tenant',
  client_id: 'the client id, of an app that the tenant has',
  credential_id: 'which of its credentials; beside `organization`, which of its registration tokens',
  token_id: 'the `jti` of the token, or the digest of what was signed: never the token',
  worker: 'which of several workers',
  pid: 'the id of its process',
  operation: 'which operation of the management API',
  actor: 'who has called it',
  number: 'the number of an audit record',
  hash: 'its hash, in hex',
  sink: 'where audit records are handed on to: `webhook` or `syslog`',
  organization: 'whose registration token it is',
  api: 'the API that the token is for, or the signing key',
  client_address: 'where the request came from; through a listed proxy, as that has it',
  status: 'the HTTP status of the answer',
  code: 'the error code that the client saw',
  reason: 'why, as it was: for the operator only',
  kid: 'the id of the signing key',
  url: 'what could not be fetched, without its query; of `ready`, what the server is reached at',
  port: 'the main port',
  file: 'the file that the line is about, or the folder',
  seconds: 'how long it lasted, or will',
}
const addedNames = Object.keys(addedFields) as (keyof LogFields)[]

/** Everything a line can hold, and what it says: the table of docs/operations.md. */
export const lineFields: Readonly<Record<string, string>> = {
  level: '`info`, `warn` or `error`',
  time: 'when, in UTC',
  ...addedFields,
  milliseconds: 'of `token issued`: the time to the answer',
  reused: 'of `token issued`: whether the token had been given out before',
  stack: 'of `unexpected failure`: where in the code it came from',
  msg: 'the message, as above',
}

/** A token was issued. Every text is one of ours or was found in the store, so it needs no masking. */
export interface TokenLine {
  readonly requestId: string
  readonly tenant: string
  readonly clientId: string
  readonly credentialId: string
  readonly api: string
  readonly milliseconds: number
  readonly isReused: boolean
  /** Where the app may have expected another token. */
  readonly reason?: string | undefined
}

export interface Log extends FailureLog {
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** Does nothing when success lines are off. */
  tokenIssued(line: TokenLine): void
  flush(): void
  /** Resolves when all lines so far are written: to be awaited before the process ends itself. */
  drained(): Promise<void>
}

export interface LogOptions {
  /** Milliseconds since 1970. */
  readonly clock: () => number
  readonly level?: 'info' | 'warn' | 'error' | 'silent'
  /** One line for each token issued; off where the metrics are enough. */
  readonly tokenLines?: boolean
  readonly destination?: LogDestination
}

export function createLog({
  clock,
  level = 'info',
  tokenLines = true,
  destination = openStandardOutput(),
}: LogOptions): Log {
  const now = isoTime(clock)
  const logger = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${now()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  )
  const writesTokens = tokenLines && logger.isLevelEnabled('info')
  return {
    info: (message, fields = {}) => logger.info(allowed(fields), message),
    warn: (message, fields = {}) => logger.warn(allowed(fields), message),
    error: (message, fields = {}) => logger.error(allowed(fields), message),
    failure: (requestId, error) =>
      logger.error(
        { request_id: mask(requestId), code: 'server_error', ...describeFailure(error) },
        'unexpected failure',
      ),
    tokenIssued(line) {
      if (writesTokens) destination.write(tokenLine(line, now()))
    },
    flush: () => destination.flush?.(),
    drained: async () => destination.drained?.(),
  }
}

/** Made by hand because it stands on the hot path: a tenth of what pino takes for the same line. */
function tokenLine(line: TokenLine, time: string): string {
  return (
    `{"level":"info","time":"${time}","request_id":"${line.requestId}","tenant":"${line.tenant}"` +
    `,"client_id":${quote(line.clientId)},"credential_id":${quote(line.credentialId)},"api":${quote(line.api)}` +
    `,"milliseconds":${Math.round(line.milliseconds * 1000) / 1000},"reused":${line.isReused}${reasonMember(line)},"msg":"token issued"}\n`
  )
}

const reasonMember = ({ reason }: TokenLine): string =>
  reason === undefined ? '' : `,"reason":${quote(reason)}`

const needsNoEscape = /^[ !#-[\]-~]*$/
const quote = (text: string): string => (needsNoEscape.test(text) ? `"${text}"` : JSON.stringify(text))

/** At twenty lines a millisecond, making each its own date text would cost more than the rest of the line. */
function isoTime(clock: () => number): () => string {
  let made = Number.NaN
  let text = ''
  return () => {
    const now = clock()
    if (now !== made) {
      made = now
      text = new Date(now).toISOString()
    }
    return text
  }
}

function allowed(fields: LogFields): LogFields {
  const line: Record<string, string | number> = {}
  for (const name of addedNames) {
    const value = fields[name]
    if (typeof value === 'number') line[name] = value
    else if (typeof value === 'string') line[name] = name === 'client_id' ? maskClientId(value) : mask(value)
  }
  return line
}

const longestClientId = 64

/** RFC 6749 App. A.1: printable ASCII. What is sent there by mistake is often a secret, or no id at all. */
const maskClientId = (value: string): string =>
  /^[\x20-\x7e]+$/.test(value) ? mask(value).slice(0, longestClientId) : '[not a client id]'

/** These quote the input that they could not read. */
const quotingErrors: ReadonlySet<string> = new Set(['SyntaxError', 'URIError'])

function describeFailure(error: unknown): { readonly reason: string; readonly stack?: string } {
  if (!(error instanceof Error)) return { reason: `something thrown that is no Error: ${typeof error}` }
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  const cause = error.cause instanceof Error ? `, because of ${summaryOf(error.cause)}` : ''
  const stack = frames.map((frame) => frame.trim()).join(' | ')
  return { reason: mask(summaryOf(error) + cause), stack: mask(stack) }
}

const summaryOf = ({ name, message }: Error): string =>
  `${name}: ${quotingErrors.has(name) ? '(message withheld)' : message}`
