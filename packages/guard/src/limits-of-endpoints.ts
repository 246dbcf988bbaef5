/** Which limit holds for whom where. */

import type { Limit } from './limits/limit.ts'
import type { Endpoint } from './routes/endpoint.ts'
import type { Access } from './tokens/access.ts'

/** Null where there is none. */
export type LimitOf = (access: Access, endpoint: Endpoint) => Limit | null | Promise<Limit | null>

/** As it stands at the endpoint, for every app alike. */
export const limitOfEndpoint = (_access: Access, { limit }: Endpoint): Limit | null => readLimit(limit)

/** What limits are called that have no name of their own. */
const limitName = 'app'

/** As programs write it, or as blueprints and OpenAPI documents do (`requests`, `window_seconds`). Null for what is none. */
export function readLimit(value: unknown): Limit | null {
  if (typeof value !== 'object' || value === null) return null
  if (isLimit(value)) return value
  const {
    name = limitName,
    requests,
    windowSeconds,
    window_seconds: seconds = windowSeconds,
  } = value as Readonly<Record<string, unknown>>
  if (typeof name !== 'string' || typeof requests !== 'number' || typeof seconds !== 'number') return null
  return { name, requests, windowSeconds: seconds }
}

const isLimit = (value: object): value is Limit =>
  'name' in value && 'requests' in value && 'windowSeconds' in value
