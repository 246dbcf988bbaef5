/** One of several processes that answer on the same port; it ends when it is told to. Without a primary Node ends it. */

import cluster from 'node:cluster'
import type { Log } from '../http/log.ts'
import type { AttemptRelay } from '../limits/attempt-relay.ts'
import type { Server } from '../main.ts'
import { cutExitCode, type FromWorker, type ToWorker } from './worker-message.ts'

export interface Serving {
  readonly server: Server
  readonly port: number
}

const tell = (message: FromWorker) => process.send?.(message)

/** Through the process that was started: each message comes back to all workers, in one order. */
export const workerRelay = (processes: number): AttemptRelay => ({
  processes,
  send: (tallies) => tell({ type: 'attempts', tallies }),
  follow(listener) {
    process.on('message', (message: ToWorker) => {
      if (message.type === 'attempts') listener(message.tallies, message.from === cluster.worker?.id)
    })
  },
})

/**
 * Whoever is told to close before it is ready closes as soon as it is: the primary may have handed it connections from
 * the moment that it listens.
 */
export async function serveAsWorker(start: () => Promise<Serving>, log: Log): Promise<void> {
  const { promise: toldToClose, resolve: close } = Promise.withResolvers<void>()
  process.on('message', (message: ToWorker) => {
    if (message.type === 'close') close()
  })
  // A terminal or a supervisor may signal the whole group: the primary decides, and a second signal changes nothing.
  process.on('SIGTERM', () => close())
  process.on('SIGINT', () => {})
  const { server, port } = await start()
  process.on('message', async (message: ToWorker) => {
    if (message.type === 'metrics') tell({ ...message, snapshot: await server.metrics.snapshot() })
  })
  tell({ type: 'ready', port })
  void toldToClose.then(() => end(server, log))
}

async function end(server: Server, log: Log): Promise<void> {
  try {
    if ((await server.close()) === 'cut') process.exitCode = cutExitCode
  } catch (error) {
    log.failure('', error)
    process.exitCode = 1
  }
  await log.drained()
  process.exit()
}
