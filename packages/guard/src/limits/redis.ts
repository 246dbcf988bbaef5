/** Limits that processes share through Redis or Valkey, and keep each by itself while that is gone. */

import { objectOf } from '../option-checks.ts'
import { askingChecks, bucketChecks, clientCheck, refuseProblems } from '../store-options.ts'
import { createCircuit } from './circuit.ts'
import { bucketName } from './key.ts'
import { createKnownWindows } from './known-windows.ts'
import { type Elapsed, type Limit, type LimitStore, systemElapsed, type Taken } from './limit.ts'
import { createMemoryLimits, defaultEntries } from './memory.ts'
import { type After, createPatience, systemAfter } from './patience.ts'
import { type RedisClient, scriptRunner, watchConnection } from './redis-client.ts'
import { readAnswer, takeArguments, takeScript } from './shared-window.ts'
import { takenFrom } from './sliding-window.ts'

export type { CommandClient, IoredisClient, NodeRedisClient, RedisClient } from './redis-client.ts'

/** How `createRedisLimits` names its keys, how long it waits, and who is told when limits stop being shared. */
export interface RedisLimitsOptions {
  readonly elapsed?: Elapsed
  readonly after?: After
  /** What its keys begin with. */
  readonly prefix?: string
  /** How many buckets this process keeps for itself. */
  readonly entries?: number
  /** How long a request waits for an answer before it is counted locally: 250. */
  readonly timeoutMilliseconds?: number
  /** How long nothing is asked while limits are not shared: 1000. */
  readonly pauseMilliseconds?: number
  /** Once, when limits stop being shared; `reason` is what the connection or the client failed with. */
  readonly onDegraded?: (reason: unknown) => void
  /** Once, when they are shared again. */
  readonly onRecovered?: () => void
}

const optionsCheck = objectOf<RedisLimitsOptions>({ ...bucketChecks, ...askingChecks })

const probed: Limit = { name: 'probe', requests: 1, windowSeconds: 1 }

const isTighter = (one: Taken, other: Taken): boolean => one.remaining < other.remaining

/**
 * Processes that are given the same Redis or Valkey pass a limit once between them. A request waits for the server as
 * long as `timeoutMilliseconds`, in which a standstill of this process does not count. When two answers in a row do not
 * come, no request waits any more: each process goes on from what it was told last, and tells the others what it has
 * passed meanwhile when they can be asked again. Each also counts what it passes itself and never passes more than the
 * limit alone, so that with the server lost, restarted empty or found again it is at the most the limit for each
 * process. `isShared` of an answer says which of the two it was. The client remains the caller's: its connection and its
 * end. Never makes a request fail; does not check that a limit is one. Throws `GuardOptionsError` for its own options.
 *
 * @example
 * ```ts
 * import { createGuard } from '@sallyport/guard'
 * import { createRedisLimits } from '@sallyport/guard/redis'
 * import { Redis } from 'ioredis'
 *
 * const redis = new Redis('redis://localhost')
 * const store = createRedisLimits(redis, { onDegraded: (reason) => console.warn('limits are not shared', reason) })
 * const guard = createGuard({
 *   issuer: 'https://auth.example.com/acme',
 *   audience: 'https://api.example.com',
 *   limits: { store },
 * })
 * ```
 */
export function createRedisLimits(client: RedisClient, options: RedisLimitsOptions = {}): LimitStore {
  refuseProblems('createRedisLimits', [...clientCheck(client, 'client'), ...optionsCheck(options, 'options')])
  const { elapsed = systemElapsed, after = systemAfter, prefix = 'sallyport:limit:' } = options
  const { timeoutMilliseconds = 250, pauseMilliseconds = 1000, entries = defaultEntries } = options
  const { onDegraded = () => {}, onRecovered = () => {} } = options
  const own = createMemoryLimits({ elapsed, entries })
  const windows = createKnownWindows(elapsed, entries)
  const connection = watchConnection(client)
  const run = scriptRunner(client, takeScript)
  const circuit = createCircuit({
    elapsed,
    within: createPatience(timeoutMilliseconds, after),
    pauseMilliseconds,
    explain: () => connection.error,
    onLost: onDegraded,
    onFound: onRecovered,
  })
  let countedAlone = 0

  async function ask(name: string, limit: Limit): Promise<Taken> {
    const passed = windows.settle(name)
    const now = elapsed()
    const told = passed.map(({ at, count }) => [now - at, count] as const)
    try {
      const { standing, state } = readAnswer(await run(prefix + name, takeArguments(limit, told)))
      connection.answered()
      windows.learn(name, state)
      return takenFrom(limit, standing, true)
    } catch (reason) {
      windows.putBack(name, passed)
      throw reason
    }
  }

  /** By what is known. What this process has passed was counted in `mine` already. */
  function takeAlone(key: string, limit: Limit, mine: Taken): Taken {
    countedAlone += 1
    if (!mine.isAllowed) return mine
    const known = takenFrom(limit, windows.take(bucketName(key, limit), limit), false)
    if (!known.isAllowed) own.giveBack(key, limit)
    return isTighter(mine, known) ? mine : known
  }

  async function takeShared(key: string, limit: Limit, mine: Taken): Promise<Taken> {
    const name = bucketName(key, limit)
    const question = ask(name, limit)
    const shared = await circuit.ask(question)
    if (shared === null) {
      const taken = takeAlone(key, limit, mine)
      // Redis may have heard a question that it has not answered. Only one that has failed counts nowhere.
      if (taken.isAllowed) question.catch(() => windows.owe(name, limit))
      return taken
    }
    if (!shared.isAllowed) own.giveBack(key, limit)
    return isTighter(mine, shared) ? { ...mine, isShared: true } : shared
  }

  return {
    take(key, limit) {
      const mine = own.take(key, limit)
      if (circuit.isOpen) {
        circuit.probe(() => ask(bucketName('probe', probed), probed))
        const taken = takeAlone(key, limit, mine)
        if (taken.isAllowed) windows.owe(bucketName(key, limit), limit)
        return taken
      }
      if (mine.isAllowed) return takeShared(key, limit, mine)
      // What this process has passed fills the bucket already; the others may not know it yet.
      const name = bucketName(key, limit)
      if (windows.owes(name)) ask(name, limit).catch(() => {})
      return { ...mine, isShared: true }
    },
    standing: () => ({
      isShared: !circuit.isOpen,
      milliseconds: circuit.milliseconds,
      failure: circuit.failure,
      countedAlone,
    }),
  }
}
