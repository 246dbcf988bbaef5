/** What a route says that it needs, and what of it no guard could hold to. */

import { isScopeToken } from '@sallyport/protocol'
import { readLimit } from './limits/limit.ts'
import type { LimitTerms } from './limits-of-endpoints.ts'
import { anything, objectOf, scope, text } from './option-checks.ts'
import { type GuardOptions, GuardOptionsError } from './options.ts'

/** What a request needs, where no table of endpoints says so, or beside what a table says. */
export interface Requirement {
  /** All of them, and those that a table has beside them. */
  readonly scope?: string | readonly string[]
  /** What limits are counted by, such as `GET /invoices`; where a table has the request, its endpoint goes before. */
  readonly endpoint?: string
  /** Beside one of a table, the tighter holds. */
  readonly limit?: LimitTerms
}

export type RequirementCheck = (requirement: Requirement) => void

/** Refuses what would count nothing, or count together what does not belong together. */
export function createRequirementCheck({ limits, endpoints, unlisted }: GuardOptions): RequirementCheck {
  const ownLimits = limits?.limitOf !== undefined
  const isTableWhole = endpoints !== undefined && unlisted !== 'authenticate'
  return ({ limit, endpoint }) => {
    if (limit !== undefined && limits === undefined)
      fail(
        'a limit counts nothing without a store: give createGuard `limits: { store: createMemoryLimits() }`',
      )
    if (limit !== undefined && !ownLimits) checkLimitOf(limit)
    const isCounted = limit !== undefined || ownLimits
    if (isCounted && !isTableWhole && !endpoint)
      fail('a limit needs `endpoint`, such as `GET /invoices`: routes without it would be counted together')
  }
}

/** Refuses what is misspelled: a scope by another name would be none, and let every good token in. */
export const checkWords: RequirementCheck = (requirement) => {
  const [problem] = knownWords(requirement, 'what a route needs')
  if (problem !== undefined) fail(problem)
}

const knownWords = objectOf<Requirement>(
  { scope, endpoint: text, limit: anything },
  [],
  ['scope', 'endpoint', 'limit'],
)

const isChecked = Symbol('checked')

interface Checked extends Requirement {
  readonly [isChecked]?: true
}

/** Of an adapter, which has checked the words where the route was made: they are not looked at again at each request. */
export const checked = ({ scope, endpoint, limit }: Requirement): Checked => ({
  // By name: spreading would leave out what an object has from its class.
  ...(scope !== undefined && { scope }),
  ...(endpoint !== undefined && { endpoint }),
  ...(limit !== undefined && { limit }),
  [isChecked]: true,
})

/** Any good token will do. */
export const nothingMore: Requirement = checked({})

/** At each request: what is right is told without making anything, and only the rest is looked at in full. */
export function checkWordsOnce(requirement: Checked): void {
  // Untyped code may hand over null.
  if (requirement?.[isChecked] !== true && !isPlainlyRight(requirement)) checkWords(requirement)
}

function isPlainlyRight(requirement: Requirement): boolean {
  let isAnything = false
  for (const name in requirement) {
    if (!isMember(name, requirement)) return false
    isAnything = true
  }
  return isAnything
}

const isMember = (name: string, { scope, endpoint, limit }: Requirement): boolean =>
  name === 'scope'
    ? isScope(scope) || (Array.isArray(scope) && scope.every(isScope))
    : name === 'endpoint'
      ? isText(endpoint)
      : name === 'limit' && limit !== undefined

// Scopes are words of a program, so that there are few: to know one again costs a fraction of reading it.
const knownScopes = new Set<string>()
const mostKnown = 1_000

const isScope = (value: unknown): boolean =>
  typeof value === 'string' && (knownScopes.has(value) || isScopeAnew(value))

function isScopeAnew(text: string): boolean {
  if (!isScopeToken(text)) return false
  if (knownScopes.size >= mostKnown) knownScopes.clear()
  knownScopes.add(text)
  return true
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''

function checkLimitOf(limit: LimitTerms): void {
  try {
    readLimit(limit)
  } catch (error) {
    fail(`limit: ${error instanceof Error ? error.message : 'it is none'}`)
  }
}

const fail = (problem: string): never => {
  throw new GuardOptionsError(problem)
}
