/** Runs one row of the table and says which of its goals are met. */
import type { LoadProcess } from './load-process.ts'
import { hasCoreForLoad } from './pinned.ts'
import { type Entrant, type Measured, type Pace, runRounds } from './rounds.ts'
import type { Entry, FiguresRow, Goal, Row, Scene, StartRow, Steps, ThroughputRow, Verdict } from './row.ts'
import { median, type Ratio, ratio } from './statistics.ts'

export interface RowResult {
  readonly name: string
  readonly title: string
  readonly measured: readonly Measured[]
  readonly verdicts: readonly Verdict[]
}

export interface Run {
  readonly scene: Scene
  readonly load: LoadProcess
  readonly pace: Pace
  readonly nodeMajor: number
}

export function runRow(row: Row, run: Run): Promise<RowResult> {
  switch (row.kind) {
    case 'start':
      return runStarts(row, run)
    case 'figures':
      return runFigures(row, run)
    case 'throughput':
      return runThroughput(row, run)
  }
}

async function runFigures(row: FiguresRow, { scene, pace }: Run): Promise<RowResult> {
  const { name, title } = row
  return { name, title, measured: [], verdicts: await row.measure(scene, pace) }
}

async function runStarts(row: StartRow, { scene, pace }: Run): Promise<RowResult> {
  const { name, title } = row
  const seconds: number[] = []
  for (let round = 0; round < pace.rounds; round += 1) seconds.push(await row.measure(scene))
  const found = median(seconds)
  const verdict: Verdict = {
    about: 'spawn to first 200',
    goal: `≤ ${row.atMostSeconds} s`,
    found: `${found.toFixed(2)} s (${Math.min(...seconds).toFixed(2)}–${Math.max(...seconds).toFixed(2)})`,
    met: found <= row.atMostSeconds,
  }
  return { name, title, measured: [], verdicts: [verdict] }
}

async function runThroughput(row: ThroughputRow, run: Run): Promise<RowResult> {
  const measured = await withEntrants(row.entries, run.scene, (entrants) =>
    runRounds(entrants, run.load, run.pace),
  )
  const verdicts = row.goals.flatMap((goal) => verdictOn(goal, measured, run.nodeMajor) ?? [])
  return { name: row.name, title: row.title, measured, verdicts }
}

/** Starts them one after another, because a start-up race among signing ways must have the core to itself. */
async function withEntrants<T>(
  entries: readonly Entry[],
  scene: Scene,
  use: (entrants: readonly Entrant[]) => Promise<T>,
): Promise<T> {
  const entrants: Entrant[] = []
  try {
    for (const entry of entries) {
      entrants.push({ name: entry.name, contestant: await entry.start(scene) })
    }
    return await use(entrants)
  } finally {
    await Promise.all(entrants.map(({ contestant }) => contestant.stop()))
  }
}

function verdictOn(goal: Goal, measured: readonly Measured[], nodeMajor: number): Verdict | undefined {
  if (goal.kind === 'gain') return gainVerdict(goal, measured)
  const of = measured.find(({ name }) => name === goal.of)
  if (!of) return undefined
  if (goal.kind === 'memory') {
    return {
      about: `${goal.of}: resident after the last round`,
      goal: `< ${goal.below} MB`,
      found: `${of.residentMegabytes.toFixed(0)} MB (peak ${of.peakMegabytes.toFixed(0)} MB)`,
      met: of.residentMegabytes < goal.below,
    }
  }
  const to = measured.find(({ name }) => name === goal.to)
  if (!to) return undefined
  const byTime = ratio(figures(of, 'perSecond'), figures(to, 'perSecond'))
  const byCpu = ratio(figures(of, 'perCpuSecond'), figures(to, 'perCpuSecond'))
  const shared = Math.min(coreShare(of), coreShare(to)) < undisturbedShare
  const least = goal.atLeast(nodeMajor)
  const told = `${ratioText(byTime)}, of medians ${byTime.ofMedians.toFixed(2)}; per CPU second ${ratioText(byCpu)}`
  return {
    about: `${goal.of} / ${goal.to}`,
    goal: `≥ ${least}`,
    found: shared ? `${told} (judged by that: others used the core)` : told,
    met: (shared ? byCpu : byTime).byRound >= least,
    ratio: byTime,
    ratioPerCpuSecond: byCpu,
  }
}

/** Two cores for the contestants and a third for the load, or the load stands in the way of those it measures. */
function gainVerdict(goal: Goal & { kind: 'gain' }, measured: readonly Measured[]): Verdict | undefined {
  const figure = hasCoreForLoad ? 'perSecond' : 'perCpuSecond'
  const ours = gainOf(goal.of, measured, figure)
  const theirs = gainOf(goal.beside, measured, figure)
  if (ours === undefined || theirs === undefined) return undefined
  const beside = ratio(ours, theirs)
  const times = (gains: readonly number[]) => `${median(gains).toFixed(2)} ×`
  const how = hasCoreForLoad
    ? 'by the wall'
    : 'by processor time: no core is left for the load, so waiting for one another does not show'
  return {
    about: `gain of two processes: ${goal.of.two} / ${goal.beside.two}`,
    goal: `≥ ${goal.atLeast}`,
    found: `${ratioText(beside)}: ${times(ours)} beside ${times(theirs)}, ${how}`,
    met: beside.byRound >= goal.atLeast,
    ratio: beside,
  }
}

/** Of each round. Two that never wait use two seconds of processor time in one. */
function gainOf(
  { one, two }: Steps,
  measured: readonly Measured[],
  figure: 'perSecond' | 'perCpuSecond',
): number[] | undefined {
  const [alone, together] = [one, two].map((name) => measured.find((line) => line.name === name))
  if (!alone || !together) return undefined
  const processes = figure === 'perCpuSecond' ? 2 : 1
  const before = figures(alone, figure)
  return figures(together, figure).map((now, round) => (processes * now) / (before[round] ?? Number.NaN))
}

// One core at full load gives its process nearly all of itself; less means that somebody else had the rest.
const undisturbedShare = 0.9

function coreShare({ perSecond, perCpuSecond }: Measured): number {
  return perSecond / perCpuSecond
}

export function ratioText({ byRound, min, max }: Ratio): string {
  return `${byRound.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`
}

function figures({ rounds }: Measured, figure: 'perSecond' | 'perCpuSecond'): number[] {
  return rounds.map((round) => round[figure])
}
