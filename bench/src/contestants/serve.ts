/** What the baseline contestants share: listen on a free loopback port, tell the bench, and end with it. */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { replyHeaders } from '../claims.ts'
import type { TlsFiles } from '../tls-files.ts'
import { type Ready, tlsVariable } from './ready.ts'

export function serve(listener: RequestListener, detail?: string): void {
  const server = serverFor(listener, process.env[tlsVariable])
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    const ready: Ready = detail === undefined ? { port: address.port } : { port: address.port, detail }
    process.send?.(ready)
  })
  process.once('disconnect', () => process.exit(0))
}

function serverFor(listener: RequestListener, tls: string | undefined) {
  if (tls === undefined) return createServer(listener)
  const { certFile, keyFile }: TlsFiles = JSON.parse(tls)
  return createTlsServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, listener)
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
