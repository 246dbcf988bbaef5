/** A verifier in another language: a process that answers each line of its standard input with one. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { RunningVerifier, Verdicts } from './caching-verifier.ts'

export const scriptFile = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

export function startProgram(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): RunningVerifier {
  const child = spawn(program, args, {
    // Without the proxies of the machine: the server is here.
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.on('error', () => {})
  const closed = once(child, 'close')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async verify(now, tokens) {
      child.stdin.write(`${JSON.stringify({ now, tokens })}\n`)
      const { value, done } = await lines.next()
      if (done) throw new Error(`${program} ended before it answered`)
      return JSON.parse(value) as Verdicts
    },
    async stop() {
      child.stdin.end()
      await closed
    },
  }
}
