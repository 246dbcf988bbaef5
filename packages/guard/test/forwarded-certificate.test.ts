// RFC 9440 §4, RFC 8705 §3: a certificate that a proxy hands on is the client's where that proxy is listed, and else noise.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { test } from 'node:test'
import { type Guard, GuardOptionsError } from '@sallyport/guard'
import { type ProxyOptions, protect as protectExpress } from '@sallyport/guard/express'
import { protect as protectFastify } from '@sallyport/guard/fastify'
import { protect as protectNode } from '@sallyport/guard/node'
import express from 'express'
import fastify from 'fastify'
import { listening, statusOf } from './routes/asked.ts'
import { createWorld, guardOf, type World } from './world.ts'

const der = (text: string): Buffer => {
  const content = Buffer.from(text)
  return Buffer.concat([Buffer.from([0x30, content.length]), content])
}
const own = der('a certificate')
const clientCert = (bytes: Buffer) => ({ 'client-cert': `:${bytes.toString('base64')}:` })

const listeners: Readonly<
  Record<string, (guard: Guard, proxy: ProxyOptions) => RequestListener | Promise<RequestListener>>
> = {
  node: (guard, proxy) => protectNode(guard, (_request, response) => response.end(), {}, proxy),
  express: (guard, proxy) =>
    express().get('/invoices', protectExpress(guard, {}, proxy), (_request, response) => void response.end()),
  async fastify(guard, proxy) {
    const app = fastify()
    app.get('/invoices', { onRequest: protectFastify(guard, {}, proxy) }, async () => '')
    await app.ready()
    return (request, response) => app.routing(request, response)
  },
}

function boundToken(world: World): string {
  return world.token({ cnf: { 'x5t#S256': createHash('sha256').update(own).digest('base64url') } })
}

for (const [name, listenerOf] of Object.entries(listeners)) {
  test(`RFC 9440 §4: ${name}: of a listed proxy the header counts, of anybody else it does not`, async (t) => {
    const world = createWorld()
    const guard = guardOf(world, { senderConstraint: 'mtls' })
    const authorization = `Bearer ${boundToken(world)}`
    const statuses = async (proxies: readonly string[], headers: object) => {
      const port = await listening(t, await listenerOf(guard, { proxies, certificateHeader: 'rfc9440' }))
      return statusOf(port, 'GET /invoices', { authorization, ...headers })
    }
    assert.equal(await statuses(['127.0.0.1'], clientCert(own)), 200)
    assert.equal(await statuses(['10.1.2.3', '127.0.0.0/8'], clientCert(own)), 200)
    assert.equal(await statuses(['127.0.0.1'], clientCert(der('another'))), 401)
    assert.equal(await statuses(['127.0.0.1'], {}), 401)
    assert.equal(await statuses(['127.0.0.1'], { 'client-cert': own.toString('base64') }), 401)
    for (const proxies of [['10.0.0.0/8'], ['::1'], ['::/0'], ['127.0.0.2']])
      assert.equal(await statuses(proxies, clientCert(own)), 401, proxies.join())
  })
}

test('RFC 9440 §4: what is no address and no kind of proxy is refused when the route is set up', () => {
  const guard = guardOf(createWorld())
  const wrong = [
    ...[[], ['localhost'], ['10.0.0.0/33'], ['::/129'], ['10.0.0.0/8/8'], [''], ['127.0.0.1/'], '127.0.0.1'],
  ].map((proxies) => ({ proxies, certificateHeader: 'nginx' }))
  for (const proxy of [...wrong, { proxies: ['127.0.0.1'], certificateHeader: 'apache' }])
    for (const listenerOf of [listeners.node, listeners.express])
      assert.throws(
        () => listenerOf?.(guard, proxy as ProxyOptions),
        GuardOptionsError,
        JSON.stringify(proxy),
      )
})
