/**
 * trust.md part 1, row 12 and R20: whether time tells an unknown client from a wrong secret. Run by hand:
 * `node packages/server/test/long/timing.ts [requests of each kind]`. In process, so that no network hides a difference;
 * the kinds take turns in changing order, each request from a network of its own. Prints medians and differences.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqlite } from '../../src/store/sqlite.ts'
import { createClock, createTestServer } from '../harness.ts'
import { grant } from '../oauth/answers.ts'
import { app, blueprint, tenant } from '../oauth/sample.ts'

const requestsOfEachKind = Number(process.argv[2] ?? 10_000)
const folder = mkdtempSync(join(tmpdir(), 'sallyport-timing-'))
const clock = createClock()
const apps = [
  app('sync'),
  app('cold'),
  app('hashed', {
    client_id: 'hashed',
    credentials: [{ id: 'main', secret: { hash: `sha256:${'A'.repeat(43)}` } }],
  }),
]
const server = await createTestServer({
  db: await openSqlite({ file: join(folder, 'timing.db'), clock, synchronous: 'off' }),
  clock,
  blueprints: [blueprint(tenant('acme', apps))],
})
const [clientId, clientSecret] = server.credential('acme', 'sync')
const wrongSecret = `sp_test_${'x'.repeat(49)}`
const sameLength = 'z'.repeat(clientId.length)

/** A name of the same length and letters each time, so that nothing but existence differs. */
const kinds: Readonly<
  Record<string, () => { basic?: readonly [string, string]; body?: Record<string, string> }>
> = {
  unknown: () => ({ basic: [sameLength, wrongSecret] }),
  'unknown again': () => ({ basic: [sameLength.replace('z', 'y'), wrongSecret] }),
  'wrong secret': () => ({ basic: [clientId, wrongSecret] }),
  'wrong, imported': () => ({ basic: [clientId, 'an imported guess'] }),
  'unknown, imported': () => ({ basic: [sameLength, 'an imported guess'] }),
  'wrong, sha256': () => ({ basic: ['hashed', wrongSecret] }),
  'unknown, sha256': () => ({ basic: ['nobody', wrongSecret] }),
  'wrong, in the body': () => ({ body: { ...grant, client_id: clientId, client_secret: wrongSecret } }),
  'unknown, in the body': () => ({ body: { ...grant, client_id: sameLength, client_secret: wrongSecret } }),
}
const names = Object.keys(kinds)
const times = new Map(names.map((name) => [name, [] as number[]]))

/** One request; each from an address that has never failed. */
async function measure(name: string, number: number): Promise<void> {
  const clientAddress = `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`
  const request = { ...kinds[name]?.(), clientAddress }
  const startedAt = process.hrtime.bigint()
  const { status } = await server.token('acme', request)
  const nanoseconds = Number(process.hrtime.bigint() - startedAt)
  if (status !== 401) throw new Error(`${name} was answered ${status}`)
  times.get(name)?.push(nanoseconds)
}

if ((await server.token('acme', { basic: [clientId, clientSecret] })).status !== 200)
  throw new Error('no token')
let number = 0
const warmUps = Math.min(2000, requestsOfEachKind)
for (let round = 0; round < warmUps + requestsOfEachKind; round += 1) {
  if (round === warmUps) for (const list of times.values()) list.length = 0
  // Whoever comes second finds warm caches, so the order turns.
  const turned = [...names.slice(round % names.length), ...names.slice(0, round % names.length)]
  for (const name of round % 2 === 0 ? turned : turned.reverse()) await measure(name, number++)
  // As between real requests: the next one is a turn of the event loop of its own.
  await new Promise(setImmediate)
}

const median = (list: readonly number[]) => [...list].sort((a, b) => a - b)[list.length >> 1] ?? Number.NaN
const medianOf = (name: string) => median(times.get(name) ?? [])
for (const name of names) console.log(`${name.padEnd(22)} ${(medianOf(name) / 1000).toFixed(2)} µs`)
const compare = (one: string, other: string) => {
  const difference = (medianOf(one) / medianOf(other) - 1) * 100
  console.log(`${one} beside ${other}: ${difference.toFixed(2)} % of the median (goal: below 5 %)`)
}
compare('unknown again', 'unknown')
compare('wrong secret', 'unknown')
compare('wrong, imported', 'unknown, imported')
compare('wrong, sha256', 'unknown, sha256')
compare('wrong, in the body', 'unknown, in the body')

await server.server.close()
rmSync(folder, { recursive: true, force: true })
