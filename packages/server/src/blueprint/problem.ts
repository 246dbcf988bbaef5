/** What is wrong with a blueprint, told so that it can be mended: where, what was found, what was expected. */

import { FederationRule } from '../federation/rule.ts'
import { CertificateSource, CredentialEntry } from './schema.ts'

export type Path = readonly (string | number)[]

export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
  /** `tenants[0].apis[0].audience`; empty for the file as a whole. */
  readonly path: string
}

export interface Problem extends Place {
  readonly found: string
  readonly expected: string
}

/** A problem whose place its finder does not know. */
export type Fault = Pick<Problem, 'found' | 'expected'>

/** What can be done and is likely to be regretted: a sentence, at its place. */
export interface Warning extends Place {
  readonly sentence: string
}

export const formatWarning = ({ file, line, column, path, sentence }: Warning): string =>
  `${file}:${line}:${column} ${path}: warning: ${sentence}`

/** Reports a problem at a place of the file being checked. */
export type Report = (path: Path, found: string, expected: string) => void

/** The keys that a credential may have, and those of the maps below them. */
const keysOfCredentials: ReadonlyMap<unknown, readonly unknown[]> = new Map(
  Object.entries({
    ...Object.fromEntries(Object.keys(CredentialEntry.properties).map((name) => [name, []])),
    secret: ['from_env', 'from_file', 'hash'],
    public_key: ['from_file', 'kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg', 'use', 'key_ops'],
    certificate: Object.keys(CertificateSource.properties),
    federation: Object.keys(FederationRule.properties),
  }),
)

/** In a credential even a key may be the secret itself, as in `secret: {hunter2}`: only those that we know are shown. */
function withoutSecretKeys(path: Path): Path {
  const credentials = path.indexOf('credentials')
  const form = credentials + 2
  if (credentials === -1 || path.length <= form) return path
  const known = keysOfCredentials.get(path[form])
  if (!known) return path.slice(0, form)
  return path.slice(0, form + (known.includes(path[form + 1]) ? 2 : 1))
}

export const formatPath = (path: Path): string =>
  withoutSecretKeys(path)
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('')

export const formatProblem = ({ file, line, column, path, found, expected }: Problem): string =>
  `${file}:${line}:${column} ${path === '' ? '' : `${path}: `}found ${found}, expected ${expected}`

/** Whatever stands there may be a secret, so nobody gets to read it: not even a key, which `{hunter2}` would be. */
export const isSecretPlace = (path: Path): boolean =>
  path.includes('credentials') || path.includes('certificate_authorities')

/** RFC 7468 §10, §11 and the older forms. */
export const hasPrivateKey = (text: string): boolean => /-----BEGIN [A-Z ]*PRIVATE KEY/.test(text)

const longestShown = 60
const looksGenerated = /sp_(?:live|test)_/

/** A value as a problem may show it: scalars in short, collections by their kind, secrets never. */
export function showValue(value: unknown, path: Path): string {
  if (value === undefined || value === null) return 'nothing'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'a map'
  const kind = typeof value === 'string' ? 'text' : `a ${typeof value}`
  const text = JSON.stringify(value)
  return isSecretPlace(path) || looksGenerated.test(text) || hasPrivateKey(text)
    ? `${kind} (not shown)`
    : shorten(text)
}

export const shorten = (text: string): string =>
  text.length > longestShown ? `${text.slice(0, longestShown)}…` : text
