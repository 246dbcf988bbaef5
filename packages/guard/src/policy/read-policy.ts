/** What an issuer says of endpoints and limits, read before any of it is believed. */

import { isScopeToken } from '@sallyport/protocol'
import { type NamedEndpoint, named, readEndpointName } from '../endpoint-name.ts'
import { type Limit, readLimit } from '../limits/limit.ts'
import { createRouteTable, type RouteTable } from '../routes/route-table.ts'

/** The API of one audience: what it is called at the issuer, and its endpoints. */
export interface ApiPolicy {
  readonly api: string
  readonly endpoints: readonly NamedEndpoint[]
  readonly routes: RouteTable<NamedEndpoint>
  readonly names: ReadonlySet<string>
  /** By the names of endpoints. */
  readonly limits: LimitsByEndpoint
}

export type LimitsByEndpoint = ReadonlyMap<string, Limit>

type Members = Readonly<Record<string, unknown>>

/** Throws a `TypeError` for what is no policy, names the audience nowhere, or cannot be kept to. */
export function readApiPolicy(answer: unknown, audience: string): ApiPolicy {
  const apis = listOf(answer, 'apis')
  const found = apis.find((one) => one.audience === audience)
  if (typeof found?.api !== 'string')
    throw new TypeError(`the credentials are of no API with the audience ${audience}`)
  const endpoints = listOf(found, 'endpoints').map(readEndpoint)
  const limited = endpoints.flatMap(({ name, limit }) =>
    limit === undefined ? [] : [[name, limit as Limit] as const],
  )
  const names = new Set(endpoints.map(({ name }) => name))
  return { api: found.api, endpoints, routes: createRouteTable(endpoints), names, limits: new Map(limited) }
}

/** Those of an app that differ from the endpoints' own. Throws a `TypeError`. */
export function readAppLimits(answer: unknown, api: string): LimitsByEndpoint {
  const own = listOf(answer, 'limits').filter((one) => one.api === api)
  return new Map(own.map((one) => [readEndpointName(textOf(one, 'endpoint')).name, readLimit(one)]))
}

function readEndpoint(members: Members): NamedEndpoint {
  const { limit } = members
  const [method, path, scope] = [textOf(members, 'method'), textOf(members, 'path'), textOf(members, 'scope')]
  // Two scopes in one text would close the endpoint to everybody, and nobody would be told why.
  if (!isScopeToken(scope)) throw new TypeError(`endpoint ${method} ${path}: a scope that no token can have`)
  return named({ method, path, scope, ...(limit !== undefined && { limit: readLimit(limit) }) })
}

function listOf(value: unknown, name: string): readonly Members[] {
  const list = (value as Members | null)?.[name]
  const isList = Array.isArray(list) && list.every((one) => typeof one === 'object' && one !== null)
  if (isList) return list as readonly Members[]
  throw new TypeError(`the policy of the issuer has no list of ${name}`)
}

/** Without a scope that can be read an endpoint would be open to every token. */
function textOf(members: Members, name: string): string {
  const text = members[name]
  if (typeof text === 'string' && text !== '') return text
  throw new TypeError(`the policy of the issuer has an entry without ${name}`)
}
