/** One of several processes that answer on the same port; it ends when it is told to. Without a primary Node ends it. */

import type { Log } from '../http/log.ts'
import type { Server } from '../main.ts'
import type { FromWorker, ToWorker } from './worker-message.ts'

export function serveAsWorker(server: Server, port: number, log: Log): void {
  const tell = (message: FromWorker) => process.send?.(message)
  let isClosing = false
  const close = () => {
    if (isClosing) return
    isClosing = true
    server.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.failure('', error)
        log.flush()
        process.exit(1)
      },
    )
  }
  process.on('message', async (message: ToWorker) => {
    if (message.type === 'close') close()
    else tell({ ...message, snapshot: await server.metrics.snapshot() })
  })
  // A terminal or a supervisor may signal the whole group: the primary decides, and a second signal changes nothing.
  process.on('SIGTERM', close)
  process.on('SIGINT', () => {})
  tell({ type: 'ready', port })
}
