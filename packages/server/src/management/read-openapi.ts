/**
 * Scopes and endpoints from an OpenAPI 3.0 or 3.1 document (001-19). What it says beyond what an API can be set to is told
 * and left out, never guessed. A `$ref` is followed within the document alone.
 */

import {
  createLeftOut,
  isOpenApi,
  type JsonPath,
  type LeaveOut,
  type Members,
  memberOf,
  membersOf,
  type OpenApiOperation,
  readOpenApiOperations,
  resolveReference,
  type UnusedPart,
} from '@sallyport/protocol'
import { Value } from 'typebox/value'
import { nameOf } from '../blueprint/check-endpoints.ts'
import { readYaml } from '../blueprint/yaml-source.ts'
import { Endpoint, RateLimit, ScopeToken } from '../tenants/settings.ts'
import { refuseWith } from './problem.ts'
import { pointerOf } from './read-input.ts'

export interface OpenApiReading {
  readonly scopes: Readonly<Record<string, string>>
  readonly endpoints: Endpoint[]
  /** The first of them. */
  readonly unused: readonly UnusedPart[]
  /** How many more there are. */
  readonly unusedMore: number
}

const mostUnused = 200

/** Throws `invalid_body`. */
export function readOpenApi(document: unknown): OpenApiReading {
  const root = membersOf(document)
  if (!isOpenApi(root)) refuseBody('/openapi', 'no such version', 'a document of OpenAPI 3.0 or 3.1')
  const { unused, leave } = createLeftOut()
  const scopes = readScopes(root, leave)
  if (scopes.size === 0)
    refuseBody('/components/securitySchemes', 'no scope', 'an oauth2 scheme with scopes in one of its flows')
  const endpoints = readEndpoints(root, new Set(scopes.keys()), leave)
  return {
    ...{ scopes: Object.fromEntries(scopes), endpoints, unused: unused.slice(0, mostUnused) },
    unusedMore: Math.max(0, unused.length - mostUnused),
  }
}

/** The same written as YAML, alone in the body. */
export function readOpenApiText({ openapi_text: text, ...others }: Members): unknown {
  const [other] = Object.keys(others)
  if (other !== undefined)
    refuseBody(pointerOf([other]), 'a member', 'openapi_text alone, or the document alone')
  if (typeof text !== 'string') refuseBody('/openapi_text', 'something else', 'a document as YAML text')
  const reading = readYaml('openapi_text', text)
  if ('source' in reading) return reading.source.value
  return refuseWith('invalid_body', {
    misfits: reading.problems.map(({ line, found, expected }) => ({
      ...{ pointer: '/openapi_text', found: `${found} in line ${line}`, expected },
    })),
  })
}

function refuseBody(pointer: string, found: string, expected: string): never {
  refuseWith('invalid_body', { misfits: [{ pointer, found, expected }] })
}

const schemesPath = ['components', 'securitySchemes'] as const

function readScopes(root: Members, leave: LeaveOut): ReadonlyMap<string, string> {
  const scopes = new Map<string, string>()
  for (const [name, entry] of Object.entries(membersOf(memberOf(root.components, 'securitySchemes')))) {
    const path = [...schemesPath, name]
    const scheme = resolveReference(root, entry)
    if (scheme === null) leave(path, 'no scheme, or a $ref that leads out of this document')
    else if (scheme.type !== 'oauth2') leave(path, 'no oauth2 scheme: only those declare scopes')
    else readFlows(scheme, path, scopes, leave)
  }
  return scopes
}

/** Of two descriptions the first holds. */
function readFlows({ flows }: Members, path: JsonPath, scopes: Map<string, string>, leave: LeaveOut): void {
  for (const [flow, terms] of Object.entries(membersOf(flows))) {
    for (const [scope, description] of Object.entries(membersOf(memberOf(terms, 'scopes')))) {
      const place = [...path, 'flows', flow, 'scopes', scope]
      if (!Value.Check(ScopeToken, scope)) leave(place, 'a scope that cannot stand in a token request')
      else if (!scopes.has(scope)) scopes.set(scope, typeof description === 'string' ? description : '')
    }
  }
}

function readEndpoints(root: Members, scopes: ReadonlySet<string>, leave: LeaveOut): Endpoint[] {
  const endpoints = new Map<string, Endpoint>()
  for (const { path, template, method, security, operation } of readOpenApiOperations(root, leave)) {
    const scope = neededScope(security ?? [], scopes)
    if ('reason' in scope) {
      leave(path, scope.reason)
      continue
    }
    const limit = readLimit(operation, path, leave)
    const endpoint = { method, path: template, scope: scope.scope, ...(limit && { limit }) }
    if (!Value.Check(Endpoint, endpoint)) leave(path, 'a method or path that an endpoint cannot have')
    else if (endpoints.has(nameOf(endpoint))) leave(path, 'the same requests as another path')
    else endpoints.set(nameOf(endpoint), endpoint)
  }
  return [...endpoints.values()]
}

const limitName = 'x-sallyport-limit'

/** As guards read it from the same document. */
function readLimit(operation: Members, path: JsonPath, leave: LeaveOut): RateLimit | null {
  const limit = operation[limitName]
  if (limit === undefined) return null
  if (Value.Check(RateLimit, limit)) return limit
  leave([...path, limitName], 'no limit of requests and window_seconds')
  return null
}

type Security = NonNullable<OpenApiOperation['security']>
type Need = { readonly scope: string } | { readonly reason: string }

function neededScope(security: Security, declared: ReadonlySet<string>): Need {
  if (security.length === 0 || security.some((together) => together.length === 0))
    return { reason: 'it may be called without a token' }
  const needs = security
    .map((together) => together.filter(({ type }) => type === 'oauth2'))
    .filter((together) => together.length > 0)
    .map((together) => together.flatMap(({ scopes }) => scopes))
  if (needs.length === 0) return { reason: 'no oauth2 scheme opens it' }
  if (needs.some((scopes) => scopes.length === 0)) return { reason: 'it needs a token, but no scope' }
  const [scope = '', ...others] = new Set(needs.flat())
  if (others.length > 0) return { reason: `more than one scope: ${[scope, ...others].join(', ')}` }
  return declared.has(scope) ? { scope } : { reason: `no oauth2 scheme declares the scope ${scope}` }
}
