/** Somebody who makes apps and secrets beside the server, as commands do, in a process of their own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Managed } from './journal.ts'
import type { Site } from './nodes.ts'

const program = fileURLToPath(new URL('./operator.ts', import.meta.url))

export interface Operator {
  /** The first thing is done, or the process has ended. */
  readonly isWriting: Promise<unknown>
  kill(): Promise<unknown>
}

/** `note` is told of each thing that is done. */
export function startOperator({ location }: Site, note: (done: Managed) => void): Operator {
  const child = spawn(process.execPath, [program, JSON.stringify(location)], {
    // What it says when PostgreSQL crashes under it is no news.
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const ended = once(child, 'close')
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => note(JSON.parse(line) as Managed))
  return {
    isWriting: Promise.race([once(lines, 'line'), ended]),
    kill() {
      child.kill('SIGKILL')
      return ended
    },
  }
}
