/** How many calls one caller may make: a fixed window in memory, told in draft-ietf-httpapi-ratelimit-headers' fields. */

import { RecentMap } from '@sallyport/protocol'

export interface RateTerms {
  readonly calls: number
  readonly windowSeconds: number
}

export interface RateState {
  readonly isOver: boolean
  readonly headers: Readonly<Record<string, string>>
}

// Callers are apps of the system tenant, so there are few.
const callers = 10_000

export function createRate({ calls, windowSeconds }: RateTerms) {
  const windows = new RecentMap<{ readonly endsAt: number; count: number }>(callers)
  return (caller: string, now: number): RateState => {
    const known = windows.get(caller)
    const window =
      known !== undefined && now < known.endsAt ? known : { endsAt: now + windowSeconds, count: 0 }
    if (window !== known) windows.set(caller, window)
    window.count += 1
    const left = Math.max(0, calls - window.count)
    const seconds = window.endsAt - now
    const isOver = window.count > calls
    return {
      isOver,
      headers: {
        'RateLimit-Policy': `"management";q=${calls};w=${windowSeconds}`,
        RateLimit: `"management";r=${left};t=${seconds}`,
        ...(isOver && { 'Retry-After': String(seconds) }),
      },
    }
  }
}
