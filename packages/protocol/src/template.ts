/**
 * Claims and responses described as data: JSON in which `${name}` stands for a value, compiled once and rendered often.
 *
 * A string that is exactly `${name}` takes the value with its own type, and the member is left out while the value is
 * undefined. Inside longer text, `${name}` takes a string or a number. `$${` writes a literal `${`.
 */
import { nearestNames } from './nearest-names.ts'
import { TemplateError } from './template-error.ts'

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [name: string]: JsonValue
}

/** What a template is rendered from: nested records, so that `${app.name}` reads `values.app.name`. */
export type TemplateValues = Readonly<Record<string, unknown>>

/** A template that has been checked and is quick to render. */
export interface CompiledTemplate {
  /** The variables used, each once, in the order of their first use. */
  readonly variables: readonly string[]
  /** Those of them that stand inside longer text, where only a string or a number can. */
  readonly textVariables: readonly string[]
  /**
   * Builds a fresh object with the template's members in their order; undefined ones are left out, of arrays too. An object
   * or array that a variable brings is passed on, not copied. Throws `TemplateError` for a value that cannot stand in text.
   */
  render(values: TemplateValues): Record<string, unknown>
}

type Render = (values: TemplateValues) => unknown

interface Compilation {
  readonly allowed: readonly string[]
  readonly used: Set<string>
  readonly inText: Set<string>
}

const maximumDepth = 16
const placeholder = /\$\$\{|\$\{([^}]*)(\}?)/g

/**
 * Compiles a template.
 *
 * `variables` are the names it may use, dotted; one that ends in `.*` is an open map, whose keys are taken as they are, dots
 * included. Does not know what any member means. Throws `TemplateError` for a variable that is not allowed (with the nearest
 * that are), an unclosed `${`, a placeholder in a member's name, and nesting deeper than 16.
 */
export function compileTemplate(template: JsonObject, variables: readonly string[]): CompiledTemplate {
  const compilation: Compilation = { allowed: variables, used: new Set(), inText: new Set() }
  const render = compileObject(template, '', 1, compilation)
  return { variables: [...compilation.used], textVariables: [...compilation.inText], render }
}

function compileValue(value: JsonValue, path: string, depth: number, compilation: Compilation): Render {
  if (typeof value === 'string') return compileText(value, path, compilation)
  if (typeof value !== 'object' || value === null) return () => value
  if (depth >= maximumDepth) throw new TemplateError(path, `nested deeper than ${maximumDepth}`)
  if (isArray(value)) return compileArray(value, path, depth + 1, compilation)
  return compileObject(value, path, depth + 1, compilation)
}

// Array.isArray does not narrow readonly arrays.
const isArray = (value: readonly JsonValue[] | JsonObject): value is readonly JsonValue[] =>
  Array.isArray(value)

function compileObject(template: JsonObject, path: string, depth: number, compilation: Compilation) {
  const members = Object.entries(template).map(([name, value]) => {
    const memberPath = path === '' ? name : `${path}.${name}`
    checkMemberName(name, memberPath)
    return { name, render: compileValue(value, memberPath, depth, compilation) }
  })
  return (values: TemplateValues): Record<string, unknown> => {
    const rendered: Record<string, unknown> = {}
    for (const member of members) {
      const value = member.render(values)
      if (value !== undefined) rendered[member.name] = value
    }
    return rendered
  }
}

function checkMemberName(name: string, path: string): void {
  if (name.includes('${')) throw new TemplateError(path, 'a member name cannot hold a placeholder')
  // Assigning it would change the object's prototype instead of adding a member.
  if (name === '__proto__') throw new TemplateError(path, 'this member name is not allowed')
}

function compileArray(
  items: readonly JsonValue[],
  path: string,
  depth: number,
  compilation: Compilation,
): Render {
  const renders = items.map((item, index) => compileValue(item, `${path}[${index}]`, depth, compilation))
  return (values) => renders.map((render) => render(values)).filter((value) => value !== undefined)
}

function compileText(text: string, path: string, compilation: Compilation): Render {
  const pieces = splitText(text, path, compilation)
  const [only, second] = pieces
  if (only === undefined) return () => ''
  if (second === undefined) return typeof only === 'string' ? () => only : only.read
  for (const piece of pieces) if (typeof piece !== 'string') compilation.inText.add(piece.variable)
  return (values) => interpolate(pieces, path, values)
}

/** A piece of text: literal, or a variable to read. */
type Piece = string | { readonly variable: string; readonly read: Render }

function splitText(text: string, path: string, compilation: Compilation): readonly Piece[] {
  const pieces: Piece[] = []
  let literal = ''
  let end = 0
  for (const match of text.matchAll(placeholder)) {
    literal += text.slice(end, match.index)
    end = match.index + match[0].length
    const [whole, variable = '', brace] = match
    if (whole === '$${') {
      literal += '${'
      continue
    }
    if (brace === '') throw new TemplateError(path, 'a "${" is not closed')
    if (literal !== '') pieces.push(literal)
    literal = ''
    pieces.push({ variable, read: compileVariable(variable, path, compilation) })
  }
  literal += text.slice(end)
  return literal === '' ? pieces : [...pieces, literal]
}

function interpolate(pieces: readonly Piece[], path: string, values: TemplateValues): string | undefined {
  let text = ''
  for (const piece of pieces) {
    const value = typeof piece === 'string' ? piece : piece.read(values)
    if (value === undefined) return undefined
    if (typeof value !== 'string' && typeof value !== 'number') {
      const variable = typeof piece === 'string' ? undefined : piece.variable
      throw new TemplateError(path, 'only a string or a number can stand inside text', variable)
    }
    text += value
  }
  return text
}

function compileVariable(variable: string, path: string, { allowed, used }: Compilation): Render {
  used.add(variable)
  if (allowed.includes(variable)) return readPath(variable.split('.'))
  const openMap = allowed.find((name) => name.endsWith('.*') && variable.startsWith(name.slice(0, -1)))
  const key = openMap && variable.slice(openMap.length - 1)
  if (openMap === undefined || !key) {
    throw new TemplateError(path, 'unknown variable', variable, nearestNames(variable, allowed))
  }
  return readPath([...openMap.slice(0, -2).split('.'), key])
}

/** Own members only: a tenant's template must not reach `constructor` and its kin through an open map. */
function readPath(segments: readonly string[]): Render {
  return (values) => {
    let value: unknown = values
    for (const segment of segments) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return undefined
      value = (value as Record<string, unknown>)[segment]
    }
    return value
  }
}
