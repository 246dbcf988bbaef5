/** An API in a process of its own: started, heard of, and ended with us. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface ApiProcess {
  /** Whether it listens; false once it has ended instead, which has been told by then. */
  readonly isReady: Promise<boolean>
  /** Resolves when it has ended. */
  stop(): Promise<void>
}

export interface ApiProcessOptions {
  readonly name: string
  readonly file: string
  readonly environment: Readonly<Record<string, string>>
  readonly say: (line: string) => void
}

const preload = new URL('./end-with-parent.ts', import.meta.url).href
// It has nothing to save, and nobody waits longer for it than for the server.
const patienceMilliseconds = 5_000

export function startApiProcess({ name, file, environment, say }: ApiProcessOptions): ApiProcess {
  const child = spawn(process.execPath, ['--import', preload, file], {
    env: { ...ownEnvironment(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const errors: string[] = []
  let isListening = false
  let isStopping = false
  const ended = endOf(child).then((how) => {
    if (isStopping) return
    const why = isListening ? `has ended (${how})` : `did not start (${how}): ${causeIn(errors)}`
    say(`The example API ${name} ${why}. The server goes on without it.`)
  })
  eachLine(child, 'stderr', (line) => {
    if (isListening) say(`${name}: ${line}`)
    else errors.push(line)
  })
  const listening = new Promise<boolean>((resolve) => {
    eachLine(child, 'stdout', (line) => {
      if (isListening) say(`${name}: ${line}`)
      isListening = true
      resolve(true)
    })
  })
  return {
    isReady: Promise.race([listening, ended.then(() => false)]),
    async stop() {
      isStopping = true
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), patienceMilliseconds)
      await ended
      clearTimeout(timer)
    },
  }
}

/** What is meant for the server alone, its master key above all, is not handed on. */
const ownEnvironment = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SALLYPORT_')))

function eachLine(child: ChildProcess, name: 'stdout' | 'stderr', hear: (line: string) => void): void {
  const input = child[name]
  if (input !== null) createInterface({ input }).on('line', hear)
}

/** A process that cannot be made at all is told as an error, and not as an end. */
const endOf = (child: ChildProcess): Promise<string> =>
  once(child, 'close').then(
    ([code, signal]) => (signal === null ? `exit code ${code}` : `${signal}`),
    (error: Error) => error.message,
  )

/** Of a stack trace the sentence. */
function causeIn(errors: readonly string[]): string {
  const sentence = errors.map((line) => /^(?:Uncaught )?\w*Error(?: \[\w+\])?: (.+?)\.?$/.exec(line)?.[1])
  return (
    sentence.find((found) => found !== undefined) ??
    errors.findLast((line) => line !== '') ??
    'it said nothing'
  )
}
