/** What is wrong with a template, told to the person who wrote it. */

/** A fault in a template: `path` is the member, `variable` what it names, `nearest` what it may have meant. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'
  readonly path: string
  readonly variable: string | undefined
  readonly nearest: readonly string[]

  constructor(path: string, problem: string, variable?: string, nearest: readonly string[] = []) {
    const named = variable === undefined ? '' : `: \${${variable}}`
    const hint = nearest.length === 0 ? '' : ` (did you mean ${nearest.join(', ')}?)`
    super(`${path}: ${problem}${named}${hint}`)
    this.path = path
    this.variable = variable
    this.nearest = nearest
  }
}

/** The up to three allowed names that differ least from a wrong one. */
export function nearestNames(wrong: string, allowed: readonly string[]): readonly string[] {
  const bounded = wrong.slice(0, 100)
  return allowed
    .map((name) => ({ name, distance: editDistance(bounded, name) }))
    .sort((one, other) => one.distance - other.distance)
    .slice(0, 3)
    .map(({ name }) => name)
}

/** Levenshtein's distance, one row at a time. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
