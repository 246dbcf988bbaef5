/** Which endpoint a request is for. What could be taken for two is refused, and so is what no endpoint names. */

import type { Endpoint } from './endpoint.ts'
import { pathOf, readPath } from './read-path.ts'
import { type Candidate, createRouteTree, type RouteTree } from './route-tree.ts'

/** Where a request leads: to an endpoint, or why to none. */
export type Route<E extends Endpoint> =
  | { readonly endpoint: E; readonly refused?: never }
  /** Answer 400; `reason` is for the log. `resembled` is the endpoint that some routers would take it for. */
  | {
      readonly refused: 'malformed'
      readonly reason: string
      readonly resembled?: E
      readonly endpoint?: never
    }
  /** No router can take the path for that of an endpoint, in any spelling. */
  | { readonly refused: 'unknown'; readonly endpoint?: never }
  /** The path is an endpoint's, for other methods. */
  | { readonly refused: 'method'; readonly allow: readonly string[]; readonly endpoint?: never }

/** Endpoints, compiled. */
export interface RouteTable<E extends Endpoint> {
  /**
   * The endpoint that a request is for.
   *
   * `target` is what the router behind will see: a path with or without query, or an absolute URL. A HEAD is for the
   * endpoint of GET where none takes HEAD itself; before a router that answers every HEAD by its GET, ask for GET. An
   * OPTIONS is a method like others: let CORS preflights pass before.
   */
  find(method: string, target: string): Route<E>
}

/**
 * Compiles endpoints to a table.
 *
 * A literal segment goes before a parameter: a router that goes by order must be given its routes in that order. Case
 * counts, and so does a slash at the end. Throws a TypeError for endpoints that no table can hold: a malformed path,
 * two that take the same requests or differ in case alone, or one with a scope that is public.
 *
 * A guard makes its own from `endpoints`; this is for whoever wants to know beforehand. Does not look at tokens.
 *
 * @example
 * ```ts
 * import { createRouteTable } from '@sallyport/guard'
 *
 * const table = createRouteTable([{ method: 'GET', path: '/invoices/{invoice}', scope: 'invoices:read' }])
 * table.find('GET', '/invoices/7?full=1').endpoint?.scope // 'invoices:read'
 * table.find('GET', '/Invoices/7').refused // 'malformed': some routers take it for the endpoint, others do not
 * ```
 */
export function createRouteTable<E extends Endpoint>(endpoints: readonly E[]): RouteTable<E> {
  const tree = treeOf(endpoints)
  const literals = literalRoutes(endpoints)
  return {
    find: (method, target) => {
      const path = pathOf(target)
      return literals.get(method)?.get(path) ?? findInTree(tree, method, path)
    },
  }
}

function treeOf<E extends Endpoint>(endpoints: readonly E[]): RouteTree<E> {
  const tree = createRouteTree<E>()
  for (const endpoint of endpoints) {
    const problem = addTo(tree, endpoint)
    if (problem !== null) throw new TypeError(problem)
  }
  return tree
}

/** Of each endpoint that a table of them cannot hold, why. */
export function* routeProblems(endpoints: readonly Endpoint[]): Iterable<string> {
  const tree = createRouteTree()
  for (const endpoint of endpoints) {
    const problem = addTo(tree, endpoint)
    if (problem !== null) yield problem
  }
}

function addTo<E extends Endpoint>(tree: RouteTree<E>, endpoint: E): string | null {
  const reason = isContradictory(endpoint) ? 'it is public, and needs a scope' : tree.add(endpoint)
  return reason && `endpoint ${endpoint.method} ${endpoint.path}: ${reason}`
}

const isContradictory = ({ isPublic, scope }: Endpoint): boolean => isPublic === true && scope !== undefined

/** Paths without parameters, which go before all others: by method and path. Those with a slash at the end may not. */
function literalRoutes<E extends Endpoint>(endpoints: readonly E[]): Map<string, Map<string, Route<E>>> {
  const literal = endpoints.filter(({ path }) => !path.includes('{') && !/.\/$/.test(path))
  const routesOf = (...methods: readonly string[]) =>
    methods
      .flatMap((method) => literal.filter((one) => one.method === method))
      .map((endpoint) => [endpoint.path, { endpoint }] as const)
  const methods = new Set(literal.map(({ method }) => method))
  const routes = new Map([...methods].map((method) => [method, new Map(routesOf(method))]))
  return routes.set('HEAD', new Map(routesOf('GET', 'HEAD')))
}

function findInTree<E extends Endpoint>(tree: RouteTree<E>, method: string, path: string): Route<E> {
  const requested = readPath(path)
  if (requested === null) return { refused: 'malformed', reason: 'routers could read the path in two ways' }
  const candidates = tree.candidates(requested)
  const candidate = candidates.get(method)
  if (candidate !== undefined) return routeTo(candidate)
  const allow = [...candidates].filter(([, { isExact }]) => isExact).map(([other]) => other)
  if (allow.length > 0) return { refused: 'method', allow: allow.sort() }
  const [misspelled] = candidates.values()
  return misspelled === undefined ? { refused: 'unknown' } : routeTo(misspelled)
}

function routeTo<E extends Endpoint>({ endpoint, isExact }: Candidate<E>): Route<E> {
  if (isExact) return { endpoint }
  const reason = `some routers would take the path for ${endpoint.path}`
  return { refused: 'malformed', reason, resembled: endpoint }
}
