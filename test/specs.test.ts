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
  if (!path || !existsSync(`${root}/packages/${path}`)) return [`${section}: no file ${file}`]
  return testsIn(named)
    .filter((one) => !isTest(one))
    .map((one) => `${section}: no test ${one}`)
}

/** The tests of a cell: one for each part of a claim that no single one holds whole. */
const testsIn = (cell: string): string[] => cell.split(/; (?=`)/)

function isTest(named: string): boolean {
  const [, path = '', beginning = ''] = /^`([^`]+)`: (.+)$/.exec(named) ?? []
  if (!path || !existsSync(`${root}/packages/${path}`)) return false
  return hasTitle(readFileSync(`${root}/packages/${path}`, 'utf8'), beginning)
}

test('set-up: docs/specs.md names a file and tests for what it claims, and all of them exist', () => {
  assert.deepEqual(rows.flatMap(missingIn), [])
  assert.deepEqual(testsIn('`a`: one; two; `b`: three'), ['`a`: one; two', '`b`: three'])
  for (const named of ['', '—', 'a: one', '`none.test.ts`: one', '`protocol/test/scope.test.ts`: RFC 1'])
    assert.ok(!isTest(named), named)
  assert.ok(hasTitle("test(\n  'RFC 6749 §3.2: x'", 'RFC 6749 §3.2'))
  assert.ok(!hasTitle("test('RFC 6749 §3.2.1: x'", 'RFC 6749 §3.2'))
  assert.ok(!hasTitle("assert('RFC 6749 §3.2: x'", 'RFC 6749 §3.2'))
})
