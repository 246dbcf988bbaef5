// An application behind a real socket, asked with a good token: targets go out as they stand.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { audience, type World } from '../world.ts'

export type Serve = RequestListener

/** Answers the status of each line, one after the other: `GET /invoices`. */
export type Ask = (...lines: readonly string[]) => Promise<number[]>

export async function listening(t: TestContext, listener: Serve): Promise<number> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

export async function asking(t: TestContext, world: World, listener: Serve): Promise<Ask> {
  const port = await listening(t, listener)
  return async (...lines) => {
    const statuses: number[] = []
    for (const line of lines) statuses.push(await statusOf(port, line, bearer(world)))
    return statuses
  }
}

let tokens = 0
const bearer = (world: World) => ({ authorization: `Bearer ${world.token({ jti: `token-${++tokens}` })}` })

export async function statusOf(
  port: number,
  line: string,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  const [method = '', path = ''] = line.split(' ')
  const asked = send({ host: '127.0.0.1', port, method, path, headers: { ...headers, connection: 'close' } })
  asked.end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  answer.resume()
  return answer.statusCode ?? 0
}

/** As servers for Web handlers do it. */
export const overWeb =
  (handle: (request: Request) => Response | Promise<Response>): Serve =>
  async ({ method = 'GET', url = '', headers }, outgoing) => {
    const { authorization = '' } = headers
    const response = await handle(new Request(audience + url, { method, headers: { authorization } }))
    outgoing.writeHead(response.status).end()
  }
