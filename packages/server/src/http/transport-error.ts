/** The JSON answers to requests that never become one: too large, too slow, malformed. */
import type { Reply } from '@sallyport/protocol'
import { jsonReply } from '@sallyport/protocol'

/** RFC 6749 §5.2 has one code for a request that cannot be read. */
export function refusal(
  status: number,
  sentence: string,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return jsonReply(status, { error: 'invalid_request', error_description: sentence }, headers)
}

const close = { Connection: 'close' } as const

export const bodyTooLarge = refusal(413, 'The request body is too large.', close)
export const badHost = refusal(400, 'The request needs exactly one valid Host header.', close)
export const badTarget = refusal(400, 'The request target is malformed.', close)
export const expectationFailed = refusal(417, 'The Expect header asks for something unknown.', close)
export const codingUnknown = refusal(501, 'The body may be sent in chunks, and not compressed.', close)
export const tunnelRefused = refusal(405, 'This server opens no tunnels.', close)
const malformed = refusal(400, 'The request is not valid HTTP.', close)
const headersTooLarge = refusal(431, 'The header block is too large.', close)
const tooSlow = refusal(408, 'The request was not complete in time.', close)

/** RFC 6749 §5.2 lends `server_error` to every endpoint; what happened is for the log. */
export const serverError = jsonReply(500, {
  error: 'server_error',
  error_description: 'The server met an unexpected condition.',
})

const byParserCode: Readonly<Record<string, Reply>> = {
  HPE_HEADER_OVERFLOW: headersTooLarge,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: bodyTooLarge,
  ERR_HTTP_REQUEST_TIMEOUT: tooSlow,
}

/** What to answer when Node's parser or its clock gives a connection up; undefined when nobody is listening. */
export function replyToParserError(code: string): Reply | undefined {
  if (code.startsWith('HPE_') || code === 'ERR_HTTP_REQUEST_TIMEOUT') return byParserCode[code] ?? malformed
  return undefined
}

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  431: 'Request Header Fields Too Large',
}

/** The bytes of a reply for a socket that has no response object. */
export function rawReply(reply: Reply, id: string, date: Date): string {
  const lines = Object.entries(reply.headers).map(([name, value]) => `${name}: ${value}`)
  return [
    `HTTP/1.1 ${reply.status} ${reasons[reply.status] ?? 'Error'}`,
    ...lines,
    `X-Request-Id: ${id}`,
    `Date: ${date.toUTCString()}`,
    `Content-Length: ${Buffer.byteLength(reply.body)}`,
    '',
    reply.body.toString(),
  ].join('\r\n')
}
