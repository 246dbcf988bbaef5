/** What kind of value each option has, for programs that no type checker reads. No value is repeated: some are secrets. */

import type { ClientOptions } from './options.ts'

interface Kind {
  readonly what: string
  readonly isRight: (value: unknown) => boolean
}

const kind = (what: string, isRight: Kind['isRight']): Kind => ({ what, isRight })

const isText = (value: unknown): value is string => typeof value === 'string'
const isHttpsUrl = (value: unknown): boolean =>
  isText(value) && URL.canParse(value) && new URL(value).protocol === 'https:'

/** By its name, as some runtimes have no such class to ask for. */
const isKey = (value: unknown, type: string): boolean =>
  Object.prototype.toString.call(value) === '[object CryptoKey]' &&
  (value as { readonly type?: unknown }).type === type

const membersOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {}

const text = kind('text', isText)
// An empty one is missing, which is told as that.
const httpsUrl = kind('an https URL', (value) => value === '' || isHttpsUrl(value))
const flag = kind('true or false', (value) => typeof value === 'boolean')
const callable = kind('a function', (value) => typeof value === 'function')
const texts = kind('a list of texts', (value) => Array.isArray(value) && value.every(isText))
const place = kind('header or body', (value) => value === 'header' || value === 'body')
const privateKey = kind(
  'a private CryptoKey, as importPrivateKey makes it, or { key, kid }',
  (value) => isKey(value, 'private') || isKey(membersOf(value).key, 'private'),
)
const binding = kind('true, false or { privateKey, publicKey }', (value) => {
  const pair = membersOf(value)
  return typeof value === 'boolean' || (isKey(pair.privateKey, 'private') && isKey(pair.publicKey, 'public'))
})

const kinds: { readonly [Name in keyof ClientOptions]-?: Kind } = {
  ...{ issuer: httpsUrl, tokenUrl: httpsUrl, clientId: text, clientSecret: text, secretIn: place },
  ...{ privateKey, clientCertificate: flag, scope: text, resource: text, audience: text, origins: texts },
  ...{ dpop: binding, onRenewalFailed: callable },
  ...{ fetch: callable, clock: callable, random: callable, wait: callable, deadline: callable },
}

/** What is misspelled says nothing: `dpop` in another case would be tokens that are not bound. */
export const unknownOptions = (options: object): string[] =>
  Object.keys(options)
    .filter((name) => !Object.hasOwn(kinds, name))
    .map((name) => `${name} is unknown (did you mean ${nearestOption(name)}?)`)

/** By the pairs of neighbouring letters that two names have in common: enough for a misspelling or another case. */
function nearestOption(wrong: string): string {
  const pairs = pairsIn(wrong)
  const likeness = (name: string): number => {
    const own = pairsIn(name)
    return own.filter((pair) => pairs.includes(pair)).length / (own.length + pairs.length)
  }
  const [nearest = ''] = Object.keys(kinds).sort((one, other) => likeness(other) - likeness(one))
  return nearest
}

/** Of `client_id` as of `clientId`. */
function pairsIn(name: string): string[] {
  const letters = name.toLowerCase().replace(/[^a-z]/g, '')
  return Array.from(letters.slice(1), (letter, index) => letters.charAt(index) + letter)
}

/** One sentence for each option that is another kind of value than it may be. */
export function kindProblems(options: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(kinds).flatMap(([name, { what, isRight }]) => {
    const value = options[name]
    return value === undefined || isRight(value) ? [] : [`${name} is ${found(value)}, expected ${what}`]
  })
}

function found(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return 'text'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
