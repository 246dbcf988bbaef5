// Servers of HTTP/2, whose messages lack some of what those of HTTP/1 have.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Http2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { Guard } from '@sallyport/guard'
import { type ProxyOptions, protect as protectFastify } from '@sallyport/guard/fastify'
import { protect as protectNode } from '@sallyport/guard/node'
import fastify from 'fastify'
import { createWorld, guardOf } from '../world.ts'

const servers: Readonly<
  Record<string, (guard: Guard, proxy?: ProxyOptions) => Http2Server | Promise<Http2Server>>
> = {
  node: (guard, proxy) =>
    createServer(protectNode(guard, (_request, response) => response.end('let in'), {}, proxy)),
  async fastify(guard, proxy) {
    const app = fastify({ http2: true })
    app.get('/invoices', { onRequest: protectFastify(guard, {}, proxy) }, async () => 'let in')
    await app.ready()
    return app.server
  },
}

async function listening(t: TestContext, server: Http2Server) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  t.after(() => {
    session.destroy()
    server.close()
  })
  return async (headers: Readonly<Record<string, string | string[]>>): Promise<number> => {
    const asked = session.request({ ':path': '/invoices', ...headers })
    const [answer] = await once(asked, 'response')
    asked.resume()
    await once(asked, 'end')
    return answer[':status']
  }
}

const der = Buffer.from([0x30, 0x03, 0x02, 0x01, 0x07])
const certificate = `:${der.toString('base64')}:`
const thumbprint = createHash('sha256').update(der).digest('base64url')

for (const [name, serverOf] of Object.entries(servers)) {
  test(`RFC 9113 §8: ${name}: over HTTP/2 a good token is let in, and no other`, async (t) => {
    const world = createWorld()
    const ask = await listening(t, await serverOf(guardOf(world)))
    assert.equal(await ask({ authorization: `Bearer ${world.token()}` }), 200)
    assert.equal(await ask({}), 401)
    assert.equal(await ask({ authorization: `Bearer ${world.token({ exp: 1 })}` }), 401)
  })

  test(`RFC 9440 §4: ${name}: over HTTP/2 a listed proxy hands the certificate on, once`, async (t) => {
    const world = createWorld()
    const authorization = `Bearer ${world.token({ cnf: { 'x5t#S256': thumbprint } })}`
    const serve = async (proxies: readonly string[]) =>
      listening(t, await serverOf(guardOf(world), { proxies, certificateHeader: 'rfc9440' }))
    const ask = await serve(['127.0.0.1'])
    assert.equal(await ask({ authorization, 'client-cert': certificate }), 200)
    for (const other of [undefined, ':MAMCAQg=:', [certificate, certificate]])
      assert.equal(await ask({ authorization, ...(other && { 'client-cert': other }) }), 401, String(other))
    const askAnother = await serve(['10.0.0.0/8'])
    assert.equal(await askAnother({ authorization, 'client-cert': certificate }), 401)
  })
}
