/** Rate limits of plans and apps: each names an API and an endpoint that there are, and no place has two. */

import { nearestNames } from '@sallyport/protocol'
import { endpointName } from '../tenants/limits.ts'
import type { PlacedLimit } from '../tenants/settings.ts'
import { appsOf } from './apps-of.ts'
import { oneOf } from './one-of.ts'
import { type Path, type Report, showValue } from './problem.ts'
import type { TenantEntry } from './schema.ts'

/** The names of the endpoints of each API. */
type EndpointNames = ReadonlyMap<string, ReadonlySet<string>>

export function checkLimits(tenant: TenantEntry, path: Path, report: Report): void {
  const { apis = [], plans = [] } = tenant
  const names = new Map(apis.map(({ id, endpoints = [] }) => [id, new Set(endpoints.map(endpointName))]))
  const check = (limits: readonly PlacedLimit[] = [], at: Path) => {
    for (const [index, limit] of limits.entries()) checkPlace(limit, names, [...at, 'limits', index], report)
    checkOnce(limits, [...at, 'limits'], report)
  }
  for (const [index, { limits }] of plans.entries()) check(limits, [...path, 'plans', index])
  for (const { app, path: at } of appsOf(tenant, path)) check(app.limits, at)
}

function checkPlace({ api, endpoint }: PlacedLimit, names: EndpointNames, path: Path, report: Report): void {
  if (api !== undefined && !names.has(api)) {
    const place = [...path, 'api']
    report(place, showValue(api, place), oneOf('an API of this tenant', [...names.keys()]))
  } else if (endpoint !== undefined) {
    const known = api === undefined ? [...names.values()] : [names.get(api) ?? new Set<string>()]
    if (known.some((one) => one.has(endpoint))) return
    const place = [...path, 'endpoint']
    const what = api === undefined ? 'an endpoint of this tenant' : `an endpoint of ${api}`
    report(place, showValue(endpoint, place), nearestOf(what, endpoint, known))
  }
}

/** There may be two thousand: the one that was meant must be among those that are told. */
function nearestOf(what: string, endpoint: string, known: readonly ReadonlySet<string>[]): string {
  const names = [...new Set(known.flatMap((one) => [...one]))]
  const near = nearestNames(endpoint, likeliest(endpoint, names))
  return near.length > 0 ? `${what}, such as ${near.join(', ')}` : oneOf(what, names)
}

const mostCompared = 20

/** Comparing with all of them letter by letter would keep a node busy for whoever sends enough wrong names. */
function likeliest(wrong: string, names: readonly string[]): readonly string[] {
  const likeness = new Map(names.map((name) => [name, sharedEnds(wrong, name)]))
  const of = (name: string) => likeness.get(name) ?? 0
  return names.toSorted((one, other) => of(other) - of(one)).slice(0, mostCompared)
}

function sharedEnds(one: string, other: string): number {
  const most = Math.min(one.length, other.length)
  let start = 0
  while (start < most && one[start] === other[start]) start++
  let end = 0
  while (end < most - start && one.at(-1 - end) === other.at(-1 - end)) end++
  return start + end
}

function checkOnce(limits: readonly PlacedLimit[], path: Path, report: Report): void {
  const seen = new Set<string>()
  for (const [index, { api, endpoint }] of limits.entries()) {
    const key = JSON.stringify([api ?? null, endpoint ?? null])
    if (seen.has(key))
      report([...path, index], `${placeName(api, endpoint)} a second time`, 'each place once')
    seen.add(key)
  }
}

const placeName = (api: string | undefined, endpoint: string | undefined): string =>
  [endpoint, api].filter((part) => part !== undefined).join(' of ') || 'all endpoints'
