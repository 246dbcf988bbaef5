// Reads TypeScript just well enough for the repository's own tests: blanks comments and strings, then finds imports and exports.

export type SourceFile = {
  /** Relative to the repository, with forward slashes. */
  readonly path: string
  readonly text: string
}

export type Import = {
  readonly specifier: string
  readonly typeOnly: boolean
  /** What is taken of the module; undefined where that is the whole of it. */
  readonly names: readonly string[] | undefined
}

export type Declaration = {
  readonly name: string
  readonly kind: 'type' | 'value'
  readonly isExported: boolean
  /** With comments and strings blanked; empty where the name is only handed on from another module. */
  readonly statement: string
}

/** The same text, of the same length, with comments and the contents of strings and regular expressions blanked. */
export function blank(text: string): string {
  const out: string[] = []
  const openTemplates: number[] = []
  let depth = 0
  let at = 0
  const keep = (end: number) => {
    out.push(text.slice(at, end))
    at = end
  }
  const drop = (end: number) => {
    out.push(text.slice(at, end).replace(/[^\n]/g, ' '))
    at = end
  }
  const template = () => {
    while (at < text.length && text[at] !== '`' && !text.startsWith('${', at))
      drop(at + (text[at] === '\\' ? 2 : 1))
    if (text.startsWith('${', at)) {
      openTemplates.push(depth)
      depth++
      keep(at + 2)
    } else keep(at + 1)
  }
  while (at < text.length) {
    const character = text[at] ?? ''
    if (text.startsWith('//', at)) drop(endOf(text, /\n|$/g, at))
    else if (text.startsWith('/*', at)) drop(endOf(text, /\*\//g, at) + 2)
    else if (character === "'" || character === '"') {
      keep(at + 1)
      while (at < text.length && text[at] !== character && text[at] !== '\n')
        drop(at + (text[at] === '\\' ? 2 : 1))
      keep(at + 1)
    } else if (character === '`') {
      keep(at + 1)
      template()
    } else if (character === '/' && startsRegularExpression(out.join('').slice(-40))) {
      const end = /^\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\//.exec(text.slice(at))?.[0].length ?? 1
      keep(at + 1)
      if (end > 1) {
        drop(at + end - 2)
        keep(at + 1)
      }
    } else {
      if (character === '{') depth++
      if (character === '}') depth--
      keep(at + 1)
      if (character === '}' && openTemplates.at(-1) === depth) {
        openTemplates.pop()
        template()
      }
    }
  }
  return out.join('')
}

function endOf(text: string, pattern: RegExp, from: number): number {
  pattern.lastIndex = from
  return pattern.exec(text)?.index ?? text.length
}

/** A slash after a value divides; after an operator, a bracket or a keyword it opens a regular expression. */
function startsRegularExpression(before: string): boolean {
  return /(^|[(,=:[!&|?{};+\-*%~^<>\n]|\b(return|typeof|case|of|in|await|yield|void))\s*$/.test(before)
}

/** Every module that the text names: static, re-exported, for its effects, dynamic, or only for its types. */
export function importsOf(text: string): Import[] {
  const code = blank(text)
  const specifierAt = (index: number) => {
    const quote = text[index] ?? ''
    return text.slice(index + 1, text.indexOf(quote, index + 1))
  }
  return [...code.matchAll(/(?:\bfrom|\bimport)\s*(\(\s*)?(?=['"`])/g)]
    .filter((match) => !(match[0].startsWith('from') && match[1]))
    .map((match) => {
      const clause = clauseBefore(code, match.index)
      return {
        specifier: specifierAt(match.index + match[0].length),
        typeOnly: /\b(?:import|export)\s+type\b[^'"`;]*$/.test(clause),
        names: match[0].startsWith('from') ? listedIn(clause)?.map(({ name }) => name) : undefined,
      }
    })
}

/** What stands at the top of the text under a name, and what it hands on by `export { … }`. */
export function declarationsOf(text: string): Declaration[] {
  return statementsOf(blank(text)).flatMap((statement): Declaration[] => {
    const [, exported, keyword = '', name] = declaration.exec(statement) ?? []
    if (name) return [{ name, kind: kindOf(keyword), isExported: exported !== undefined, statement }]
    const [handsOn, type = ''] = /^export\s+(type\s)?/.exec(statement) ?? []
    const listed = handsOn ? (listedIn(statement) ?? []) : []
    return listed.map(({ as, keyword }) => ({
      ...{ name: as, kind: kindOf(type || keyword), isExported: true, statement: '' },
    }))
  })
}

const kindOf = (keyword: string) => (/type|interface/.test(keyword) ? 'type' : 'value')

const declaration =
  /^(export\s+)?(?:declare\s+)?(?:abstract\s+|async\s+)?(function\*?|const|let|class|type|interface)\s+([\w$]+)/

/** The formatter leaves nothing but the beginnings of statements, and closing brackets, at the edge. */
const statementsOf = (code: string) => code.split(/^(?=[A-Za-z])/m)

/** The names between the braces of an import or export; undefined where there are no braces. */
function listedIn(clause: string) {
  const list = /\{([^}]*)\}/.exec(clause)?.[1]
  return list === undefined
    ? undefined
    : [...list.matchAll(/(type\s+)?([\w$]+)(?:\s+as\s+([\w$]+))?/g)].map(
        ([, keyword = '', name = '', as = name]) => ({ keyword, name, as }),
      )
}

function clauseBefore(code: string, index: number): string {
  const before = code.slice(0, index)
  const starts = [...before.matchAll(/^(?:import|export)\b/gm)]
  return before.slice(starts.at(-1)?.index ?? index)
}

/** Dynamic imports whose target is computed, and CommonJS: no reader and no test can follow them. */
export function untraceableImportsOf(text: string): string[] {
  return [...blank(text).matchAll(/\bimport\s*\(\s*(?!['"`])|(?<![.\w])require\s*\(/g)].map(
    (match) => match[0],
  )
}
