/** Transactions: a bank tries its messages, and posts them. What one bank has posted no other comes across. */

import { randomUUID } from 'node:crypto'
import type { Guard } from '@sallyport/guard'
import { accessOf, protect } from '@sallyport/guard/express'
import express, { type ErrorRequestHandler, type Express } from 'express'
import { type Message, readMessage } from './message.ts'

interface Transaction extends Message {
  readonly transaction: string
  readonly posted_at: string
}

export function createTransactions(guard: Guard): Express {
  const posted = new Map<string, Map<string, Transaction>>()

  /** The tokens name no customer but by its app. */
  const postedBy = (request: object): Map<string, Transaction> => {
    const owner = accessOf(request)?.clientId
    if (!owner) throw new Error('The token names no app.')
    const own = posted.get(owner) ?? new Map<string, Transaction>()
    posted.set(owner, own)
    return own
  }

  const app = express()
  app.disable('x-powered-by')

  // For everybody.
  app.get('/health', (_request, response) => {
    response.json({ status: 'ok' })
  })

  // For whoever the guard lets in; nobody else's body is read.
  app.use(protect(guard))
  app.use(express.json({ limit: '10kb' }))

  app.post('/transactions/mock', (request, response) => {
    const message = readMessage(request.body)
    if ('reference' in message) response.json({ valid: true })
    else response.status(422).json({ valid: false, problems: message })
  })

  app.post('/transactions/post', (request, response) => {
    const message = readMessage(request.body)
    if (!('reference' in message)) {
      response.status(422).json({ problems: message })
      return
    }
    const own = postedBy(request)
    const earlier = own.get(message.reference)
    const transaction = earlier ?? {
      transaction: randomUUID(),
      ...message,
      posted_at: new Date().toISOString(),
    }
    own.set(message.reference, transaction)
    // Sent twice, a message is posted once.
    response.status(earlier ? 200 : 201).json(transaction)
  })

  app.use(answerError)
  return app
}

/** Express's own answer would be a page, with the stack in it. */
const answerError: ErrorRequestHandler = (error, _request, response, _next) => {
  const { status = 500 } = error as { status?: number }
  if (status >= 500) console.error(error)
  response.status(status).json({ error: status < 500 ? 'invalid_body' : 'server_error' })
}
