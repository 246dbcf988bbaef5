/** How late a revocation is known elsewhere: at another process, at another node, and at a thousand followers. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type StoppablePostgres, startPostgres } from '../../packages/server/test/postgres.ts'
import type { DrawnContestant, Ground } from './contestant.ts'
import { createFollower, type Follower } from './follower.ts'
import { type PreparedData, prepareAt } from './prepared-data.ts'
import { cpuSecondsOf } from './process-figures.ts'
import type { Pace } from './rounds.ts'
import type { FiguresRow, Scene, Verdict } from './row.ts'
import { startSallyport } from './sallyport.ts'
import { createHistogram, type Histogram } from './statistics.ts'
import { firstCredential, tokenAsker } from './token-pools.ts'

export const feedRow: FiguresRow = {
  kind: 'figures',
  name: 'feed',
  title: 'From the 200 of a revocation until it is known elsewhere',
  async measure(scene, pace) {
    return [...(await onOneMachine(scene, pace)), ...(await onTwoNodes(scene, pace))]
  },
}

// 200 in a run of the default pace.
const revocationsPerSecond = 20
const timesOf = ({ rounds, seconds }: Pace): number => Math.ceil(rounds * seconds * revocationsPerSecond)
const followersOf = (pace: Pace): number => (timesOf(pace) < 100 ? 50 : 1_000)

async function onOneMachine({ ground, dataWith }: Scene, pace: Pace): Promise<readonly Verdict[]> {
  const data = await dataWith('few')
  return withTwo({ ground, data }, async (pair) => [
    ...(await lateness(pair, timesOf(pace), { where: 'another process, SQLite', atMostMilliseconds: 50 })),
    await costOfFollowers(pair, followersOf(pace), Math.min(50, timesOf(pace))),
  ])
}

async function onTwoNodes({ ground }: Scene, pace: Pace): Promise<readonly Verdict[]> {
  const where = 'another node, PostgreSQL'
  const postgres = await startPostgres().catch((error: Error) => error)
  if (postgres instanceof Error)
    return [{ about: where, goal: undefined, found: `not measured: ${postgres.message}`, met: true }]
  try {
    const { data, databaseUrl } = await preparedPostgres(postgres, ground)
    return await withTwo({ ground, data, databaseUrl }, (pair) =>
      lateness(pair, timesOf(pace), { where, atMostMilliseconds: 1_000 }),
    )
  } finally {
    await postgres.close()
  }
}

async function preparedPostgres(postgres: StoppablePostgres, { folder: parent }: Ground) {
  const { url: databaseUrl } = await postgres.createDatabase()
  const folder = join(parent, 'postgres')
  mkdirSync(folder, { mode: 0o700 })
  return { databaseUrl, data: await prepareAt(folder, 10, databaseUrl) }
}

interface Pair {
  readonly one: DrawnContestant
  readonly other: DrawnContestant
  readonly data: PreparedData
}

interface Nodes {
  readonly ground: Ground
  readonly data: PreparedData
  readonly databaseUrl?: string
}

async function withTwo<T>(nodes: Nodes, use: (pair: Pair) => Promise<T>): Promise<T> {
  const start = { ...nodes, tenant: 'es256', successLog: true } as const
  const one = await startSallyport(start)
  try {
    const other = await startSallyport(start)
    try {
      return await use({ one, other, data: nodes.data })
    } finally {
      await other.stop()
    }
  } finally {
    await one.stop()
  }
}

interface Goal {
  readonly where: string
  readonly atMostMilliseconds: number
}

/** Revokes at one and watches the other: what it answers to an API that asks, and what it tells one that follows. */
async function lateness(pair: Pair, times: number, goal: Goal): Promise<readonly Verdict[]> {
  const { one, other, data } = pair
  const follower = await createFollower(other.port, data.resourceServer)
  const [inactive, told] = [createHistogram(), createHistogram()]
  const nextToken = tokenAsker(one)
  for (let time = 0; time < times; time += 1) {
    const token = await nextToken()
    // The other node has seen it, as an API's tokens are seen.
    if (!(await isActive(pair, token))) throw new Error('the other node does not know a token of the first')
    const event = follower.toldOf(jtiOf(token))
    await revoke(pair, token)
    const startedAt = performance.now()
    const [, toldAt] = await Promise.all([untilInactive(pair, token), event])
    inactive.add(performance.now() - startedAt)
    told.add(Math.max(0, toldAt - startedAt))
  }
  follower.close()
  return [
    verdict(`${goal.where}: introspection says inactive`, inactive, goal),
    verdict(`${goal.where}: a follower is told`, told, goal),
  ]
}

function verdict(about: string, times: Histogram, { atMostMilliseconds }: Goal): Verdict {
  const p99 = times.percentile(0.99)
  return {
    about,
    goal: `≤ ${atMostMilliseconds} ms (p99)`,
    found: `p50 ${times.percentile(0.5).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, of ${times.count()}`,
    met: p99 <= atMostMilliseconds,
  }
}

const atOnce = 50

async function costOfFollowers(pair: Pair, count: number, times: number): Promise<Verdict> {
  const { one, other, data } = pair
  const followers: Follower[] = []
  while (followers.length < count) {
    const next = Array.from({ length: Math.min(atOnce, count - followers.length) }, () =>
      createFollower(other.port, data.resourceServer),
    )
    followers.push(...(await Promise.all(next)))
  }
  const last = createHistogram()
  const nextToken = tokenAsker(one)
  const before = cpuSecondsOf(other.pid)
  for (let time = 0; time < times; time += 1) {
    const token = await nextToken()
    const events = followers.map((follower) => follower.toldOf(jtiOf(token)))
    await revoke(pair, token)
    const startedAt = performance.now()
    last.add(Math.max(0, Math.max(...(await Promise.all(events))) - startedAt))
  }
  const milliseconds = ((cpuSecondsOf(other.pid) - before) * 1000) / times
  for (const follower of followers) follower.close()
  const latest = `the last is told after ${last.percentile(0.5).toFixed(1)} ms (p50), ${last.percentile(0.99).toFixed(1)} ms (p99)`
  return {
    about: `one revocation told to ${count.toLocaleString('en-US')} followers of another process`,
    goal: undefined,
    found: `${milliseconds.toFixed(1)} ms of its processor time; ${latest}`,
    met: true,
  }
}

const jtiOf = (token: string): string =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).jti

async function post(port: number, path: string, credential: string, token: string): Promise<string> {
  const headers = {
    Authorization: `Basic ${credential}`,
    'Content-Type': 'application/x-www-form-urlencoded',
    'X-Forwarded-Proto': 'https',
  }
  const url = `http://127.0.0.1:${port}/es256/oauth2/${path}`
  const response = await fetch(url, { method: 'POST', headers, body: `token=${token}` })
  const text = await response.text()
  if (response.status !== 200) throw new Error(`${path} was answered ${response.status}: ${text}`)
  return text
}

const revoke = ({ one }: Pair, token: string): Promise<string> =>
  post(one.port, 'revoke', firstCredential(one.plan), token)

const isActive = async ({ other, data }: Pair, token: string): Promise<boolean> =>
  JSON.parse(await post(other.port, 'introspect', data.resourceServer, token)).active

async function untilInactive(pair: Pair, token: string): Promise<void> {
  while (await isActive(pair, token)) {}
}
