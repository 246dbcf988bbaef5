/**
 * Scopes and endpoints from an OpenAPI 3.0 or 3.1 document (001-19). What it says beyond what an API can be set to is told
 * and left out, never guessed. A `$ref` is followed within the document alone.
 */

import { Value } from 'typebox/value'
import { nameOf } from '../blueprint/check-endpoints.ts'
import type { Path } from '../blueprint/problem.ts'
import { readYaml } from '../blueprint/yaml-source.ts'
import { Endpoint, ScopeToken } from '../tenants/settings.ts'
import { refuseWith } from './problem.ts'
import { pointerOf } from './read-input.ts'

type Members = Readonly<Record<string, unknown>>

export interface Unused {
  /** RFC 6901, into the document. */
  readonly pointer: string
  readonly reason: string
}

export interface OpenApiReading {
  readonly scopes: Readonly<Record<string, string>>
  readonly endpoints: Endpoint[]
  /** The first of them. */
  readonly unused: readonly Unused[]
  /** How many more there are. */
  readonly unusedMore: number
}

const mostUnused = 200

/** Throws `invalid_body`. */
export function readOpenApi(document: unknown): OpenApiReading {
  const root = membersOf(document)
  if (!/^3\.[01]\.\d+/.test(typeof root.openapi === 'string' ? root.openapi : ''))
    refuseBody('/openapi', 'no such version', 'a document of OpenAPI 3.0 or 3.1')
  const unused: Unused[] = []
  const leave: Leave = (path, reason) => unused.push({ pointer: pointerOf(path), reason })
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

/** Notes what cannot be used. */
type Leave = (path: Path, reason: string) => void

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const membersOf = (value: unknown): Members => (isMembers(value) ? value : {})

/** Inherited names are no members. */
const memberOf = (value: unknown, name: string): unknown =>
  isMembers(value) && Object.hasOwn(value, name) ? value[name] : undefined

const mostHops = 8

/** What a `$ref` stands for, if that is in this document. */
function resolve(root: Members, value: unknown): Members | null {
  let found = value
  for (let hop = 0; hop < mostHops && isMembers(found); hop += 1) {
    const { $ref: reference } = found
    if (reference === undefined) return found
    found = typeof reference === 'string' ? atFragment(root, reference) : null
  }
  return null
}

/** RFC 6901 §6. */
function atFragment(root: Members, reference: string): unknown {
  if (!reference.startsWith('#/')) return null
  return reference
    .slice(2)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((at, step) => memberOf(at, step), root)
}

const schemesPath = ['components', 'securitySchemes'] as const

function readScopes(root: Members, leave: Leave): ReadonlyMap<string, string> {
  const scopes = new Map<string, string>()
  for (const [name, entry] of Object.entries(membersOf(memberOf(root.components, 'securitySchemes')))) {
    const path = [...schemesPath, name]
    const scheme = resolve(root, entry)
    if (scheme === null) leave(path, 'no scheme, or a $ref that leads out of this document')
    else if (scheme.type !== 'oauth2') leave(path, 'no oauth2 scheme: only those declare scopes')
    else readFlows(scheme, path, scopes, leave)
  }
  return scopes
}

/** Of two descriptions the first holds. */
function readFlows({ flows }: Members, path: Path, scopes: Map<string, string>, leave: Leave): void {
  for (const [flow, terms] of Object.entries(membersOf(flows))) {
    for (const [scope, description] of Object.entries(membersOf(memberOf(terms, 'scopes')))) {
      const place = [...path, 'flows', flow, 'scopes', scope]
      if (!Value.Check(ScopeToken, scope)) leave(place, 'a scope that cannot stand in a token request')
      else if (!scopes.has(scope)) scopes.set(scope, typeof description === 'string' ? description : '')
    }
  }
}

const methods: readonly string[] = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']

function readEndpoints(root: Members, scopes: ReadonlySet<string>, leave: Leave): Endpoint[] {
  const endpoints = new Map<string, Endpoint>()
  const base = basePath(root, leave)
  for (const { path, template, method, operation } of operationsOf(root, leave)) {
    const scope = neededScope(root, operation, scopes)
    if ('reason' in scope) {
      leave(path, scope.reason)
      continue
    }
    const endpoint = { method: method.toUpperCase(), path: base + template, scope: scope.scope }
    if (!Value.Check(Endpoint, endpoint)) leave(path, 'a method or path that an endpoint cannot have')
    else if (endpoints.has(nameOf(endpoint))) leave(path, 'the same requests as another path')
    else endpoints.set(nameOf(endpoint), endpoint)
  }
  return [...endpoints.values()]
}

interface DocumentedOperation {
  readonly path: Path
  readonly template: string
  readonly method: string
  readonly operation: Members
}

function* operationsOf(root: Members, leave: Leave): Generator<DocumentedOperation> {
  for (const [template, entry] of Object.entries(membersOf(root.paths))) {
    if (template.startsWith('x-')) continue
    const item = resolve(root, entry)
    if (item === null) leave(['paths', template], 'no path, or a $ref that leads out of this document')
    for (const [method, operation] of Object.entries(item ?? {})) {
      const path = ['paths', template, method]
      if (method === 'servers') leave(path, 'servers of one path: those of the document count')
      if (methods.includes(method) && isMembers(operation)) yield { path, template, method, operation }
    }
  }
}

/** Where every path begins, as callers see it; the document's first server says so. */
function basePath({ servers }: Members, leave: Leave): string {
  const [server, ...others] = Array.isArray(servers) ? (servers as readonly unknown[]) : []
  const url = memberOf(server, 'url')
  if (typeof url !== 'string') return ''
  if (url.includes('{')) {
    leave(['servers', 0, 'url'], 'a URL with variables: the paths are taken as they stand')
    return ''
  }
  const base = pathOf(url)
  if (others.some((other) => pathOf(String(memberOf(other, 'url'))) !== base))
    leave(['servers'], 'servers with other paths than the first, which counts')
  return base
}

/** OpenAPI 3.1 §4.8.5: a server may be told relative to where its document lies. */
const pathOf = (url: string): string =>
  URL.parse(url, 'https://document.invalid')?.pathname.replace(/\/+$/, '') ?? ''

type Need = { readonly scope: string } | { readonly reason: string }

/** Alternatives of which one suffices, each a map of schemes that are needed together. */
function neededScope(root: Members, operation: Members, declared: ReadonlySet<string>): Need {
  const security = operation.security ?? root.security
  const alternatives = Array.isArray(security) ? security.filter(isMembers) : []
  if (alternatives.length === 0 || alternatives.some((one) => Object.keys(one).length === 0))
    return { reason: 'it may be called without a token' }
  const needs = alternatives.filter((one) => isOauth(root, one)).map((one) => scopesOf(root, one))
  if (needs.length === 0) return { reason: 'no oauth2 scheme opens it' }
  if (needs.some((scopes) => scopes.length === 0)) return { reason: 'it needs a token, but no scope' }
  const [scope = '', ...others] = new Set(needs.flat())
  if (others.length > 0) return { reason: `more than one scope: ${[scope, ...others].join(', ')}` }
  return declared.has(scope) ? { scope } : { reason: `no oauth2 scheme declares the scope ${scope}` }
}

const oauthSchemesOf = (root: Members, requirement: Members): readonly string[] =>
  Object.keys(requirement).filter((name) => {
    const schemes = memberOf(root.components, 'securitySchemes')
    return resolve(root, memberOf(schemes, name))?.type === 'oauth2'
  })

const isOauth = (root: Members, requirement: Members): boolean => oauthSchemesOf(root, requirement).length > 0

const scopesOf = (root: Members, requirement: Members): readonly string[] =>
  oauthSchemesOf(root, requirement).flatMap((name) => {
    const scopes = requirement[name]
    return Array.isArray(scopes) ? scopes.filter((scope) => typeof scope === 'string') : []
  })
