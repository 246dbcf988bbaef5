/** SIGTERM and SIGINT end the server gracefully; a second one ends it at once. */

import type { Log } from '../http/log.ts'
import type { Server } from '../main.ts'

export function closeOnSignal(server: Server, log: Log, onClosed: () => void = () => {}): void {
  let isClosing = false
  const close = (signal: NodeJS.Signals) => {
    if (isClosing) process.exit(1)
    isClosing = true
    log.info('draining', { reason: signal })
    server.close().then(
      (result) => {
        log.info('stopped', { reason: result })
        log.flush()
        onClosed()
        process.exit(0)
      },
      (error: unknown) => {
        log.failure('', error)
        log.flush()
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', close)
  process.on('SIGINT', close)
}
