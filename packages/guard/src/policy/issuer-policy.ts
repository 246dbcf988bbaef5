/** The policy of the issuer: the endpoints of an API, and how often which app may ask, forgotten when there is news. */

import { RecentMap, type Soon, whenKnown } from '@sallyport/protocol'
import type { Effects } from '../effects.ts'
import type { NamedEndpoint } from '../endpoint-name.ts'
import type { Issuer } from '../issuer/issuer.ts'
import type { Limit } from '../limits/limit.ts'
import { limitOfEndpoint } from '../limits-of-endpoints.ts'
import type { Access } from '../tokens/access.ts'
import { createAppLimits } from './app-limits.ts'
import { createIssuerTable } from './issuer-table.ts'
import { type ApiPolicy, type LimitsByEndpoint, readAppLimits } from './read-policy.ts'

export interface IssuerPolicy {
  readonly endpoints: readonly NamedEndpoint[]
  readonly fetchedAt: number | null
  /** Why the endpoints, or else an app's own limits, could not be had last; null while both can. */
  readonly failure: Error | null
  /** Null while nothing is known. */
  declared(): Soon<ApiPolicy | null>
  readonly limitOf: LimitOfNamed
  /** What is held of an app, or everything, may no longer be so. */
  forget(clientId: string | null): void
  close(): void
}

export type LimitOfNamed = (access: Access, endpoint: NamedEndpoint) => Soon<Limit | null>

export interface IssuerPolicyOptions {
  readonly issuer: Pick<Issuer, 'fetchPolicy'>
  readonly audience: string
  /** How many apps are remembered. */
  readonly entries: number
  /** Whether news arrive. */
  readonly isFollowing: () => boolean
  readonly effects: Effects
}

// Where no news arrive, what is held is held no longer.
const longestMilliseconds = 300_000

export function createIssuerPolicy(options: IssuerPolicyOptions): IssuerPolicy {
  const { issuer, audience, entries, isFollowing, effects } = options
  const table = createIssuerTable({ audience, effects, fetchPolicy: () => issuer.fetchPolicy(null) })
  const { clock } = effects
  const apps = createAppLimits({
    clock,
    entries,
    fetchLimits: createFetchLimits(issuer, () => table.policy?.api),
  })

  const forget = (clientId: string | null): void => {
    apps.forget(clientId)
    if (clientId === null) table.refresh()
  }
  const look = (): void => {
    if (!isFollowing()) forget(null)
    cancel = effects.later(longestMilliseconds, look)
  }
  let cancel = effects.later(longestMilliseconds, look)

  return {
    get endpoints() {
      return table.policy?.endpoints ?? []
    },
    get fetchedAt() {
      return table.fetchedAt
    },
    get failure() {
      return table.failure ?? apps.failure
    },
    declared: table.known,
    limitOf: (access, endpoint) =>
      whenKnown(table.known(), (policy) => {
        const { name } = endpoint
        const base = limitOfEndpoint(access, endpoint) ?? policy?.limits.get(name) ?? null
        if (policy === null || access.clientId === null) return base
        return whenKnown(apps.of(access.clientId), (own) => own?.get(name) ?? base)
      }),
    forget,
    close() {
      cancel()
      table.close()
    },
  }
}

const mostShared = 200

/** Apps of one plan have the same limits: they are kept once, and not once for each app. */
function createFetchLimits(issuer: Pick<Issuer, 'fetchPolicy'>, api: () => string | undefined) {
  const shared = new RecentMap<LimitsByEndpoint>(mostShared)
  return async (clientId: string): Promise<LimitsByEndpoint> => {
    const limits = readAppLimits(await issuer.fetchPolicy(clientId), api() ?? '')
    const text = JSON.stringify([...limits])
    const known = shared.get(text)
    if (known !== undefined) return known
    shared.set(text, limits)
    return limits
  }
}
