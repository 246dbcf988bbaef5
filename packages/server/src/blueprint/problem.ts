/** What is wrong with a blueprint, told so that it can be mended: where, what was found, what was expected. */

export type Path = readonly (string | number)[]

export interface Problem {
  readonly file: string
  readonly line: number
  readonly column: number
  /** `tenants[0].apis[0].audience`; empty for the file as a whole. */
  readonly path: string
  readonly found: string
  readonly expected: string
}

/** Reports a problem at a place of the file being checked. */
export type Report = (path: Path, found: string, expected: string) => void

const secretForms: ReadonlySet<unknown> = new Set(['from_env', 'from_file', 'hash'])

/** Below a secret even a key may be the secret itself, as in `{hunter2}`. */
function withoutSecretKeys(path: Path): Path {
  const secret = path.includes('credentials') ? path.indexOf('secret') : -1
  return secret === -1 || secretForms.has(path[secret + 1]) ? path : path.slice(0, secret + 1)
}

export const formatPath = (path: Path): string =>
  withoutSecretKeys(path)
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('')

export const formatProblem = ({ file, line, column, path, found, expected }: Problem): string =>
  `${file}:${line}:${column} ${path === '' ? '' : `${path}: `}found ${found}, expected ${expected}`

/** Whatever stands there may be a secret, so nobody gets to read it: not even a key, which `{hunter2}` would be. */
export const isSecretPlace = (path: Path): boolean => path.includes('credentials')

const longestShown = 60
const looksGenerated = /sp_(?:live|test)_/

/** A value as a problem may show it: scalars in short, collections by their kind, secrets never. */
export function showValue(value: unknown, path: Path): string {
  if (value === undefined || value === null) return 'nothing'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'a map'
  const kind = typeof value === 'string' ? 'text' : `a ${typeof value}`
  const text = JSON.stringify(value)
  return isSecretPlace(path) || looksGenerated.test(text) ? `${kind} (not shown)` : shorten(text)
}

export const shorten = (text: string): string =>
  text.length > longestShown ? `${text.slice(0, longestShown)}…` : text
