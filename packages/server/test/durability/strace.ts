/** Watching the system calls of a running server, and making its disk fail, by `strace`. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** Why not, or false: the form that `node:test` takes. */
export const noStrace: string | false =
  spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0
    ? false
    : 'strace is not installed, or may not trace here'

export interface Trace {
  /** The calls so far in the order in which they ended, each with its result. */
  readonly lines: readonly string[]
  /** Resolves when a call matches that has not been awaited yet. */
  sees(pattern: RegExp): Promise<void>
  end(): Promise<void>
}

/** Attaches to the process and all its threads; resolves when it has. */
export async function trace(pid: number, options: readonly string[]): Promise<Trace> {
  const child = spawn('strace', ['-f', '-y', '-s', '40', ...options, '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const lines: string[] = []
  const begun = new Map<string, string>()
  const waiting = new Set<() => void>()
  const attached = Promise.withResolvers<void>()
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (/ attached/.test(line)) attached.resolve()
    lines.push(...wholeCall(line, begun))
    for (const look of [...waiting]) look()
  })
  child.once('exit', (code) => attached.reject(new Error(`strace ended with ${code}: ${lines.join('\n')}`)))
  await attached.promise
  let seen = 0
  return {
    lines,
    sees: (pattern) =>
      new Promise((resolve) => {
        const look = () => {
          const found = lines.findIndex((line, index) => index >= seen && pattern.test(line))
          if (found < 0) return
          seen = found + 1
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
    end: () => detach(child),
  }
}

/** Of a call that others have interrupted the two halves are joined, where it ends. */
function wholeCall(line: string, begun: Map<string, string>): string[] {
  const [, thread = '', text = line] = /^\[pid +(\d+)\] (.*)$/.exec(line) ?? []
  const unfinished = /^(.*) <unfinished \.\.\.>$/.exec(text)
  if (unfinished) {
    begun.set(thread, unfinished[1] ?? '')
    return []
  }
  const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(text)
  return [resumed ? `${begun.get(thread) ?? ''}${resumed[1]}` : text]
}

async function detach(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  // It lets go of whom it watches and ends.
  child.kill('SIGINT')
  await ended
}
