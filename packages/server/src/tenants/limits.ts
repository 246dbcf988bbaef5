/** Which rate limit holds for an app at an endpoint: the first that is found in the app, its plan, the endpoint. */

import type { Endpoint, PlacedLimit, RateLimit } from './settings.ts'

export interface LimitedPlace {
  readonly api: string
  readonly endpoint: Pick<Endpoint, 'method' | 'path' | 'limit'>
}

/** Those of an app, and of the plan that its organization is on. */
export interface LimitsOfApp {
  readonly app: readonly PlacedLimit[]
  readonly plan: readonly PlacedLimit[]
}

/** Null where nothing limits it. */
export function limitFor(place: LimitedPlace, { app, plan }: LimitsOfApp): RateLimit | null {
  return mostExact(place, app) ?? mostExact(place, plan) ?? place.endpoint.limit ?? null
}

/** An endpoint's name in limits, as it is declared. */
export const endpointName = ({ method, path }: Pick<Endpoint, 'method' | 'path'>): string =>
  `${method} ${path}`

/** From the most exact on: an endpoint of an API, an endpoint of that name, an API, all. */
const places = (api: string, endpoint: string): readonly Pick<PlacedLimit, 'api' | 'endpoint'>[] => [
  { api, endpoint },
  { endpoint },
  { api },
  {},
]

function mostExact({ api, endpoint }: LimitedPlace, limits: readonly PlacedLimit[]): PlacedLimit | undefined {
  if (limits.length === 0) return undefined
  for (const place of places(api, endpointName(endpoint))) {
    const found = limits.find((limit) => limit.api === place.api && limit.endpoint === place.endpoint)
    if (found !== undefined) return found
  }
  return undefined
}
