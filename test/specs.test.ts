// docs/specs.md claims nothing that is not there: every file and every test it names exists.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const page = readFileSync(`${root}/docs/specs.md`, 'utf8')
const columns = ['section', 'words', 'file', 'test', 'state'] as const
type Row = Readonly<Record<(typeof columns)[number], string>>

const rows: Row[] = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| Section |'))
  .map((line) => {
    const cells = line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim())
    assert.equal(cells.length, columns.length, line)
    return Object.fromEntries(columns.map((name, index) => [name, cells[index] ?? ''])) as Row
  })

/** True if a title in the source begins with these words, also after an engine's name. */
function hasTitle(source: string, beginning: string): boolean {
  const escaped = beginning.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`\\btest\\(\\s*['"\`](?:\\$\\{engine\\}: )?${escaped}(?![\\w.-])`).test(source)
}

test('set-up: every row of docs/specs.md is done, partly done, or has a capability that will bring it, or a reason not to apply', () => {
  assert.ok(rows.length > 150)
  for (const { section, words, state } of rows) {
    assert.notEqual(words, '', section)
    assert.match(state, /^(?:done$|partly: .|not yet: .|does not apply: .)/, section)
  }
})

/** What a row names and is not there. */
function missingIn({ section, file, test: named, state }: Row): string[] {
  const isAbsent = /^(?:not yet|does not apply)/.test(state)
  if (isAbsent) return file === '—' && named === '—' ? [] : [`${section}: names a file, but is not there`]
  const [, path = ''] = /^`([^`]+)`$/.exec(file) ?? []
  const [, testPath = '', beginning = ''] = /^`([^`]+)`: (.+)$/.exec(named) ?? []
  if (!path || !existsSync(`${root}/packages/${path}`)) return [`${section}: no file ${file}`]
  if (!testPath || !existsSync(`${root}/packages/${testPath}`)) return [`${section}: no test file ${named}`]
  const source = readFileSync(`${root}/packages/${testPath}`, 'utf8')
  return hasTitle(source, beginning) ? [] : [`${section}: no test ${named}`]
}

test('set-up: docs/specs.md names a file and a test for what it claims, and both exist', () => {
  assert.deepEqual(rows.flatMap(missingIn), [])
  assert.ok(hasTitle("test(\n  'RFC 6749 §3.2: x'", 'RFC 6749 §3.2'))
  assert.ok(!hasTitle("test('RFC 6749 §3.2.1: x'", 'RFC 6749 §3.2'))
  assert.ok(!hasTitle("assert('RFC 6749 §3.2: x'", 'RFC 6749 §3.2'))
})
