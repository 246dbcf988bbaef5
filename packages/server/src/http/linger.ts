/**
 * Answers given before the request was read. Closing a socket with unread input makes the kernel send a reset, which
 * can overtake our answer; so we answer, read on for a bounded while, and only then close.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Reply } from '@sallyport/protocol'
import { rawReply } from './transport-error.ts'

export type SocketLike = Pick<
  Socket,
  'writable' | 'remoteAddress' | 'destroy' | 'end' | 'resume' | 'once' | 'setTimeout'
>

export interface LingerLimits {
  readonly lingerBytes: number
  readonly lingerMilliseconds: number
}

/** Sends a whole reply whose head is written already; ends the response only when the client has stopped sending. */
export function lingerAfter(
  message: IncomingMessage,
  response: ServerResponse,
  body: string | Uint8Array,
  limits: LingerLimits,
): void {
  let left = limits.lingerBytes
  const finish = () => {
    clearTimeout(timer)
    message.off('data', count)
    response.end()
  }
  const count = (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) finish()
  }
  const timer = setTimeout(finish, limits.lingerMilliseconds)
  if (body.length === 0) response.flushHeaders()
  else response.write(body)
  message.on('data', count)
  message.once('end', finish)
  message.once('close', finish)
  message.on('error', () => {})
  message.resume()
}

/** Answers on a bare socket, half-closes it, and destroys it once the client has left or the time is over. */
export function refuseConnection(
  socket: SocketLike,
  reply: Reply,
  id: string,
  date: Date,
  limits: LingerLimits,
): void {
  const timer = setTimeout(() => socket.destroy(), limits.lingerMilliseconds)
  socket.once('close', () => clearTimeout(timer))
  socket.once('end', () => socket.destroy())
  socket.end(rawReply(reply, id, date))
  socket.resume()
}
