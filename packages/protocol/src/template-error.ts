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
