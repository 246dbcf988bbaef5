/** Reads a request's body up to a limit. */
import type { IncomingMessage } from 'node:http'
import { BodyAborted, BodyTooLarge } from './exchange.ts'
import type { BodySink, RequestMessage } from './request-message.ts'

const nothing = Buffer.alloc(0)

/** RFC 9112 §6.3: without either header there is no content. */
export function hasBody(message: IncomingMessage): boolean {
  const { headers } = message
  const length = headers['content-length']
  return (length !== undefined && length !== '0') || headers['transfer-encoding'] !== undefined
}

export function readBody(message: RequestMessage, limitBytes: number): Promise<Buffer> {
  if (!hasBody(message)) return Promise.resolve(nothing)
  // The parser has checked the header: it is digits. An honest length spares reading what would be thrown away.
  if (Number(message.headers['content-length'] ?? 0) > limitBytes) return Promise.reject(tooLarge(limitBytes))
  if (message.destroyed || message.readableEnded)
    return Promise.reject(new BodyAborted('The connection is gone.'))
  return collect(message, limitBytes)
}

function collect(message: RequestMessage, limitBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let first: Buffer | undefined
    let more: Buffer[] | undefined
    let length = 0
    const sink: BodySink = {
      take(chunk) {
        length += chunk.length
        if (length > limitBytes) {
          message.release()
          reject(tooLarge(limitBytes))
        } else if (first === undefined) first = chunk
        else {
          // Nearly every token request is one chunk, which then needs no copy.
          more ??= [first]
          more.push(chunk)
        }
      },
      end() {
        resolve(more === undefined ? (first ?? nothing) : Buffer.concat(more, length))
      },
      lost: () => reject(new BodyAborted('The client left before its body was complete.')),
    }
    message.handTo(sink)
  })
}

const tooLarge = (limitBytes: number) => new BodyTooLarge(`The body is longer than ${limitBytes} bytes.`)
