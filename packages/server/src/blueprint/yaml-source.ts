/** One YAML file read strictly into plain values, with the place of each: no aliases, no tags, one document. */

import { isAlias, isMap, isScalar, isSeq, LineCounter, type ParsedNode, parseDocument } from 'yaml'
import { formatPath, type Path, type Place, type Problem, type Warning } from './problem.ts'

export interface Source {
  readonly file: string
  readonly value: unknown
  /** A problem at the place, or at the nearest place around it that exists. */
  problem(path: Path, found: string, expected: string): Problem
  warning(path: Path, sentence: string): Warning
}

export type Reading = { readonly source: Source } | { readonly problems: readonly Problem[] }

/** As much as a blueprint may be. */
export const mostBlueprintBytes = 1_048_576
const maximumDepth = 32
const maximumSyntaxProblems = 5

export function readYaml(file: string, text: string): Reading {
  if (Buffer.byteLength(text) > mostBlueprintBytes) {
    return {
      problems: [
        { file, line: 1, column: 1, path: '', found: 'more than 1 MiB', expected: 'a shorter file' },
      ],
    }
  }
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    // The parser compares each key with all before it, which a long map turns into minutes: see #readMap.
    uniqueKeys: false,
    version: '1.2',
  })
  const reader = new Reader(file, lines)
  const faults = [...document.errors, ...document.warnings]
  if (faults.length > 0) {
    // The parser's own sentences quote the file, which may hold a secret in the wrong place: only its codes are used.
    const problems = faults.map((fault) => reader.problemAt(fault.pos[0], [], ...syntaxSentence(fault)))
    return { problems: firstOfEachLine(problems).slice(0, maximumSyntaxProblems) }
  }
  if (document.directives?.yaml.explicit === true) {
    return { problems: [reader.problemAt(0, [], 'a %YAML directive', 'a plain document')] }
  }
  const value = document.contents === null ? null : reader.read(document.contents, [])
  if (reader.problems.length > 0) return { problems: reader.problems }
  return {
    source: {
      ...{ file, value },
      problem: (path, found, expected) => reader.problem(path, found, expected),
      warning: (path, sentence) => ({ ...reader.place(path), sentence }),
    },
  }
}

const duplicateKey = ['a key that stands twice in one map', 'each key once'] as const

const mergeKey = ['a merge key', 'the members written out'] as const

type Sentence = readonly [found: string, expected: string]

const notYaml: Sentence = ['something that is not YAML', 'valid YAML']
const otherColumn: Sentence = [
  'lines that are indented in different ways',
  'members of one map in one column',
]
const noColon: Sentence = ['a line without ": "', 'a name, a colon, a blank and a value']

const syntaxSentences: Readonly<Record<string, Sentence>> = {
  MULTIPLE_DOCS: ['a second document', 'one document in a file'],
  NON_STRING_KEY: ['a key that is not text', 'keys that are plain text'],
  RESOURCE_EXHAUSTION: ['lists and maps nested too deep', `at most ${maximumDepth} levels`],
  TAB_AS_INDENT: ['a tab at the start of a line', 'blanks'],
  BAD_ALIAS: ['an alias', 'the value written out'],
  TAG_RESOLVE_FAILED: ['a tag', 'a plain value'],
  MISSING_CHAR: ['a quote, bracket or comma that is missing', 'valid YAML'],
  BAD_INDENT: otherColumn,
  BAD_SCALAR_START: ['text that begins with a character of YAML itself', 'that text in quotes'],
  BAD_DQ_ESCAPE: ['a backslash that means nothing in double quotes', 'single quotes'],
  MULTILINE_IMPLICIT_KEY: noColon,
  BLOCK_AS_IMPLICIT_KEY: ['a second ": " in one line', 'text with a colon in quotes'],
}

// One code of the parser stands for several mistakes, which the beginning of its sentence tells apart.
const syntaxBeginnings: readonly (readonly [beginning: string, sentence: Sentence])[] = [
  ['Flow ', ['a [ or { that is not closed', 'its ] or }, and until then lines that are indented']],
  ['Sequence item without', otherColumn],
  ['Implicit map keys need', noColon],
]

const syntaxSentence = ({ code, message }: { readonly code: string; readonly message: string }): Sentence =>
  syntaxBeginnings.find(([beginning]) => message.startsWith(beginning))?.[1] ??
  syntaxSentences[code] ??
  notYaml

const firstOfEachLine = (problems: readonly Problem[]): Problem[] => {
  const byLine = new Map<number, Problem>()
  for (const problem of problems) if (!byLine.has(problem.line)) byLine.set(problem.line, problem)
  return [...byLine.values()].sort((one, other) => one.line - other.line)
}

/** Turns nodes into values, and remembers where each stood. */
class Reader {
  readonly problems: Problem[] = []
  readonly #file: string
  readonly #lines: LineCounter
  readonly #offsets = new Map<string, number>()

  constructor(file: string, lines: LineCounter) {
    this.#file = file
    this.#lines = lines
  }

  problem(path: Path, found: string, expected: string): Problem {
    return { ...this.place(path), found, expected }
  }

  problemAt(offset: number, path: Path, found: string, expected: string): Problem {
    return { ...this.#placeAt(offset, path), found, expected }
  }

  place(path: Path): Place {
    for (let length = path.length; length > 0; length--) {
      const offset = this.#offsets.get(JSON.stringify(path.slice(0, length)))
      if (offset !== undefined) return this.#placeAt(offset, path)
    }
    return this.#placeAt(0, path)
  }

  #placeAt(offset: number, path: Path): Place {
    const { line, col } = this.#lines.linePos(offset)
    // An empty file has no first line for the counter.
    return { file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1), path: formatPath(path) }
  }

  read(node: ParsedNode, path: Path): unknown {
    const refuse = (found: string, expected: string) => {
      this.problems.push(this.problemAt(node.range[0], path, found, expected))
    }
    if (path.length > maximumDepth)
      return refuse('lists and maps nested too deep', `at most ${maximumDepth} levels`)
    if (isAlias(node)) return refuse('an alias', 'the value written out')
    if (node.tag !== undefined) return refuse('a tag', 'a plain value')
    if (isMap(node)) return this.#readMap(node.items, path)
    if (isSeq(node))
      return node.items.map((item, index) => this.#readMember(item, [...path, index], item.range[0]))
    if (!isScalar(node)) return null
    const { value } = node
    if (typeof value === 'string' && !isStorable(value))
      return refuse('text with a NUL or half a character', 'whole text')
    if (typeof value === 'number' && !isExact(value)) {
      return refuse('a number that would not stay exact', 'a smaller number, or text in quotes')
    }
    return value
  }

  #readMap(
    pairs: readonly { readonly key: ParsedNode; readonly value: ParsedNode | null }[],
    path: Path,
  ): unknown {
    const names = new Set<string>()
    const entries = pairs.map(({ key, value }) => {
      const name = isScalar(key) ? String(key.value) : ''
      if (names.has(name)) this.problems.push(this.problemAt(key.range[0], [], ...duplicateKey))
      // Other readers of YAML would copy the members of another map here.
      if (name === '<<') this.problems.push(this.problemAt(key.range[0], path, ...mergeKey))
      names.add(name)
      return [name, this.#readMember(value, [...path, name], key.range[0])] as const
    })
    return Object.fromEntries(entries)
  }

  #readMember(node: ParsedNode | null, path: Path, offset: number): unknown {
    this.#offsets.set(JSON.stringify(path), offset)
    return node === null ? null : this.read(node, path)
  }
}

/** PostgreSQL keeps no U+0000 in text, and neither database keeps a lone surrogate. */
const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed()

const isExact = (number: number): boolean =>
  Number.isFinite(number) && (!Number.isInteger(number) || Number.isSafeInteger(number))
