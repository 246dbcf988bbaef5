/** SIGTERM and SIGINT end the server gracefully; a second one ends it at once. */

import type { Log } from '../http/log.ts'
import type { Server } from '../main.ts'

export interface ClosingWords {
  readonly onClosing?: () => void
  readonly onClosed?: () => void
}

// npm hands a signal on to a process that has it already, where the whole group was sent it.
const echoMilliseconds = 500

/** The shell's word for a process that a signal has ended. */
const codeAfter = { SIGINT: 130, SIGTERM: 143 } as const

export interface EndSignals {
  readonly onFirst: (signal: NodeJS.Signals) => void
  /** Just before the process ends itself. */
  readonly onSecond?: () => void
}

export function followEndSignals({ onFirst, onSecond }: EndSignals): void {
  let isEnding = false
  let mayRepeat = false
  const follow = (signal: 'SIGTERM' | 'SIGINT') => {
    if (mayRepeat) {
      onSecond?.()
      process.exit(codeAfter[signal])
    }
    if (isEnding) return
    isEnding = true
    setTimeout(() => {
      mayRepeat = true
    }, echoMilliseconds).unref()
    onFirst(signal)
  }
  process.on('SIGTERM', follow)
  process.on('SIGINT', follow)
}

export function closeOnSignal(
  server: Pick<Server, 'close'>,
  log: Log,
  { onClosing, onClosed }: ClosingWords = {},
): void {
  const onFirst = (signal: NodeJS.Signals) => {
    log.info('draining', { reason: signal })
    onClosing?.()
    server.close().then(
      async (result) => {
        log.info('stopped', { reason: result })
        await log.drained()
        onClosed?.()
        process.exit(0)
      },
      async (error: unknown) => {
        log.failure('', error)
        await log.drained()
        process.exit(1)
      },
    )
  }
  followEndSignals({ onFirst })
}
