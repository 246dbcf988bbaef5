/** Notarizations: a customer sends the digest of a document, gets a stamp for it, and sees no stamps but its own. */

import { randomUUID } from 'node:crypto'
import type { Guard } from '@sallyport/guard'
import { accessOf, protect } from '@sallyport/guard/fastify'
import { fastify } from 'fastify'
import type { Settings } from '../settings.ts'

interface Stamp {
  readonly stamp: string
  /** SHA-256 of the document, in hexadecimal. */
  readonly digest: string
  readonly stamped_at: string
}

const notarization = {
  type: 'object',
  required: ['digest'],
  additionalProperties: false,
  properties: { digest: { type: 'string', pattern: '^[0-9a-f]{64}$' } },
}

export function createNotarizations(guard: Guard, tls: Settings['tls'] | null = null) {
  const stamps = new Map<string, Map<string, Stamp>>()

  /** An app acts for one customer, so its key is whose stamps these are. */
  const stampsFor = (request: object): Map<string, Stamp> => {
    const owner = accessOf(request)?.clientId
    if (!owner) throw new Error('The token names no app.')
    const own = stamps.get(owner) ?? new Map<string, Stamp>()
    stamps.set(owner, own)
    return own
  }

  const app = fastify({ https: tls })

  // For everybody.
  app.get('/health', async () => ({ status: 'ok' }))
  if (guard.metadata) app.get(guard.metadata.path, async () => guard.metadata?.document)

  // For whoever the guard lets in.
  app.register(async (api) => {
    api.addHook('onRequest', protect(guard))

    api.get('/notarizations/stamps', async (request) => ({ stamps: [...stampsFor(request).values()] }))

    api.get<{ Params: { stamp: string } }>('/notarizations/stamps/:stamp', async (request, reply) => {
      const found = stampsFor(request).get(request.params.stamp)
      return found ?? reply.code(404).send({ error: 'not_found' })
    })

    api.post<{ Body: { digest: string } }>(
      '/notarizations',
      { schema: { body: notarization } },
      async (request, reply) => {
        const made = {
          stamp: randomUUID(),
          digest: request.body.digest,
          stamped_at: new Date().toISOString(),
        }
        stampsFor(request).set(made.stamp, made)
        return reply.code(201).send(made)
      },
    )
  })
  return app
}
