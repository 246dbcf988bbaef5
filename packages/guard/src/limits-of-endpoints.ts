/** Which limit holds for whom where. */

import { type Limit, readLimit as readWholeLimit } from './limits/limit.ts'
import type { Endpoint } from './routes/endpoint.ts'
import type { Access } from './tokens/access.ts'

/** Null where there is none. */
export type LimitOf = (access: Access, endpoint: Endpoint) => Limit | null | Promise<Limit | null>

/** A limit as a route says it; without a name it is called `app`. */
export interface LimitTerms extends Omit<Limit, 'name'> {
  readonly name?: string
}

/** As it stands at the endpoint, for every app alike. */
export const limitOfEndpoint = (_access: Access, { limit }: Endpoint): Limit | null => limitIn(limit)

/** Null for what is none. */
export function limitIn(value: unknown): Limit | null {
  if (value === undefined) return null
  return isRead(value) ? value : readLimit(value)
}

// Its numbers were looked at when the table or the route was made, and need not be at each request.
const isRead = (value: unknown): value is Limit =>
  typeof value === 'object' &&
  value !== null &&
  'name' in value &&
  'requests' in value &&
  'windowSeconds' in value

/** As programs write it, or as blueprints and OpenAPI documents do (`requests`, `window_seconds`). Null for what is none. */
export function readLimit(value: unknown): Limit | null {
  try {
    return readWholeLimit(value)
  } catch {
    return null
  }
}

/** Of a table's limit and a route's, the one that lets fewer requests a second pass. What cannot be compared is the route's. */
export function tighterLimit(ofTable: unknown, ofRoute: unknown): unknown {
  if (ofRoute === undefined) return ofTable
  const [one, other] = [limitIn(ofTable), limitIn(ofRoute)]
  if (one === null || other === null) return ofRoute
  return one.requests * other.windowSeconds < other.requests * one.windowSeconds ? one : other
}
