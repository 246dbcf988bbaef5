// Taking from a limit, often and at once.
import type { Limit, LimitStore, Taken } from '../../src/limits/limit.ts'

export const limit: Limit = { name: 'payments', requests: 100, windowSeconds: 3600 }
export const small: Limit = { ...limit, requests: 3 }

export const countAllowed = (answers: readonly Taken[]): number =>
  answers.filter(({ isAllowed }) => isAllowed).length

export const takeTimes = async (limits: LimitStore, times: number, of = limit): Promise<Taken[]> =>
  Promise.all(Array.from({ length: times }, () => limits.take('app', of)))
