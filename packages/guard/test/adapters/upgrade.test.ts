// What docs/guard.md says of WebSockets: they pass a guard of requests, and how they are guarded.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type TestContext, test } from 'node:test'
import type { Guard } from '@sallyport/guard'
import { protect, viewOf } from '@sallyport/guard/node'
import { createWorld, guardOf } from '../world.ts'

type Upgrade = (request: IncomingMessage, socket: Duplex) => void

const open: Upgrade = (_request, socket) =>
  void socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')

const guarded =
  (guard: Guard): Upgrade =>
  async (request, socket) => {
    const decision = await guard.check(viewOf(request), { scope: 'invoices/read' })
    if (decision.isAllowed) return open(request, socket)
    const { status, headers } = decision
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.end(`HTTP/1.1 ${status} \r\nConnection: close\r\n${lines.join('')}\r\n${decision.body}`)
  }

/** Asks to open a WebSocket at a server whose requests are guarded; answers the status. */
async function opening(t: TestContext, guard: Guard, upgrade: Upgrade | null) {
  const server = createServer(protect(guard, (_request, response) => response.end('let in')))
  if (upgrade !== null) server.on('upgrade', upgrade)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  return async (headers: Readonly<Record<string, string>>) => {
    const asked = send({
      host: '127.0.0.1',
      port,
      headers: { ...headers, connection: 'upgrade', upgrade: 'websocket' },
    })
    asked.end()
    const [answer] = (await Promise.race([once(asked, 'upgrade'), once(asked, 'response')])) as [
      IncomingMessage,
    ]
    answer.resume()
    answer.socket.destroy()
    return { status: answer.statusCode, challenge: answer.headers['www-authenticate'] }
  }
}

test('issue 6, 1: node: an upgrade passes a guard of requests, and is refused where its listener asks the guard', async (t) => {
  const world = createWorld()
  const guard = guardOf(world)
  const unguarded = await opening(t, guard, open)
  assert.equal((await unguarded({})).status, 101)
  const ask = await opening(t, guard, guarded(guard))
  const refused = await ask({})
  assert.equal(refused.status, 401)
  assert.match(refused.challenge ?? '', /^Bearer realm=/)
  assert.equal((await ask({ authorization: `Bearer ${world.token({ scope: 'other' })}` })).status, 403)
  assert.equal((await ask({ authorization: `Bearer ${world.token()}` })).status, 101)
})

test('issue 6, 1: node: without a listener for upgrades such a request is guarded like the rest', async (t) => {
  const ask = await opening(t, guardOf(createWorld()), null)
  assert.equal((await ask({})).status, 401)
})
