/** What the baseline contestants share: listen on a free loopback port, tell the bench, and end with it. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { replyHeaders } from '../claims.ts'

export interface Ready {
  readonly port: number
  /** What the contestant chose at start-up, shown in the table. */
  readonly detail?: string
}

export function serve(server: Server, detail?: string): void {
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    const ready: Ready = detail === undefined ? { port: address.port } : { port: address.port, detail }
    process.send?.(ready)
  })
  process.once('disconnect', () => process.exit(0))
}

/** The cheapest way node:http offers to read a body to its end. */
export function readBody(request: IncomingMessage, done: (body: string) => void): void {
  let body = ''
  request.setEncoding('latin1')
  request.on('data', (chunk: string) => {
    body += chunk
  })
  request.on('end', () => done(body))
}

export function answer(response: ServerResponse, body: string): void {
  response.writeHead(200, replyHeaders(body.length))
  response.end(body)
}
