/**
 * One of several processes with a limit between them. For each line that it reads it takes so often at once, from a
 * bucket of that name, and prints how often it was allowed. Before each it works, as for a token, and reads nothing.
 */

import { pbkdf2Sync } from 'node:crypto'
import { createInterface } from 'node:readline'
import { Redis } from 'ioredis'
import { createRedisLimits } from '../../src/limits/redis.ts'

const [path = '', requests, times, clockAhead] = process.argv.slice(2)
const client = new Redis({ path })
const limits = createRedisLimits(client, { elapsed: () => performance.now() + Number(clockAhead) })
const limit = { name: 'payments', requests: Number(requests), windowSeconds: 3600 }

for await (const bucket of createInterface({ input: process.stdin })) {
  const answers = Array.from({ length: Number(times) }, () => {
    pbkdf2Sync('token', 'salt', 1_000, 32, 'sha256')
    return limits.take(bucket, limit)
  })
  const allowed = (await Promise.all(answers)).filter(({ isAllowed }) => isAllowed)
  console.log(allowed.length)
}
client.disconnect()
