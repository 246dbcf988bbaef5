/** Interleaved rounds: A B C A B C …, one contestant under load at a time, so that what the machine does meanwhile hits all alike. */
import type { Contestant } from './contestant.ts'
import type { LoadProcess } from './load-process.ts'
import type { LoadResult } from './load-protocol.ts'
import { type Memory, memoryOf } from './process-figures.ts'
import { median } from './statistics.ts'

export interface Pace {
  readonly rounds: number
  readonly seconds: number
  readonly warmupSeconds: number
  /** Load on each contestant before the first round, at least: a large code base takes seconds to be compiled on one core. */
  readonly settleSeconds: number
  readonly connections: number
}

const stallSeconds = 10
/** A program is compiled by how often it has run: who is slower settles longer, up to `settleTurns` times as long. */
const settledReplies = 60_000
const settleTurns = 3

export interface Measured extends Memory {
  readonly name: string
  readonly detail?: string
  readonly perSecond: number
  readonly perCpuSecond: number
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly loadBusy: number
  readonly rounds: readonly LoadResult[]
}

export interface Entrant {
  readonly name: string
  readonly contestant: Contestant
}

export async function runRounds(
  entrants: readonly Entrant[],
  load: LoadProcess,
  pace: Pace,
): Promise<readonly Measured[]> {
  const results = new Map<string, LoadResult[]>(entrants.map(({ name }) => [name, []]))
  for (const entrant of entrants) await settle(entrant, load, { ...pace, seconds: pace.settleSeconds })
  for (let round = 0; round < pace.rounds; round += 1) {
    for (const entrant of entrants) {
      results.get(entrant.name)?.push(await runOne(entrant, load, pace))
    }
  }
  return entrants.map((entrant) => summary(entrant, results.get(entrant.name) ?? []))
}

async function settle(entrant: Entrant, load: LoadProcess, pace: Pace): Promise<void> {
  let replies = 0
  for (let turn = 0; turn < settleTurns && replies < settledReplies; turn += 1) {
    const { perSecond } = await runOne(entrant, load, pace)
    replies += perSecond * pace.seconds
  }
}

async function runOne({ name, contestant }: Entrant, load: LoadProcess, pace: Pace): Promise<LoadResult> {
  const { pid, port, hasTls, plan } = contestant
  const { connections, warmupSeconds, seconds } = pace
  try {
    return await load.run({ pid, port, hasTls, plan, connections, warmupSeconds, seconds, stallSeconds })
  } catch (error) {
    throw new Error(`${name} failed under load; its last words:\n${contestant.complaint()}`, { cause: error })
  }
}

function summary({ name, contestant }: Entrant, rounds: readonly LoadResult[]): Measured {
  const middle = (figure: (round: LoadResult) => number) => median(rounds.map(figure))
  return {
    name,
    ...(contestant.detail === undefined ? {} : { detail: contestant.detail }),
    perSecond: middle((round) => round.perSecond),
    perCpuSecond: middle((round) => round.perCpuSecond),
    p50: middle((round) => round.p50),
    p99: middle((round) => round.p99),
    max: Math.max(...rounds.map((round) => round.max)),
    loadBusy: middle((round) => round.loadBusy),
    ...memoryOf(contestant.pid),
    rounds,
  }
}
