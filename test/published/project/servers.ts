/** The adapters for servers of Node's kind, each asked over HTTP with a good token and without one. */

import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createGuard, systemEffects } from '@sallyport/guard'
import * as forExpress from '@sallyport/guard/express'
import * as forFastify from '@sallyport/guard/fastify'
import * as forHono from '@sallyport/guard/hono'
import * as forNode from '@sallyport/guard/node'
import express from 'express'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import { audience, createIssuer, issuerUrl } from './issuer.ts'

const issuer = await createIssuer()
const guard = createGuard({
  ...{ issuer: issuerUrl, audience, effects: { ...systemEffects, fetch: issuer.fetch } },
})
const headers = { authorization: `Bearer ${await issuer.token()}` }
const needed = { scope: 'invoices/read' }

async function ask(origin: string): Promise<string> {
  const refused = await fetch(`${origin}/invoices`)
  await refused.text()
  const served = await fetch(`${origin}/invoices`, { headers })
  return `${refused.status}, ${served.status} ${await served.text()}`
}

async function askListener(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const answer = await ask(`http://127.0.0.1:${port}`)
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  })
  return answer
}

const onExpress = express()
onExpress.get('/invoices', forExpress.protect(guard, needed), (request, response) => {
  response.end(forExpress.accessOf(request)?.clientId)
})

const onFastify = fastify()
onFastify.get(
  '/invoices',
  { onRequest: forFastify.protect(guard, needed) },
  async (request) => forFastify.accessOf(request)?.clientId,
)

const onHono = new Hono()
onHono.get('/invoices', forHono.protect(guard, needed), (context) =>
  context.text(forHono.accessOf(context.req.raw)?.clientId ?? ''),
)

async function askHono(): Promise<string> {
  const refused = await onHono.request('/invoices')
  const served = await onHono.request('/invoices', { headers })
  return `${refused.status}, ${served.status} ${await served.text()}`
}

const lines = [
  `node:http: ${await askListener(forNode.protect(guard, (request, response) => response.end(forNode.accessOf(request)?.clientId), needed))}`,
  `Express: ${await askListener(onExpress)}`,
  `Fastify: ${await ask(await onFastify.listen({ port: 0, host: '127.0.0.1' }))}`,
  `Hono: ${await askHono()}`,
]
await onFastify.close()
console.log(JSON.stringify(lines))
