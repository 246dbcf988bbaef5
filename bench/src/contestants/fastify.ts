/** One route of Fastify, with the guard before it or without: what letting known tokens in costs a real server. */

import { accessOf, protect } from '@sallyport/guard/fastify'
import fastify from 'fastify'
import { scope } from '../claims.ts'
import { createBenchIssuer } from '../guarded/issuer.ts'
import type { Ready } from './ready.ts'

/** Beside the port: tokens that the route is to be asked with. */
export interface GuardedReady extends Ready {
  readonly tokens: readonly string[]
}

const [isGuarded = '', count = '1'] = process.argv.slice(2)
const issuer = await createBenchIssuer('ES256')
const server = fastify()
if (isGuarded === 'guarded') {
  const onRequest = protect(issuer.guard(), { scope: scope.split(' ') })
  server.get('/orders', { onRequest }, async (request) => ({
    orders: [],
    client: accessOf(request)?.clientId,
  }))
} else server.get('/orders', async () => ({ orders: [], client: 'app_bench_000000001' }))

const port = Number(new URL(await server.listen({ port: 0, host: '127.0.0.1' })).port)
const ready: GuardedReady = { port, tokens: await issuer.tokens(Number(count)) }
process.send?.(ready)
process.once('disconnect', () => process.exit(0))
