// Headers as they come over a real socket, where frameworks drop, join and decode them before the guard sees any.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { Guard } from '@sallyport/guard'
import { protect as protectExpress } from '@sallyport/guard/express'
import { protect as protectFastify } from '@sallyport/guard/fastify'
import { protect as protectHono } from '@sallyport/guard/hono'
import { protect as protectNode } from '@sallyport/guard/node'
import { protect as protectWeb } from '@sallyport/guard/web'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { createWorld, guardOf, type World } from './world.ts'

const answer = 'let in'

/** As servers for Web handlers do: each header line as it came. */
const overWeb =
  (handle: (request: Request) => Response | Promise<Response>): RequestListener =>
  async (incoming, outgoing) => {
    const headers = new Headers()
    for (let index = 0; index < incoming.rawHeaders.length; index += 2)
      headers.append(incoming.rawHeaders[index] ?? '', incoming.rawHeaders[index + 1] ?? '')
    const { method = 'GET', url } = incoming
    const response = await handle(new Request(`https://api.example${url}`, { method, headers }))
    outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text())
  }

const listeners: Readonly<Record<string, (guard: Guard) => RequestListener | Promise<RequestListener>>> = {
  node: (guard) => protectNode(guard, (_request, response) => response.end(answer)),
  express: (guard) =>
    express().get('/invoices', protectExpress(guard), (_request, response) => {
      response.end(answer)
    }),
  async fastify(guard) {
    const app = fastify()
    app.get('/invoices', { onRequest: protectFastify(guard) }, async () => answer)
    await app.ready()
    return (request, response) => app.routing(request, response)
  },
  hono(guard) {
    const app = new Hono()
    app.get('/invoices', protectHono(guard), (context) => context.text(answer))
    return overWeb((request) => app.fetch(request))
  },
  web: (guard) => overWeb(protectWeb(guard, () => new Response(answer))),
}

async function listen(t: TestContext, listener: RequestListener): Promise<Server> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return server
}

/** Header lines byte by byte; the status of the answer. */
async function statusOf(server: Server, lines: readonly string[]): Promise<number> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const head = ['GET /invoices HTTP/1.1', 'Host: api.example', 'Connection: close', ...lines, '', '']
  socket.end(Buffer.from(head.join('\r\n'), 'utf8'))
  let text = ''
  for await (const part of socket) text += part
  return Number(text.split(' ')[1])
}

function spellings(world: World): Readonly<Record<string, readonly string[]>> {
  const good = `Bearer ${world.token()}`
  return {
    'two good headers': [`Authorization: ${good}`, `Authorization: ${good}`],
    'a good header before another scheme': [`Authorization: ${good}`, 'authorization: Basic YTpi'],
    'a good header behind another scheme': ['AUTHORIZATION: Basic YTpi', `Authorization: ${good}`],
    'a good header before an empty one': [`Authorization: ${good}`, 'Authorization:'],
    'an empty header before a good one': ['Authorization:', `Authorization: ${good}`],
    'two in one line': [`Authorization: ${good}, ${good}`],
    'a tab': [`Authorization: ${good.replace(' ', '\t')}`],
    'typographic quotes': [`Authorization: “${good}”`],
    'a typographic quote around the token': [`Authorization: ${good.replace(' ', ' “')}”`],
    'a name with an underscore': [`Authorization_: ${good}`, `X_Authorization: ${good}`],
    'a name in front': [`X-Authorization: ${good}`, `Proxy-Authorization: ${good}`],
  }
}

for (const [name, listenerOf] of Object.entries(listeners)) {
  test(`trust 28, 164: over a socket, ${name} lets one good header in and no other spelling`, async (t) => {
    const world = createWorld()
    const server = await listen(t, await listenerOf(guardOf(world)))
    assert.equal(await statusOf(server, [`aUtHoRiZaTiOn:  bearer ${world.token()} `]), 200)
    for (const [title, lines] of Object.entries(spellings(world)))
      assert.equal(await statusOf(server, lines), 401, title)
  })
}

test('issue 6, 1: a token that a middleware has put into the headers counts where the client has sent none', async (t) => {
  const world = createWorld()
  const guard = guardOf(world)
  t.after(() => guard.close())
  const app = express()
  app.use((request, _response, next) => {
    request.headers.authorization = `Bearer ${world.token()}`
    next()
  })
  app.get('/invoices', protectExpress(guard), (_request, response) => void response.end(answer))
  const server = await listen(t, app)
  assert.equal(await statusOf(server, []), 200)
  assert.equal(await statusOf(server, ['Authorization: Bearer x']), 401)
})
