/** A row's verdicts on goals so wide apart that no machine can turn them round. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startBaseline } from '../src/contestant.ts'
import { startLoadProcess } from '../src/load-process.ts'
import { rowReport } from '../src/report.ts'
import { createScene, type Goal, type Scene, type ThroughputRow } from '../src/row.ts'
import { runRow } from '../src/run-row.ts'

const names = ['first', 'second'] as const

function entry(name: string) {
  return { name, start: ({ ground }: Scene) => startBaseline(ground, 'constant') }
}

function ratioGoal(atLeast: number): Goal {
  return { kind: 'ratio', of: 'first', to: 'second', atLeast: () => atLeast }
}

const twins = { one: 'first', two: 'second' } as const

const gainGoal = (atLeast: number): Goal => ({ kind: 'gain', of: twins, beside: twins, atLeast })

test('product, numbers to reach: a met goal passes, a missed one is marked, and both are printed', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-row-'))
  const load = startLoadProcess()
  t.after(async () => {
    await load.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  const row: ThroughputRow = {
    kind: 'throughput',
    name: 'twins',
    title: 'the same server twice',
    entries: names.map(entry),
    goals: [
      ratioGoal(0.0001),
      ratioGoal(10_000),
      { kind: 'memory', of: 'first', below: 1_000_000 },
      gainGoal(0.0001),
      gainGoal(10_000),
    ],
  }
  const pace = { rounds: 2, seconds: 0.1, warmupSeconds: 0.05, settleSeconds: 0.05, connections: 4 }
  const scene = createScene({ node: process.execPath, folder, dataFolder: folder }, 10)
  const result = await runRow(row, { scene, load, pace, nodeMajor: 26 })
  const isLinux = process.platform === 'linux'
  const met = result.verdicts.map((verdict) => verdict.met)
  // Memory and processor time are read from Linux; elsewhere it is unknown, and what is unknown is not met.
  assert.deepEqual(met, [true, false, isLinux, isLinux, false])
  const report = rowReport(result)
  assert.match(report, /^twins: the same server twice\n/)
  assert.match(report, /pass {2}first \/ second: .*goal ≥ 0\.0001/)
  assert.match(report, /MISS {2}first \/ second: .*goal ≥ 10000/)
  assert.match(report, /pass {2}gain of two processes: second \/ second: 1\.00 \(1\.00–1\.00\)/)
})
