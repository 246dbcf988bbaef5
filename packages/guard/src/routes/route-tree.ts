/**
 * Endpoints as a tree of segments, and all of them that a path could be taken for.
 *
 * Routers differ in how they compare a literal (with or without case, before or after decoding) and in whether they
 * mind a slash at the end, but they agree that a literal goes before a parameter. So the tree is walked once, with the
 * widest comparison, in that order: a router that compares more narrowly finds fewer, in the same order. If the first is
 * spelled exactly, it is the one that every router finds.
 */

import type { Endpoint } from './endpoint.ts'
import { fold, type RequestPath } from './read-path.ts'

interface Leaf<E> {
  readonly endpoint: E
  readonly hasSlash: boolean
  /** Whether it takes HEAD only because it takes GET. */
  readonly isImplied: boolean
}

interface Node<E> {
  /** By folded text. */
  readonly literals: Map<string, { readonly text: string; readonly node: Node<E> }>
  parameter: Node<E> | null
  /** By method. */
  readonly leaves: Map<string, Leaf<E>>
}

const emptyNode = <E>(): Node<E> => ({ literals: new Map(), parameter: null, leaves: new Map() })

export interface Candidate<E> {
  readonly endpoint: E
  /** Whether it is spelled as every router demands it. */
  readonly isExact: boolean
}

export interface RouteTree<E> {
  /** Why this endpoint cannot stand beside the others, or null: then it does. */
  add(endpoint: E): string | null
  /** By method, the endpoint that goes first of those that the path could be taken for. */
  candidates(path: RequestPath): ReadonlyMap<string, Candidate<E>>
}

const method = /^[A-Z][A-Z-]*$/
const literal = "(?!\\.{1,2}(?:/|$))[A-Za-z0-9._~!$&'()*+,=:@-]+"
const path = new RegExp(`^(?:/|(?:/(?:${literal}|\\{[^{}/]+\\}))+/?)$`)

export function createRouteTree<E extends Endpoint>(): RouteTree<E> {
  const root = emptyNode<E>()
  return {
    add: (endpoint) => {
      if (!method.test(endpoint.method)) return 'a method is a word in upper case'
      // A literal that needs percent-encoding is compared with what was sent by some routers, decoded by others.
      if (!path.test(endpoint.path))
        return 'each segment of a path is either a name in braces or literal, in characters that need no percent-encoding'
      return addLeaf(root, endpoint)
    },
    candidates: (requested) => {
      const found = new Map<string, Candidate<E>>()
      collect(found, requested, root, 0, true)
      return found
    },
  }
}

function addLeaf<E extends Endpoint>(root: Node<E>, endpoint: E): string | null {
  let node = root
  for (const segment of endpoint.path.split('/').filter((one) => one !== '')) {
    const next = segment.startsWith('{') ? parameterOf(node) : literalOf(node, segment)
    if (next === null) return `another path writes ${segment} in other case, which some routers ignore`
    node = next
  }
  if (node.leaves.get(endpoint.method)?.isImplied === false) return 'another endpoint takes the same requests'
  setLeaf(node, endpoint)
  return null
}

function setLeaf<E extends Endpoint>({ leaves }: Node<E>, endpoint: E): void {
  const hasSlash = endpoint.path.endsWith('/')
  leaves.set(endpoint.method, { endpoint, hasSlash, isImplied: false })
  // RFC 9110 §9.3.2: HEAD is GET without the content. Routers look for both at once.
  if (endpoint.method === 'GET' && !leaves.has('HEAD'))
    leaves.set('HEAD', { endpoint, hasSlash, isImplied: true })
}

function parameterOf<E>(node: Node<E>): Node<E> {
  node.parameter ??= emptyNode()
  return node.parameter
}

function literalOf<E>(node: Node<E>, text: string): Node<E> | null {
  const known = node.literals.get(fold(text))
  if (known !== undefined) return known.text === text ? known.node : null
  const added = emptyNode<E>()
  node.literals.set(fold(text), { text, node: added })
  return added
}

/** Each node is visited once at most, so the size of the tree bounds what any path can cost. */
function collect<E>(
  found: Map<string, Candidate<E>>,
  requested: RequestPath,
  node: Node<E>,
  depth: number,
  isExact: boolean,
): void {
  const segment = requested.segments[depth]
  if (segment === undefined) {
    collectLeaves(found, requested, node, isExact)
    return
  }
  const known = node.literals.size > 0 ? node.literals.get(fold(segment.decoded)) : undefined
  if (known !== undefined)
    collect(found, requested, known.node, depth + 1, isExact && known.text === segment.text)
  if (node.parameter !== null) collect(found, requested, node.parameter, depth + 1, isExact)
}

function collectLeaves<E>(
  found: Map<string, Candidate<E>>,
  { hasSlash }: RequestPath,
  node: Node<E>,
  isExact: boolean,
): void {
  for (const [method, leaf] of node.leaves) {
    const first = found.get(method)
    if (first === undefined)
      found.set(method, { endpoint: leaf.endpoint, isExact: isExact && leaf.hasSlash === hasSlash })
    // Hono can drop the last slash of a request: then it misses the first, which has one, and finds this.
    else if (hasSlash && first.isExact && !leaf.hasSlash) found.set(method, { ...first, isExact: false })
  }
  if (hasSlash && node.parameter !== null) collectEmpty(found, node.parameter)
}

/** find-my-way takes what follows the last slash for a parameter, even if that is nothing. */
function collectEmpty<E>(found: Map<string, Candidate<E>>, { leaves }: Node<E>): void {
  for (const [method, { endpoint }] of leaves)
    if (!found.has(method)) found.set(method, { endpoint, isExact: false })
}
