/** `npm run bench`: measures the server beside its baselines in interleaved rounds on pinned cores and prints ratios and medians. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startLoadProcess } from './load-process.ts'
import { type Options, parseOptions, usage } from './options.ts'
import { notPinned } from './pinned.ts'
import { rowReport } from './report.ts'
import { createScene } from './row.ts'
import { type RowResult, runRow } from './run-row.ts'

// Ending by `exit` ends the processes under measurement too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
process.exitCode = await main(process.argv.slice(2))

async function main(argv: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(argv)
    if (options.help) return say(usage)
    const results = await runRows(options)
    const missed = results.flatMap(({ verdicts }) => verdicts).some(({ met }) => !met)
    return options.check && missed ? 1 : 0
  } catch (error) {
    for (let cause = error; cause instanceof Error; cause = cause.cause) console.error(cause.message)
    return 1
  }
}

async function runRows(options: Options): Promise<readonly RowResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const load = startLoadProcess()
  const version = versionOf(options.node)
  const dataFolder = options.keep === undefined ? folder : resolve(options.keep)
  const scene = createScene({ node: options.node, folder, dataFolder }, options.manyApps)
  const results: RowResult[] = []
  if (!options.json) say(heading(version, options))
  try {
    for (const row of options.rows) {
      const nodeMajor = Number.parseInt(version.slice(1), 10)
      const result = await runRow(row, { scene, load, pace: options.pace, nodeMajor })
      results.push(result)
      if (!options.json) say(`\n${rowReport(result)}`)
    }
  } finally {
    await load.stop()
  }
  if (options.json)
    say(JSON.stringify({ node: version, pinned: notPinned === undefined, rows: results }, null, 2))
  return results
}

function heading(version: string, { pace }: Options): string {
  const { rounds, seconds, connections } = pace
  const placed = notPinned ?? 'contestants pinned to one core, the load to another'
  return [
    `Contestants on Node ${version}; ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}; ${placed}.`,
    `${rounds} interleaved rounds of ${seconds} s, ${connections} keep-alive connections, plain loopback; medians.`,
  ].join('\n')
}

function versionOf(node: string): string {
  const { stdout, error } = spawnSync(node, ['--version'], { encoding: 'utf8' })
  if (error) throw new Error(`${node} does not run: ${error.message}`)
  return stdout.trim()
}

function say(text: string): number {
  process.stdout.write(`${text}\n`)
  return 0
}
