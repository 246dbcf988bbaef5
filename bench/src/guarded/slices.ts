/** Verifiers called in one process, in slices of some milliseconds that go A B C A B C: what the machine does meanwhile hits all alike. */

import type { Verifier } from './verifiers.ts'

export interface CallPace {
  readonly rounds: number
  /** Of each verifier in each round. */
  readonly seconds: number
  readonly settleSeconds: number
}

/** Calls a second in each round, by the wall and by processor time. */
export interface CallRates {
  readonly name: string
  readonly perSecond: readonly number[]
  readonly perCpuSecond: readonly number[]
}

interface Tally {
  readonly verifier: Verifier
  /** Draws the pool in turn, and goes on where the last slice has stopped. */
  readonly draw: () => Draw
  calls: number
  seconds: number
  cpuSeconds: number
}

interface Draw {
  readonly index: number
  readonly authorization: string
}

const sliceSeconds = 0.03
/** Enough that reading the clocks costs nothing beside them. */
const callsBetweenClocks = 512
/** Of those that promise. */
const callsAtOnce = 64

export async function measureCalls(
  verifiers: readonly Verifier[],
  tokens: readonly string[],
  pace: CallPace,
): Promise<readonly CallRates[]> {
  const tallies = verifiers.map(
    (verifier): Tally => ({ verifier, draw: drawer(tokens), calls: 0, seconds: 0, cpuSeconds: 0 }),
  )
  const rates = tallies.map(({ verifier: { name } }) => ({
    ...{ name, perSecond: [] as number[], perCpuSecond: [] as number[] },
  }))
  await runTurns(tallies, pace.settleSeconds)
  for (let round = 0; round < pace.rounds; round += 1) {
    await runTurns(tallies, pace.seconds)
    for (const [place, { calls, seconds, cpuSeconds }] of tallies.entries()) {
      rates[place]?.perSecond.push(calls / seconds)
      rates[place]?.perCpuSecond.push(calls / cpuSeconds)
    }
  }
  return rates
}

/** Slices until each has had its time. */
async function runTurns(tallies: readonly Tally[], seconds: number): Promise<void> {
  for (const tally of tallies) Object.assign(tally, { calls: 0, seconds: 0, cpuSeconds: 0 })
  while (tallies.some((tally) => tally.seconds < seconds))
    for (const tally of tallies) await runSlice(tally, tally.seconds + Math.min(sliceSeconds, seconds))
}

async function runSlice(tally: Tally, until: number): Promise<void> {
  while (tally.seconds < until) {
    const draws = Array.from({ length: callsBetweenClocks }, tally.draw)
    const cpuBefore = process.cpuUsage()
    const startedAt = performance.now()
    for (let start = 0; start < draws.length; start += callsAtOnce)
      await callEach(tally.verifier, draws.slice(start, start + callsAtOnce))
    tally.seconds += (performance.now() - startedAt) / 1000
    const { user, system } = process.cpuUsage(cpuBefore)
    tally.cpuSeconds += (user + system) / 1e6
    tally.calls += draws.length
  }
}

/** Those that answer at once are not made to wait; those that promise have all of them under way together. */
async function callEach({ name, verify }: Verifier, draws: readonly Draw[]): Promise<void> {
  const promised: Promise<boolean>[] = []
  let accepted = 0
  for (const { authorization, index } of draws) {
    const answer = verify(authorization, index)
    if (answer instanceof Promise) promised.push(answer)
    else accepted += Number(answer)
  }
  if (promised.length > 0) accepted += (await Promise.all(promised)).filter(Boolean).length
  if (accepted !== draws.length) throw new Error(`${name} has refused a good token`)
}

/** A text of its own each time, as a header is: nothing has hashed it yet. */
function drawer(tokens: readonly string[]): () => Draw {
  const bytes = tokens.map((token) => Buffer.from(`Bearer ${token}`, 'latin1'))
  let turn = 0
  return () => {
    const index = turn
    turn = (turn + 1) % bytes.length
    return { index, authorization: bytes[index]?.toString('latin1') ?? '' }
  }
}
