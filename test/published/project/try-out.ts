/** What a user does with the published packages, with the Web's own APIs alone; a line for each step and its outcome. */

import { createClient } from '@sallyport/client'
import {
  createGuard,
  createMemoryLimits,
  type GuardOptions,
  type LimitStore,
  systemEffects,
} from '@sallyport/guard'
import { protect as protectHono } from '@sallyport/guard/hono'
import { createRedisLimits } from '@sallyport/guard/redis'
import { accessOf, protect } from '@sallyport/guard/web'
import { audience, createIssuer, issuerUrl } from './issuer.ts'

const url = `${audience}/invoices`
const endpoints = [
  {
    method: 'GET',
    path: '/invoices',
    scope: 'invoices/read',
    limit: { name: 'app', requests: 2, windowSeconds: 60 },
  },
]

type Api = (request: Request) => Promise<Response>

async function outcome(api: Api, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  const response = await api(new Request(url, { headers }))
  const problem = /error="([a-z_]+)"/.exec(response.headers.get('www-authenticate') ?? '')?.[1]
  return `${response.status} ${problem ?? (response.ok ? await response.text() : '')}`.trim()
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

export async function tryOut(): Promise<string[]> {
  const issuer = await createIssuer()
  const effects = { ...systemEffects, fetch: issuer.fetch }
  const guardWith = (options: Partial<GuardOptions> = {}) =>
    createGuard({ issuer: issuerUrl, audience, effects, ...options })
  const apiOf = (guard = guardWith(), scope = 'invoices/read'): Api =>
    protect(guard, (request) => new Response(accessOf(request)?.clientId), { scope })
  const api = apiOf()
  const lines: string[] = []
  const step = async (name: string, result: Promise<string>) => void lines.push(`${name}: ${await result}`)

  await step('no token', outcome(api))
  await step('a good token', outcome(api, bearer(await issuer.token())))
  await step('the key of another', outcome(api, bearer(await issuer.forgedToken())))
  await step('an old token', outcome(api, bearer(await issuer.token({ exp: 1 }))))
  await step('another scope', outcome(apiOf(guardWith(), 'invoices/write'), bearer(await issuer.token())))
  const bound = await issuer.boundToken()
  const proven = { authorization: `DPoP ${bound}`, dpop: await issuer.proofFor(bound, url) }
  await step('a proof', outcome(api, proven))
  await step('the proof again', outcome(api, proven))
  await step('no proof', outcome(api, bearer(bound)))
  await step('revoked', afterRevocation())
  await step('limits in memory', limited(createMemoryLimits()))
  const sendCommand = () => Promise.reject(new Error('nobody is there'))
  await step('limits without their Redis', limited(createRedisLimits({ sendCommand })))
  await step('Hono', throughHono())
  await step('the client', throughClient())
  return lines

  async function afterRevocation(): Promise<string> {
    let heard = (): void => {}
    const told = new Promise<void>((resolve) => {
      heard = resolve
    })
    const guard = guardWith({
      credentials: { id: 'api', secret: 'secret' },
      onRevocationState: ({ edition }) => edition > 1 && heard(),
    })
    const followed = apiOf(guard)
    const token = bearer(await issuer.token())
    const before = await outcome(followed, token)
    issuer.revokeApp('app-1')
    await told
    const after = await outcome(followed, token)
    guard.close()
    return `${before}, ${after}`
  }

  async function limited(store: LimitStore): Promise<string> {
    const counted = apiOf(guardWith({ endpoints, limits: { store } }))
    const token = bearer(await issuer.token())
    const statuses: string[] = []
    for (let count = 0; count < 3; count++) statuses.push((await outcome(counted, token)).split(' ')[0] ?? '')
    return statuses.join(' ')
  }

  async function throughHono(): Promise<string> {
    const raw = new Request(url, { headers: bearer(await issuer.token()) })
    const matchedRoutes = [{ path: '/invoices', method: 'GET' }]
    const req = { raw, method: 'GET', matchedRoutes, routeIndex: 0 }
    const context = { req, res: new Response(), header: () => {} }
    const refused = await protectHono(guardWith())(context, async () => {})
    return `${refused?.status ?? accessOf(raw)?.clientId}`
  }

  async function throughClient(): Promise<string> {
    const client = createClient({
      ...{ issuer: issuerUrl, clientId: 'app-1', clientSecret: 'secret', origins: [audience] },
      fetch: (input, init) => {
        const request = new Request(input, init)
        return request.url === url ? api(request) : issuer.fetch(request)
      },
    })
    const response = await client.fetch(url)
    return `${response.status} ${await response.text()}`
  }
}
