/** What the guard costs an API: each token verified, known tokens, a route of Fastify, and a flood of bad ones. */

import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startBaselineWith } from './contestant.ts'
import type { GuardedReady } from './contestants/fastify.ts'
import type { CallsJob } from './guarded/calls.ts'
import type { FloodResult } from './guarded/flood.ts'
import type { CallRates } from './guarded/slices.ts'
import { startChild, stopChild, untilExit } from './pinned.ts'
import type { Pace } from './rounds.ts'
import type { Entry, FiguresRow, Scene, ThroughputRow, Verdict } from './row.ts'
import { ratioText } from './run-row.ts'
import { median, ratio } from './statistics.ts'

const alone = 'crypto.verify alone'

interface CallGoal {
  readonly to: string
  readonly atLeast: number
}

export const guardRow: FiguresRow = {
  kind: 'figures',
  name: 'guard',
  title: 'The guard verifying tokens without a memory of them: calls in one process',
  async measure(scene, pace) {
    const verdicts: Verdict[] = []
    for (const algorithm of ['ES256', 'EdDSA', 'RS256']) {
      const rates = await ratesOf(scene, { ...jobOf(pace), algorithm, who: 'verifying' })
      const forgetting = await ratesOf(scene, { ...jobOf(pace), algorithm, who: 'forgetting' })
      verdicts.push(...verdictsOn(algorithm, rates, leastOf))
      verdicts.push(...forgetting.filter(({ name }) => name !== alone).map((one) => figure(algorithm, one)))
    }
    return verdicts
  },
}

/** Against the signature, and never slower than a library. */
const leastOf = (name: string): number => (name === alone ? 0.85 : 1)

export const guardCachedRow: FiguresRow = {
  kind: 'figures',
  name: 'guard-cached',
  title: 'The guard asked about tokens that it knows, ES256: calls in one process',
  async measure(scene, pace) {
    const rates = await ratesOf(scene, { ...jobOf(pace), algorithm: 'ES256', who: 'knowing' })
    return verdictsOn('ES256, known', rates, (name) => (name === alone ? 40 : 1))
  },
}

const isShort = ({ rounds, seconds }: Pace): boolean => rounds * seconds < 1

function jobOf(pace: Pace): Omit<CallsJob, 'algorithm' | 'who'> {
  const { rounds, seconds, settleSeconds } = pace
  const settle = Math.min(2, settleSeconds)
  return { tokens: isShort(pace) ? 100 : 2_000, pace: { rounds, seconds, settleSeconds: settle } }
}

const ratesOf = (scene: Scene, job: CallsJob): Promise<readonly CallRates[]> =>
  resultOf(scene, 'calls', [JSON.stringify(job)])

/** Runs a program of `guarded/` to its one message. */
async function resultOf<Result>(
  { ground }: Scene,
  program: string,
  more: readonly string[],
): Promise<Result> {
  const file = fileURLToPath(new URL(`./guarded/${program}.ts`, import.meta.url))
  const child = startChild({
    ...{ place: 'contestant', node: ground.node, arguments: ['--expose-gc', file, ...more], ipc: true },
  })
  const [result]: Result[] = await Promise.race([once(child.process, 'message'), untilExit(child)])
  await stopChild(child)
  if (result === undefined) throw new Error(`${program} said nothing`)
  return result
}

function verdictsOn(
  about: string,
  rates: readonly CallRates[],
  least: (name: string) => number,
): readonly Verdict[] {
  const guard = rates.find(({ name }) => name === 'guard')
  if (guard === undefined) throw new Error('no guard among the verifiers')
  const others = rates.filter((one) => one !== guard)
  const goals = others.map(({ name: to }): CallGoal => ({ to, atLeast: least(to) }))
  return [
    ...rates.map((one) => figure(about, one)),
    ...goals.map((goal) => verdict(about, guard, rates, goal)),
  ]
}

const figure = (about: string, { name, perSecond, perCpuSecond }: CallRates): Verdict => ({
  about: `${about}: ${name}`,
  goal: undefined,
  found: `${thousands(median(perCpuSecond))} per CPU second, ${thousands(median(perSecond))} by the wall`,
  met: true,
})

const thousands = (value: number): string => Math.round(value).toLocaleString('en-US')

/** By processor time: whoever else uses the core takes from the wall of all of them, and not from all alike. */
function verdict(about: string, guard: CallRates, rates: readonly CallRates[], goal: CallGoal): Verdict {
  const other = rates.find(({ name }) => name === goal.to) ?? guard
  const byCpu = ratio(guard.perCpuSecond, other.perCpuSecond)
  const byWall = ratio(guard.perSecond, other.perSecond)
  return {
    about: `${about}: guard / ${goal.to}`,
    goal: `≥ ${goal.atLeast}`,
    found: `per CPU second ${ratioText(byCpu)}; by the wall ${ratioText(byWall)}`,
    met: byCpu.byRound >= goal.atLeast,
    ratio: byWall,
    ratioPerCpuSecond: byCpu,
  }
}

const guarded = 'Fastify, guarded'
const unguarded = 'Fastify'
const repeatedTokens = 1_000

export const guardFastifyRow: ThroughputRow = {
  kind: 'throughput',
  name: 'guard-fastify',
  title: 'A route of Fastify with the guard and without, ES256 tokens that come again',
  entries: [fastifyEntry(unguarded, 'bare'), fastifyEntry(guarded, 'guarded')],
  goals: [{ kind: 'ratio', of: guarded, to: unguarded, atLeast: () => 0.8 }],
}

function fastifyEntry(name: string, mode: string): Entry {
  return {
    name,
    async start({ ground }) {
      const more = [mode, String(repeatedTokens)]
      const { contestant, ready } = await startBaselineWith<GuardedReady>(ground, 'fastify', more)
      const credentialsFile = join(ground.folder, `${mode}-tokens`)
      writeFileSync(credentialsFile, ready.tokens.join(''))
      const plan = {
        before: 'GET /orders HTTP/1.1\r\nHost: bench.example\r\nAuthorization: Bearer ',
        after: '\r\nAccept: application/json\r\nX-Forwarded-Proto: https\r\n\r\n',
        ...{ credentialsFile, credentialBytes: ready.tokens[0]?.length ?? 0 },
      }
      return { ...contestant, plan }
    },
  }
}

const mostMegabytes = 16

export const guardMemoryRow: FiguresRow = {
  kind: 'figures',
  name: 'guard-memory',
  title: 'What a million bad tokens leave in the memory of one guard, each of them another',
  async measure(scene, pace) {
    const count = isShort(pace) ? 2_000 : 1_000_000
    const flood = await resultOf<FloodResult>(scene, 'flood', [String(count)])
    const { heapMegabytesBefore: before, heapMegabytesAfter: after, refused } = flood
    const grown = after - before
    const reasons = Object.entries(refused).map(([reason, times]) => `${reason} ${thousands(times ?? 0)}`)
    return [
      {
        about: `${thousands(count)} bad tokens: live memory grown by`,
        goal: `≤ ${mostMegabytes} MB`,
        found: `${grown.toFixed(1)} MB (${before.toFixed(1)} to ${after.toFixed(1)}); ${reasons.join(', ')}`,
        met: grown <= mostMegabytes,
      },
    ]
  },
}
