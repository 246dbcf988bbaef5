/** One of several processes with a limit between them: takes so often at once, and prints how often it was allowed. */

import { Redis } from 'ioredis'
import { createRedisLimits } from '../../src/limits/redis.ts'

const [path = '', requests, times, clockAhead] = process.argv.slice(2)
const client = new Redis({ path })
const limits = createRedisLimits(client, {
  // A machine that is busy with other tests is no lost server.
  timeoutMilliseconds: 60_000,
  elapsed: () => performance.now() + Number(clockAhead),
})
const limit = { name: 'payments', requests: Number(requests), windowSeconds: 3600 }
const answers = await Promise.all(Array.from({ length: Number(times) }, () => limits.take('app', limit)))
client.disconnect()
console.log(answers.filter(({ isAllowed }) => isAllowed).length)
