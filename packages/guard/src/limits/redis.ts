/** Limits that processes share through Redis or Valkey, and keep each by itself while that is gone. */

import { type After, createCircuit, systemAfter } from './circuit.ts'
import { bucketName } from './key.ts'
import { type Elapsed, type Limit, type LimitStore, systemElapsed, type Taken } from './limit.ts'
import { createMemoryLimits } from './memory.ts'
import { type RedisClient, scriptRunner } from './redis-client.ts'
import { readStanding, takeArguments, takeScript } from './shared-window.ts'
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
  /** How long a request waits for an answer before the limit is kept locally. */
  readonly timeoutMilliseconds?: number
  /** How long nothing is asked after a failure. */
  readonly pauseMilliseconds?: number
  /** Once, when limits stop being shared; `reason` is what the client failed with. */
  readonly onDegraded?: (reason: unknown) => void
  /** Once, when they are shared again. */
  readonly onRecovered?: () => void
}

const probed: Limit = { name: 'probe', requests: 1, windowSeconds: 1 }

const isTighter = (one: Taken, other: Taken): boolean => one.remaining < other.remaining

/**
 * Processes that are given the same Redis or Valkey pass a limit once between them. Each also counts what it passes
 * itself and never passes more than the limit alone, so that with the server lost, restarted empty or found again it
 * is at the most the limit for each process. `isShared` of an answer says which of the two it was. The client remains
 * the caller's: its connection, its errors and its end. Throws nothing and never makes a request fail; does not check that a
 * limit is one.
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
  const { elapsed = systemElapsed, after = systemAfter, prefix = 'sallyport:limit:' } = options
  const { timeoutMilliseconds = 50, pauseMilliseconds = 1000 } = options
  const { onDegraded = () => {}, onRecovered = () => {} } = options
  const local = createMemoryLimits(options)
  const run = scriptRunner(client, takeScript)
  const circuit = createCircuit({
    elapsed,
    after,
    timeoutMilliseconds,
    pauseMilliseconds,
    onLost: onDegraded,
    onFound: onRecovered,
  })

  const takeShared = async (key: string, limit: Limit): Promise<Taken> => {
    const reply = await run(prefix + bucketName(key, limit), takeArguments(limit))
    return takenFrom(limit, readStanding(reply), true)
  }
  const probe = () => takeShared('probe', probed)

  async function askShared(key: string, limit: Limit, own: Taken): Promise<Taken> {
    const shared = await circuit.ask(() => takeShared(key, limit))
    if (shared === null) return own
    if (!shared.isAllowed) local.giveBack(key, limit)
    return isTighter(own, shared) ? { ...own, isShared: true } : shared
  }

  return {
    take(key, limit) {
      const own = local.take(key, limit)
      if (circuit.isOpen) {
        circuit.probe(probe)
        return own
      }
      // What this process has passed alone fills the bucket already.
      return own.isAllowed ? askShared(key, limit, own) : { ...own, isShared: true }
    },
  }
}
