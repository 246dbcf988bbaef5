/** `sallyport dev` started once on an empty folder and stopped again: tests of a file start from copies of what that left. */

import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext } from 'node:test'
import type { DemoFile } from '../../src/dev/demo-file.ts'
import { temporaryFolder } from '../store/each-store.ts'
import { freePorts, type Outcome, type Running, type RunOptions, start, startFor } from './processes.ts'

export interface FirstStart {
  readonly data: string
  readonly port: number
  /** What it had said when it was ready. */
  readonly stdout: string
  readonly outcome: Outcome
  /** A copy of its folder, which goes with the test. */
  copyFor(t: TestContext): string
}

/** One for all tests of a file; what it gives is there once they run. */
export function useFirstStart(): () => FirstStart {
  const root = mkdtempSync(join(tmpdir(), 'sallyport-dev-'))
  const data = join(root, 'data')
  const made: { first?: FirstStart } = {}
  before(async () => {
    const [port = 0] = await freePorts(1)
    const running = start(devArguments(data, port))
    const stdout = await running.says(ready(port))
    const outcome = await running.stop()
    const copyFor = (t: TestContext) => {
      const folder = join(temporaryFolder(t), 'data')
      cpSync(data, folder, { recursive: true })
      return folder
    }
    made.first = { data, port, stdout, outcome, copyFor }
  })
  after(() => rmSync(root, { recursive: true }))
  return () => {
    assert.ok(made.first)
    return made.first
  }
}

/** Without the example APIs, each of which is a process: dev-apis.test.ts has them. */
const devArguments = (folder: string, port: number, httpPort = 0) => [
  ...['dev', '--port', `${port}`, '--http-port', `${httpPort}`, '--api-port', '0', '--data', folder],
]

export const startIn = (
  t: TestContext,
  folder: string,
  { port, httpPort, ...options }: RunOptions & { readonly port: number; readonly httpPort?: number },
): Running => startFor(t, devArguments(folder, port, httpPort), options)

export const ready = (port: number): RegExp =>
  new RegExp(`^Sallyport is ready: https://localhost:${port}$`, 'm')

export const readDemo = (folder: string): DemoFile =>
  JSON.parse(readFileSync(join(folder, 'demo.json'), 'utf8'))

export const modeOf = (file: string): string => (statSync(file).mode & 0o777).toString(8)
