/** Scopes: their syntax (RFC 6749 §3.3), and the one wildcard rule this product adds. */
import { refuse } from './errors.ts'

const maximumLength = 4096
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/
const scopeList = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/

/** True if the text is one scope-token. Says nothing about whether any API declares it. RFC 6749 §3.3. */
export const isScopeToken = (text: string): boolean => text.length <= maximumLength && scopeToken.test(text)

/**
 * Parses a `scope` parameter to its scopes, in the order asked, without repeats.
 *
 * Throws `invalid_scope` for more than 4,096 characters (before reading them: a long list has cost others their CPU),
 * a character outside RFC 6749 §3.3, an empty list, and blanks that are not exactly one between two scopes.
 * Does not check that a scope is declared or granted.
 */
export function parseScope(value: string): readonly string[] {
  if (value.length > maximumLength)
    refuse('invalid_scope', 'scope too long', `The scope is longer than ${maximumLength} characters.`)
  if (!scopeList.test(value)) {
    refuse(
      'invalid_scope',
      'scope malformed',
      'The scope must be a list of names with one blank between them.',
    )
  }
  const scopes = value.split(' ')
  return scopes.length === 1 ? scopes : [...new Set(scopes)]
}

/** True if the whole last segment is a star: `prefix:*` or `prefix/*`. A bare `*` is an ordinary name. */
export const isWildcardScope = (scope: string): boolean =>
  scope.length > 2 && (scope.endsWith(':*') || scope.endsWith('/*'))

/**
 * True if holding `granted` allows `asked`: the same text, or a wildcard over one or more characters after its separator,
 * further segments included.
 *
 * A wildcard itself is covered only by the same text: holding `storage:*` must not yield `storage:disk:*`, which reads
 * like a grant that nobody made. A star elsewhere is an ordinary character, and nothing here is a regular expression.
 */
export function scopeCovers(granted: string, asked: string): boolean {
  if (granted === asked) return true
  if (!isWildcardScope(granted) || isWildcardScope(asked)) return false
  return asked.length >= granted.length && asked.startsWith(granted.slice(0, -1))
}

/** Scopes compiled for many questions. */
export interface ScopeSet {
  /** As `scopeCovers` for any of the scopes, in time bounded by the longest wildcard held. */
  covers(asked: string): boolean
}

/** Compiles the scopes that an app is granted or an API declares, once. Does not check their syntax. */
export function createScopeSet(granted: readonly string[]): ScopeSet {
  const literal = new Set(granted)
  const prefixes = new Set(granted.filter(isWildcardScope).map((scope) => scope.slice(0, -1)))
  const longest = Math.max(0, ...[...prefixes].map((prefix) => prefix.length))
  return {
    covers: (asked) =>
      literal.has(asked) || (longest > 0 && !isWildcardScope(asked) && hasPrefix(asked, prefixes, longest)),
  }
}

function hasPrefix(asked: string, prefixes: ReadonlySet<string>, longest: number): boolean {
  const last = Math.min(longest, asked.length - 1)
  for (let length = 2; length <= last; length++) {
    const separator = asked[length - 1]
    if ((separator === ':' || separator === '/') && prefixes.has(asked.slice(0, length))) return true
  }
  return false
}
