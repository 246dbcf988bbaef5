/** One of several processes that answer on the same port; it ends when it is told to. Without a primary Node ends it. */

import cluster from 'node:cluster'
import type { Log } from '../http/log.ts'
import type { AttemptRelay } from '../limits/attempt-relay.ts'
import type { Server } from '../main.ts'
import type { FromWorker, ToWorker } from './worker-message.ts'

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

export function serveAsWorker(server: Server, port: number, log: Log): void {
  let isClosing = false
  const close = () => {
    if (isClosing) return
    isClosing = true
    server.close().then(
      async () => {
        await log.drained()
        process.exit(0)
      },
      async (error: unknown) => {
        log.failure('', error)
        await log.drained()
        process.exit(1)
      },
    )
  }
  process.on('message', async (message: ToWorker) => {
    if (message.type === 'close') close()
    else if (message.type === 'metrics') tell({ ...message, snapshot: await server.metrics.snapshot() })
  })
  // A terminal or a supervisor may signal the whole group: the primary decides, and a second signal changes nothing.
  process.on('SIGTERM', close)
  process.on('SIGINT', () => {})
  tell({ type: 'ready', port })
}
