/** The few kinds of values that options have. A check tells each problem with where it is, and repeats no value: some are secrets. */

import { isScopeToken, nearestNames } from '@sallyport/protocol'

/** The problems of the value at this place, none where it is right. */
export type Check = (value: unknown, at: string) => Iterable<string>

export const must = (what: string, isRight: (value: unknown) => boolean): Check =>
  function* (value, at) {
    if (!isRight(value)) yield `${at} must be ${what}`
  }

export const text = must('text, and not empty', (value) => typeof value === 'string' && value !== '')
export const flag = must('true or false', (value) => typeof value === 'boolean')
export const callable = must('a function', (value) => typeof value === 'function')
export const anything = must('anything but undefined', (value) => value !== undefined)

export const scope = must('a scope, or a list of scopes', (value) =>
  Array.isArray(value) ? value.every(isScope) : isScope(value),
)
const isScope = (value: unknown): boolean => typeof value === 'string' && isScopeToken(value)

export const oneOf = (words: readonly string[]): Check =>
  must(words.join(' or '), (value) => words.some((word) => word === value))

export const wholeNumber = (least: number): Check =>
  must(`a whole number, ${least} or more`, (value) => Number.isSafeInteger(value) && Number(value) >= least)

/** Of which each member is right. */
export const listOf = (check: Check, least = 0): Check =>
  function* (value, at) {
    if (!Array.isArray(value) || value.length < least)
      yield `${at} must be a list${least > 0 ? ' of some' : ''}`
    else for (const [index, member] of value.entries()) yield* check(member, `${at}[${index}]`)
  }

/** Members of any name. */
export const recordOf = (check: Check): Check =>
  function* (value, at) {
    if (!isRecord(value)) yield `${at} must be an object`
    else for (const [name, member] of Object.entries(value)) yield* check(member, `${at}.${name}`)
  }

/**
 * With these members and no other: what is misspelled says nothing, and would guard by less than was meant. `said` are those
 * that may be left out, and are not undefined where they stand: a name that does not exist would be, and so ask for nothing.
 */
export const objectOf = <Members extends object>(
  checks: Readonly<Record<keyof Members & string, Check>>,
  needed: readonly (keyof Members & string)[] = [],
  said: readonly (keyof Members & string)[] = [],
): Check =>
  function* (value, at) {
    if (!isRecord(value)) return yield `${at || 'what the guard is given'} must be an object`
    for (const name of Object.keys(value)) if (!Object.hasOwn(checks, name)) yield unknown(name, at, checks)
    yield* checkMembers(value, at, checks, [...needed, ...said.filter((name) => name in value)])
  }

/** Something that works, with at least these members: what else it has is its own. */
export const having = (checks: Readonly<Record<string, Check>>): Check =>
  function* (value, at) {
    if (!isObject(value)) yield `${at} must be an object`
    else yield* checkMembers(value, at, checks, Object.keys(checks))
  }

function* checkMembers(
  value: Readonly<Record<string, unknown>>,
  at: string,
  checks: Readonly<Record<string, Check>>,
  needed: readonly string[],
): Iterable<string> {
  for (const [name, check] of Object.entries(checks))
    if (value[name] !== undefined || needed.includes(name)) yield* check(value[name], join(at, name))
}

function unknown(name: string, at: string, checks: Readonly<Record<string, Check>>): string {
  const known = Object.keys(checks)
  const [nearest = ''] = [...known.filter((one) => one.startsWith(name)), ...nearestNames(name, known)]
  return `${join(at, name)} is unknown (did you mean ${nearest}?)`
}

const join = (at: string, name: string): string => (at === '' ? name : `${at}.${name}`)

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A map, a promise or a request has no members of its own, and would be read as one that asks for nothing. */
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  Object.prototype.toString.call(value) === '[object Object]'
