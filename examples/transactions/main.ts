/** Starts the transactions API: a guard in front, HTTPS, and a clean end. */

import { once } from 'node:events'
import { createServer } from 'node:https'
import { createGuard, createMemoryLimits } from '@sallyport/guard'
import { readSettings } from '../settings.ts'
import { createTransactions } from './api.ts'
import { nxtsoftPlatform } from './platform.ts'

const { issuer, credentials, port, tls } = readSettings(process.env)
const resource = `https://localhost:${port}`

const limits = { store: createMemoryLimits() }
const guard = createGuard({ ...nxtsoftPlatform, issuer, credentials, resource, limits })
const server = createServer(tls, createTransactions(guard))
await once(server.listen({ host: 'localhost', port }), 'listening')
console.log(`Listening: ${resource}`)

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    guard.close()
    server.close()
  })
}
