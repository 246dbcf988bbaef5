// What the makers of limits and shared proofs take: a limit without a bound, or a wait that never ends, is told at the start.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryLimits, GuardOptionsError } from '@sallyport/guard'
import { createRedisLimits, createRedisProofs } from '@sallyport/guard/redis'

const client = { sendCommand: async () => null }

type Make = (options?: unknown, from?: unknown) => unknown

const makers: Readonly<Record<string, Make>> = {
  createMemoryLimits: createMemoryLimits as Make,
  createRedisLimits: ((options: never, from: never = client as never) =>
    createRedisLimits(from, options)) as Make,
  createRedisProofs: ((options: never, from: never = client as never) =>
    createRedisProofs(from, options)) as Make,
}
const buckets = ['createMemoryLimits', 'createRedisLimits']
const shared = ['createRedisLimits', 'createRedisProofs']

const oneEntry = 'options.entries must be a whole number, 1 or more'
const waiting = 'options.timeoutMilliseconds must be whole milliseconds, 1 to 3600000'
const pausing = 'options.pauseMilliseconds must be whole milliseconds, 0 to 3600000'

const refused: readonly (readonly [by: readonly string[], options: unknown, problem: string])[] = [
  [buckets, { entires: 10 }, 'options.entires is unknown (did you mean entries?)'],
  ...[Number.NaN, Number.POSITIVE_INFINITY, 0, -1, 1.5, '10', null].map(
    (entries) => [buckets, { entries }, oneEntry] as const,
  ),
  [Object.keys(makers), { elapsed: 7 }, 'options.elapsed must be a function'],
  [Object.keys(makers), null, 'options must be an object'],
  [Object.keys(makers), Promise.resolve({}), 'options must be an object'],
  [shared, { whenlost: 'allow' }, 'options.whenlost is unknown'],
  ...[Number.NaN, 0, 3_600_001, '250'].map(
    (timeoutMilliseconds) => [shared, { timeoutMilliseconds }, waiting] as const,
  ),
  ...[Number.NaN, Number.POSITIVE_INFINITY, -1].map(
    (pauseMilliseconds) => [shared, { pauseMilliseconds }, pausing] as const,
  ),
  [shared, { prefix: 7 }, 'options.prefix must be text'],
  [shared, { onDegraded: 'log' }, 'options.onDegraded must be a function'],
  [['createRedisProofs'], { whenLost: 'open' }, 'options.whenLost must be refuse or allow'],
]

const nameOf = (value: unknown): string =>
  typeof value === 'number' ? String(value) : JSON.stringify(value, (_name, inner) => inner ?? String(inner))

for (const [by, options, problem] of refused)
  for (const name of by)
    test(`issue 6, 1: ${name} of ${nameOf(options)}: ${problem}`, () =>
      assert.throws(
        () => makers[name]?.(options),
        (error) => error instanceof GuardOptionsError && error.message.startsWith(`${name}: ${problem}`),
      ))

for (const name of shared)
  test(`issue 6, 1: ${name} of what cannot be asked, such as a promise of a client`, () => {
    for (const from of [null, 'redis://localhost', {}, Promise.resolve(client)])
      assert.throws(() => makers[name]?.({}, from), {
        message: `${name}: client must be a client of Redis or Valkey.`,
      })
  })

test('issue 6, 1: options that are right, or left undefined, are taken', () => {
  const right = { timeoutMilliseconds: 1, pauseMilliseconds: 0, prefix: '', onDegraded: undefined }
  for (const name of shared) assert.ok(makers[name]?.(right))
  for (const name of Object.keys(makers)) assert.ok(makers[name]?.())
  for (const name of buckets) assert.ok(makers[name]?.({ entries: 1 }))
})
