/** Binding ports, and the sentence that says why not. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { jsonReply } from '@sallyport/protocol'
import { parseAddressList } from '../../src/http/address-list.ts'
import { bindAll, developmentHosts, ListenRefused } from '../../src/http/listen.ts'
import { createListener } from '../../src/http/listener.ts'
import { occupy } from '../cli/processes.ts'
import { ask, countedIds, now, startListener } from './wire.ts'

const unboundListener = () =>
  createListener({
    handler: () => jsonReply(200, {}),
    tls: null,
    proxies: parseAddressList([]),
    effects: { clock: () => now, uuid: countedIds() },
    log: { failure: () => {} },
  })

test('contract: a busy port is one sentence with the way out', async (t) => {
  const port = await occupy(t)
  await assert.rejects(unboundListener().listen({ hosts: ['127.0.0.1'], port }), {
    name: 'ListenRefused',
    code: 'EADDRINUSE',
    message: `Port ${port} is already in use. Stop the other program or choose another port.`,
  })
})

test('contract: an address of another machine is one sentence', async () => {
  await assert.rejects(
    unboundListener().listen({ hosts: ['192.0.2.7'], port: 0 }),
    (error) => error instanceof ListenRefused && /no address 192\.0\.2\.7/.test(error.message),
  )
})

test('settled, on the wire: development answers on both loopback addresses under one port', async (t) => {
  const { port } = await startListener(t, { handler: () => jsonReply(200, {}), hosts: developmentHosts })
  assert.equal((await ask(port, ['GET / HTTP/1.1', 'Host: a'])).status, 200)
})

test('settled, on the wire: where one of several addresses does not exist the others serve', async (t) => {
  const hosts = ['127.0.0.1', '192.0.2.7']
  const { port } = await startListener(t, { handler: () => jsonReply(200, {}), hosts })
  assert.equal((await ask(port, ['GET / HTTP/1.1', 'Host: a'])).status, 200)
})

test('contract: when one of several addresses is busy, none is kept', async (t) => {
  const port = await occupy(t, { host: '127.0.0.2' })
  const listener = unboundListener()
  await assert.rejects(listener.listen({ hosts: ['127.0.0.1', '127.0.0.2'], port }), { code: 'EADDRINUSE' })
  await listener.listen({ hosts: ['127.0.0.1'], port })
  await Promise.all([listener.stopAccepting(), listener.closeIdle()])
})

test('contract: a port that needs a privilege is one sentence', async () => {
  const denied = Object.assign(new Error('listen EACCES'), { code: 'EACCES' })
  const create = () => {
    const server = createServer()
    // Tests often run as root, who may open any port; the refusal is the only thing not real here.
    server.listen = () => {
      queueMicrotask(() => server.emit('error', denied))
      return server
    }
    return server
  }
  await assert.rejects(bindAll({ hosts: ['127.0.0.1'], port: 443, servers: [], create }), {
    code: 'EACCES',
    message: /^Port 443 may not be opened by this user: .* Choose another port\.$/,
  })
})
