/** Three workers whose server is none; they end as the arguments say: `ending-workers.ts clean cut failed`. */

import cluster from 'node:cluster'
import { serveAsWorker } from '../../src/cli/worker.ts'
import { runWorkers } from '../../src/cli/workers.ts'
import type { Log } from '../../src/http/log.ts'
import type { Server } from '../../src/main.ts'

const end = process.argv[1 + (cluster.worker?.id ?? 0)]

const say = (...words: unknown[]) => {
  if (cluster.isPrimary) process.stdout.write(`${JSON.stringify(words)}\n`)
}
const log = { info: say, error: say, failure: say, drained: async () => {} } as unknown as Log

async function close(): ReturnType<Server['close']> {
  if (end === 'clean' || end === 'cut') return end
  throw new Error('the server does not end')
}

if (cluster.isPrimary) {
  await runWorkers({ count: 3, log, metrics: null })
  say('ready')
} else {
  await serveAsWorker(async () => ({ server: { close } as Server, port: 0 }), log)
}
