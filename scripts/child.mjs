// A child process run to its end, with our signals passed on to it exactly once.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { isatty } from 'node:tty'

const passedSignals = ['SIGINT', 'SIGTERM', 'SIGHUP']
const parent = process.ppid

/**
 * Runs a child to its end and hands it our signals, or `killedBy` in place of them; `code` follows the shell: 128 + n
 * after signal n.
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, options)
    const passing = passSignals(child, options.killedBy)
    child.on('error', (error) => {
      passing.end()
      reject(error)
    })
    child.on('close', (code, signal) => {
      passing.end()
      const ended = signal ? 128 + constants.signals[signal] : code
      resolve({ code: ended, interrupted: passing.interrupted() })
    })
    options.onStart?.(child)
  })
}

function passSignals(child, killedBy) {
  const passedAt = new Map()
  const pass = (signal) => {
    const repeated = Date.now() - (passedAt.get(signal) ?? 0) < 1000
    if (!repeated) passedAt.set(signal, Date.now())
    // A terminal sends to the whole process group, and npm sends on what it gets itself. The child must not take either
    // for a second, impatient Ctrl-C.
    const sentByTerminal = !killedBy && signal !== 'SIGTERM' && isatty(0)
    if (!repeated && !sentByTerminal) child.kill(killedBy ?? signal)
  }
  for (const signal of passedSignals) process.on(signal, pass)
  const watch = watchParent(() => pass('SIGTERM'))
  return {
    /** The exit code of a process that such a signal ended. */
    interrupted: () => {
      const [signal] = passedAt.keys()
      return signal && 128 + constants.signals[signal]
    },
    end: () => {
      clearInterval(watch)
      for (const signal of passedSignals) process.off(signal, pass)
    },
  }
}

/** npm hands a SIGTERM to the shell between it and us, and many a shell dies of it without a word to its child. */
function watchParent(onGone) {
  if (!process.env.npm_lifecycle_event) return undefined
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    onGone()
  }, 200)
  return watch.unref()
}
