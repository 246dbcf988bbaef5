/** Operations of an OpenAPI 3.0 or 3.1 document, and what it says of their security. What an API makes of them is its own. */

import {
  isMembers,
  type JsonPath,
  jsonPointer,
  type Members,
  memberOf,
  membersOf,
  resolveReference,
} from './json-document.ts'
import { parseUrl } from './parse-url.ts'

/** A place in a document that could not be used, and why. */
export interface UnusedPart {
  /** RFC 6901, into the document. */
  readonly pointer: string
  readonly reason: string
}

/** One scheme that a request must satisfy. */
export interface SchemeNeed {
  /** `oauth2`, `openIdConnect`, `http`, `apiKey`, … or null where the document does not define the scheme. */
  readonly type: string | null
  /** Of `http`, in lower case: `bearer`, `basic`, … */
  readonly httpScheme: string | null
  readonly scopes: readonly string[]
}

export interface OpenApiOperation {
  readonly path: JsonPath
  /** In upper case. */
  readonly method: string
  /** As callers see it, under the path of the first server. */
  readonly template: string
  /** Alternatives of which one suffices, each a list of what is needed together; null where nothing is said of it. */
  readonly security: readonly (readonly SchemeNeed[])[] | null
  /** As it stands in the document. */
  readonly operation: Members
}

/** True for the versions that `readOpenApiOperations` can read. */
export function isOpenApi(document: unknown): boolean {
  const version = memberOf(document, 'openapi')
  return typeof version === 'string' && /^3\.[01]\.\d+/.test(version)
}

/** Notes what cannot be used. */
export type LeaveOut = (path: JsonPath, reason: string) => void

/** A list of what is left out, and the function that adds to it. */
export function createLeftOut(): { readonly unused: readonly UnusedPart[]; readonly leave: LeaveOut } {
  const unused: UnusedPart[] = []
  return { unused, leave: (path, reason) => void unused.push({ pointer: jsonPointer(path), reason }) }
}

/**
 * The operations of a document, in its order.
 *
 * A `$ref` is followed within the document alone. `basePath` stands in place of that of the document's first server. Does
 * not check that schemes declare the scopes, nor that a template can be matched.
 */
export function* readOpenApiOperations(
  root: Members,
  leave: LeaveOut,
  basePath = readBasePath(root, leave),
): Generator<OpenApiOperation> {
  for (const [template, entry] of Object.entries(membersOf(root.paths))) {
    if (template.startsWith('x-')) continue
    const item = resolveReference(root, entry)
    if (item === null) leave(['paths', template], 'no path, or a $ref that leads out of this document')
    for (const name of besideReference(entry))
      leave(['paths', template, name], 'beside a $ref, which counts alone')
    for (const found of operationsOf(root, item ?? {}, template, leave))
      yield { ...found, template: basePath + template }
  }
}

const methods: readonly string[] = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']

/** OpenAPI 3.1 §4.8.9: what it means is undefined, so that somebody may mean it to count. */
const besideReference = (entry: unknown): readonly string[] =>
  memberOf(entry, '$ref') === undefined
    ? []
    : Object.keys(membersOf(entry)).filter((name) => methods.includes(name) || name === 'servers')

function* operationsOf(
  root: Members,
  item: Members,
  template: string,
  leave: LeaveOut,
): Generator<Omit<OpenApiOperation, 'template'>> {
  for (const [method, operation] of Object.entries(item)) {
    const path = ['paths', template, method]
    if (method === 'servers') leave(path, 'servers of one path: those of the document count')
    if (!methods.includes(method)) continue
    if (!isMembers(operation)) {
      leave(path, 'no operation that can be read')
      continue
    }
    if (operation.servers !== undefined)
      leave([...path, 'servers'], 'servers of one operation: those of the document count')
    const security = readSecurity(root, operation.security ?? root.security)
    if (security === undefined) leave([...path, 'security'], 'no list of alternatives that can be read')
    else yield { path, method: method.toUpperCase(), security, operation }
  }
}

/** Where every path begins, as callers see it; the document's first server says so. */
function readBasePath({ servers }: Members, leave: LeaveOut): string {
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
  parseUrl(url, 'https://document.invalid')?.pathname.replace(/\/+$/, '') ?? ''

/** Undefined where any part cannot be read: an alternative that were dropped could leave none, which means public. */
function readSecurity(root: Members, security: unknown): OpenApiOperation['security'] | undefined {
  if (security === undefined || security === null) return null
  if (!Array.isArray(security)) return undefined
  const alternatives = security.map((alternative) => readAlternative(root, alternative))
  return alternatives.every((one) => one !== null) ? alternatives : undefined
}

function readAlternative(root: Members, alternative: unknown): readonly SchemeNeed[] | null {
  if (!isMembers(alternative)) return null
  const needs = Object.entries(alternative).map(([name, scopes]) => readNeed(root, name, scopes))
  return needs.every((need) => need !== null) ? needs : null
}

function readNeed(root: Members, name: string, scopes: unknown): SchemeNeed | null {
  if (!Array.isArray(scopes) || !scopes.every((scope) => typeof scope === 'string')) return null
  const scheme = resolveReference(root, memberOf(memberOf(root.components, 'securitySchemes'), name))
  const textOf = (value: unknown) => (typeof value === 'string' ? value : null)
  const httpScheme = textOf(scheme?.scheme)?.toLowerCase() ?? null
  return { type: textOf(scheme?.type), httpScheme, scopes }
}
