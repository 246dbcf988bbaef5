// An adapter answers once: not where somebody else has answered meanwhile, and also where deciding itself fails.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type RequestListener, request as send } from 'node:http'
import { type TestContext, test } from 'node:test'
import { createMemoryLimits, type Guard } from '@sallyport/guard'
import { protect as protectExpress } from '@sallyport/guard/express'
import { protect as protectFastify } from '@sallyport/guard/fastify'
import { protect as protectNode } from '@sallyport/guard/node'
import express from 'express'
import fastify from 'fastify'
import { listening, statusOf } from '../routes/asked.ts'
import { createWorld, guardOf, settled, type World } from '../world.ts'

const needed = { endpoint: 'GET /invoices' }

/** `reached` hears of what is let through; `failed` of what a middleware hands on. */
type Heard = Readonly<Record<'reached' | 'failed', () => void>>

const listeners: Readonly<
  Record<string, (guard: Guard, heard: Heard) => RequestListener | Promise<RequestListener>>
> = {
  node: (guard, { reached }) =>
    protectNode(
      guard,
      (_request, response) => {
        reached()
        response.end()
      },
      needed,
    ),
  express: (guard, { reached }) =>
    express().get('/invoices', protectExpress(guard, needed), (_request, response) => {
      reached()
      response.end()
    }),
  // As Express 4 does: it calls a middleware, and awaits nothing.
  'a caller of middleware that awaits nothing': (guard, { reached, failed }) => {
    const middleware = protectExpress(guard, needed)
    return (request, response) => {
      void middleware(request, response, (error) => {
        if (error === undefined) reached()
        else failed()
        response.writeHead(error === undefined ? 200 : 500).end()
      })
    }
  },
  async fastify(guard, { reached }) {
    const app = fastify()
    app.get('/invoices', { onRequest: protectFastify(guard, needed) }, async () => {
      reached()
      return ''
    })
    await app.ready()
    return (request, response) => app.routing(request, response)
  },
}

/** An answer that somebody else gives while the guard waits for its issuer, which goes on when the answer has come. */
async function answeredMeanwhile(t: TestContext, world: World, listener: RequestListener) {
  const { promise: isReached, resolve: reach } = Promise.withResolvers<void>()
  const { promise: mayAnswer, resolve: goOn } = Promise.withResolvers<void>()
  const keys = world.answers.get('/oauth2/jwks')
  world.answers.set('/oauth2/jwks', async (request) => {
    reach()
    await mayAnswer
    return keys?.(request) ?? Response.error()
  })
  const port = await listening(t, (request, response) => {
    void isReached.then(() => response.writeHead(504).end('too late'))
    listener(request, response)
  })
  const authorization = `Bearer ${world.token()}`
  const asked = send({ host: '127.0.0.1', port, path: '/invoices', headers: { authorization } }).end()
  const [answer] = await once(asked, 'response')
  answer.resume()
  await once(answer, 'end')
  goOn()
  await settled()
  return answer.statusCode
}

for (const [name, listenerOf] of Object.entries(listeners)) {
  test(`issue 6, 1: ${name}: what somebody else has answered while the guard waited stays answered, and is let nowhere`, async (t) => {
    const world = createWorld()
    const guard = guardOf(world)
    let calls = 0
    const count = () => {
      calls += 1
    }
    const listener = await listenerOf(guard, { reached: count, failed: count })
    assert.equal(await answeredMeanwhile(t, world, listener), 504)
    assert.deepEqual([guard.status().allowed, calls], [1, 0])
  })

  test(`issue 6, 1: ${name}: a limit of the API’s own that cannot be told is a 500, and lets nobody in`, async (t) => {
    const warned: unknown[] = []
    const keep = (warning: unknown) => void warned.push(warning)
    process.on('warning', keep)
    t.after(() => process.off('warning', keep))
    const world = createWorld()
    const limitOf = async () => {
      throw new Error('the plans are away')
    }
    const guard = guardOf(world, { limits: { store: createMemoryLimits(), limitOf } })
    let reached = 0
    const listener = await listenerOf(guard, { reached: () => void reached++, failed: () => {} })
    const port = await listening(t, listener)
    const authorization = `Bearer ${world.token()}`
    assert.equal(await statusOf(port, 'GET /invoices', { authorization }), 500)
    assert.equal(reached, 0)
    if (name === 'node') assert.match(String(warned), /the plans are away/)
  })
}

test('issue 6, 1: node: what the listener itself throws rejects as it did, and is not answered for it', async (t) => {
  const world = createWorld()
  const listener = protectNode(guardOf(world), () => {
    throw new Error('of the listener')
  })
  const { promise: outcome, resolve } = Promise.withResolvers<unknown>()
  const port = await listening(t, (request, response) => {
    listener(request, response).catch((error: unknown) => {
      resolve(error)
      response.writeHead(418).end()
    })
  })
  const authorization = `Bearer ${world.token()}`
  assert.equal(await statusOf(port, 'GET /invoices', { authorization }), 418)
  assert.match(String(await outcome), /of the listener/)
})
