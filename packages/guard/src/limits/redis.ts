/** Limits that processes share through Redis or Valkey, and keep each by itself while that is gone. */

import { systemElapsed } from '../effects.ts'
import { objectOf } from '../option-checks.ts'
import type { RedisClient } from '../sharing/redis-client.ts'
import { createRedisLink, type RedisLinkOptions } from '../sharing/redis-link.ts'
import { askingChecks, bucketChecks, clientCheck, refuseProblems } from '../store-options.ts'
import { bucketName } from './key.ts'
import { createKnownWindows } from './known-windows.ts'
import type { Limit, LimitStore, Taken } from './limit.ts'
import { createMemoryLimits, defaultEntries } from './memory.ts'
import { readAnswer, takeArguments, takeScript } from './shared-window.ts'
import { takenFrom } from './sliding-window.ts'

export type { CommandClient, IoredisClient, NodeRedisClient, RedisClient } from '../sharing/redis-client.ts'

/** How `createRedisLimits` asks, and how much it keeps. */
export interface RedisLimitsOptions extends RedisLinkOptions {
  /** How many buckets this process keeps for itself. */
  readonly entries?: number
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
  const { elapsed = systemElapsed, entries = defaultEntries } = options
  const own = createMemoryLimits({ elapsed, entries })
  const windows = createKnownWindows(elapsed, entries)
  const link = createRedisLink(client, { script: takeScript, standardPrefix: 'sallyport:limit:' }, options)
  const { circuit } = link
  let countedAlone = 0

  async function ask(name: string, limit: Limit): Promise<Taken> {
    const passed = windows.settle(name)
    const now = elapsed()
    const told = passed.map(({ at, count }) => [now - at, count] as const)
    try {
      const { standing, state } = await link.ask(name, takeArguments(limit, told), readAnswer)
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
