/** From a path to its operation: the table's templates against the segments that came. */

import { decodePercent } from '@sallyport/protocol'
import type { Operation } from './operation.ts'

export interface Route {
  readonly operation: Operation
  readonly params: Readonly<Record<string, string>>
}

export interface Router {
  /** The methods are those of the path, where it has none for the method asked. */
  find(method: string, path: string): Route | { readonly methods: readonly string[] }
}

interface Template {
  readonly segments: readonly string[]
  readonly operation: Operation
}

const segmentsOf = (path: string): readonly string[] => path.split('/').slice(1)

const paramName = (segment: string): string | undefined => /^\{(.+)\}$/.exec(segment)?.[1]

export function createRouter(operations: readonly Operation[]): Router {
  const templates = operations.map((operation) => ({ segments: segmentsOf(operation.path), operation }))
  return {
    find(method, path) {
      const segments = segmentsOf(path)
      const matching = templates.flatMap((template) => {
        const params = match(template, segments)
        return params === null ? [] : [{ operation: template.operation, params }]
      })
      const found = matching.find(({ operation }) => operation.method === method)
      return found ?? { methods: matching.map(({ operation }) => operation.method) }
    },
  }
}

/** A segment is decoded once, so that no spelling of a slash moves a border. */
function match({ segments }: Template, asked: readonly string[]): Record<string, string> | null {
  if (segments.length !== asked.length) return null
  const params: Record<string, string> = {}
  for (const [index, segment] of segments.entries()) {
    const name = paramName(segment)
    const value = decodeSegment(asked[index] ?? '')
    if (value === null || value === '') return null
    if (name !== undefined) params[name] = value
    else if (segment !== value) return null
  }
  return params
}

function decodeSegment(text: string): string | null {
  const decoded = decodePercent(text)
  // Neither database keeps U+0000, and no id holds a control character.
  return decoded === null || /\p{Cc}/u.test(decoded) || !decoded.isWellFormed() ? null : decoded
}
