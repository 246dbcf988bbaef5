/** The commands that the documents show, and whether what they print is what stands below them. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
export const documents = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]
export const textOf = (name: string) => readFileSync(join(root, name), 'utf8')

/** A command of a document, with the output that the document shows right below it. */
export interface Command {
  readonly document: string
  readonly text: string
  readonly output: string | undefined
}

const fence = /^```(\w*)\n([\s\S]*?)^```$/gm

/** The texts of a document's fenced blocks in this language. */
export const blocksIn = (document: string, language: string): string[] =>
  [...textOf(document).matchAll(fence)].flatMap(([, name, text = '']) => (name === language ? [text] : []))

export function commandsIn(document: string): Command[] {
  const blocks = [...textOf(document).matchAll(fence)]
  return blocks.flatMap(([whole, language, text = ''], index) => {
    if (language !== 'sh') return []
    const next = blocks[index + 1]
    const end = (blocks[index]?.index ?? 0) + whole.length
    const isOutput = next && ['', 'json'].includes(next[1] ?? '') && next.index - end <= 2
    return [{ document, text: text.trim(), output: isOutput ? next[2]?.trimEnd() : undefined }]
  })
}

const volatile: readonly (readonly [RegExp, string])[] = [
  [/\r/g, ''],
  [/eyJ[\w-]*(?:\.[\w-]+)*…?/g, '<token>'],
  [/sp_(?:test|live)_(?:\w{49}|…)/g, '<secret>'],
  [/sp_refusal_\w+/g, '<refusal>'],
  [/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<instant>'],
  [/[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g, '<uuid>'],
  [/(?<![\w-])[A-Za-z0-9_-]{43}(?![\w-])/g, '<key>'],
  [/\b(?:[a-z0-9]{24,26}|[A-Za-z0-9]{32})\b/g, '<id>'],
  [/\b\d+\b/g, '<number>'],
  [/ {2,}/g, '  '],
]

const shapeOf = (text: string): string =>
  volatile.reduce((shaped, [pattern, name]) => shaped.replaceAll(pattern, name), text.trim())

/** `…` inside a line stands for anything, and alone on a line for lines, or none. */
export function assertShape(actual: string, shown: string): void {
  const pattern = shapeOf(shown)
    .split(/(\n…(?=\n|$)|…)/)
    .map((part) => leftOut[part] ?? RegExp.escape(part))
    .join('')
  assert.match(shapeOf(actual), new RegExp(`^${pattern}$`))
}

const leftOut: Readonly<Record<string, string>> = { '…': '[\\s\\S]*?', '\n…': '(?:\\n[\\s\\S]*?)?' }

export const has = (tool: string) => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0
