// A real Sallyport server without a socket behind `fetch`, and a real HTTP API that asks it what a token is.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import type { TestServer } from '../../server/test/harness.ts'
import type { FetchFunction } from '../src/index.ts'

export interface Bridge {
  readonly fetch: FetchFunction
  /** Paths of the server's endpoints, in the order of the requests. */
  readonly asked: readonly string[]
}

const serverOrigin = 'https://localhost:8443'

/** What goes to the server's host is handed to it; the rest goes out. */
export function bridgeTo(server: TestServer): Bridge {
  const asked: string[] = []
  return {
    asked,
    fetch: async (input, init = {}) => {
      const url = new URL(String(input))
      if (url.origin !== serverOrigin) return fetch(input, init)
      asked.push(url.pathname)
      return askServer(server, url, new Request(url, init))
    },
  }
}

async function askServer(server: TestServer, url: URL, request: Request): Promise<Response> {
  const { authorization, dpop, ...headers } = Object.fromEntries(request.headers)
  const reply = await server.request({
    method: request.method,
    url: url.pathname + url.search,
    headers,
    ...(authorization !== undefined && { authorization: [authorization] }),
    ...(dpop !== undefined && { dpop: [dpop] }),
    body: Buffer.from(await request.arrayBuffer()),
  })
  return new Response(reply.text || null, { status: reply.status, headers: { ...reply.headers } })
}

type Check = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>

/** Listens on this machine until the test ends; answers 401 where the check says no and has not answered itself. */
export async function startApi(t: TestContext, check: Check): Promise<string> {
  const api = createServer(async (request, response) => {
    const isGood = await check(request, response)
    if (response.writableEnded) return
    response
      .writeHead(isGood ? 200 : 401, isGood ? {} : { 'WWW-Authenticate': 'Bearer error="invalid_token"' })
      .end()
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => api.once('listening', resolve))
  t.after(() => new Promise((resolve) => api.close(resolve).closeAllConnections()))
  return `http://127.0.0.1:${(api.address() as AddressInfo).port}`
}

export const tokenOf = ({ headers }: IncomingMessage): string => headers.authorization?.split(' ')[1] ?? ''

/** RFC 7662, as the app of the platform's own API. */
export const introspectedBy =
  (server: TestServer, tenant: string, app = 'resource-server'): Check =>
  async (request) => {
    const reply = await server.request({
      method: 'POST',
      url: `/${tenant}/oauth2/introspect`,
      basic: server.credential(tenant, app),
      body: { token: tokenOf(request) },
    })
    return reply.json?.active === true
  }
