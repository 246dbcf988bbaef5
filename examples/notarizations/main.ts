/** Starts the notarizations API: a guard in front, HTTPS, and a clean end. */

import { createGuard, createMemoryLimits } from '@sallyport/guard'
import { readSettings } from '../settings.ts'
import { createNotarizations } from './api.ts'
import { tokenPlatform } from './platform.ts'

const { issuer, credentials, port, tls } = readSettings(process.env)
const resource = `https://localhost:${port}`

const limits = { store: createMemoryLimits() }
const guard = createGuard({ ...tokenPlatform, issuer, credentials, resource, limits })
const api = createNotarizations(guard, tls)
await api.listen({ host: 'localhost', port })
console.log(`Listening: ${resource}`)

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    guard.close()
    void api.close()
  })
}
