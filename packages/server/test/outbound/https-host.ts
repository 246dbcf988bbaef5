// A real HTTPS host on loopback with a certificate of its own authority, which counts the connections that reach it.
import { webcrypto } from 'node:crypto'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import { type AddressInfo, isIP } from 'node:net'
import type { TestContext } from 'node:test'
import type { TlsOptions } from 'node:tls'
import { issue, serverAuth, x509 } from '../certificates/issue.ts'

export interface HttpsHost {
  readonly port: number
  /** PEM of the authority that vouches for it. */
  readonly authority: string
  /** TCP connections so far, whatever became of them. */
  readonly connections: () => number
}

const pemOfKey = async (key: webcrypto.CryptoKey) =>
  x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')

/** Answers for `names`, which may be addresses; closed after the test. */
export async function startHost(
  t: TestContext,
  names: readonly string[],
  listener: RequestListener,
  tls: TlsOptions = {},
): Promise<HttpsHost> {
  const at = Math.floor(Date.now() / 1000)
  const life = { notBeforeAt: at - 3600, notAfterAt: at + 86_400 }
  const authority = await issue(null, { name: 'CN=Test authority', ca: true, ...life })
  const leaf = await issue(authority, {
    name: 'CN=host',
    purposes: [serverAuth],
    names: names.map((value) => ({ type: isIP(value) > 0 ? ('ip' as const) : ('dns' as const), value })),
    ...life,
  })
  const server = createServer({ cert: leaf.pem, key: await pemOfKey(leaf.keys.privateKey), ...tls }, listener)
  let connections = 0
  server.on('connection', () => {
    connections += 1
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    authority: authority.pem,
    connections: () => connections,
  }
}
