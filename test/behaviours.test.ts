// No line of the five documents' checklist gets lost: each number has an owner, and each of ours begins a test's title.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const numbers: { owned: string[]; later: Record<string, string>; rest: Record<string, string> } = JSON.parse(
  readFileSync(new URL('behaviours-owned.json', import.meta.url), 'utf8'),
)

/** The lines of the checklist, document by document, and the eight conflicts between the documents. */
const lines = { '000': 19, '001': 21, '002': 19, '003': 22, '004': 20 }
const all = [
  ...Object.entries(lines).flatMap(([document, count]) =>
    Array.from({ length: count }, (_, index) => `${document}-${String(index + 1).padStart(2, '0')}`),
  ),
  ...Array.from({ length: 8 }, (_, index) => `6-${index + 1}`),
]

/** The numbers that a title begins with: `'003-14: …'`, `'000-06, 002-08: …'`, also after an engine's name. */
function titledNumbers(source: string): string[] {
  const titles = source.matchAll(/\btest\(\s*(?:'|"|`(?:\$\{engine\}: )?)((?:\d{1,3}-\d{1,2}(?:, )?)+): \S/g)
  return [...titles].flatMap(([, list = '']) => list.split(', '))
}

const sources = ['packages/*/test/**/*.test.ts', 'test/*.test.ts']
  .flatMap((pattern) => globSync(pattern, { cwd: root }))
  .map((path) => readFileSync(`${root}/${path}`, 'utf8'))

test('set-up: every number of the checklist is owned here or has an owner to come, and none has both', () => {
  assert.deepEqual([...numbers.owned, ...Object.keys(numbers.later)].toSorted(), all.toSorted())
  const notOwned = Object.keys(numbers.rest).filter((number) => !numbers.owned.includes(number))
  assert.deepEqual(notOwned, [])
})

test('set-up: every number that is owned here begins the title of a test', () => {
  const titled = new Set(sources.flatMap(titledNumbers))
  assert.deepEqual(
    numbers.owned.filter((number) => !titled.has(number)),
    [],
  )
  assert.deepEqual(
    [...titled].filter((number) => !all.includes(number)),
    [],
    'a title names a number that the checklist does not have',
  )
  assert.deepEqual(titledNumbers("test('000-06, 002-08: x', test(`${engine}: 6-1: y`"), [
    '000-06',
    '002-08',
    '6-1',
  ])
  assert.deepEqual(titledNumbers("// 000-06: x\nassert('000-06: x')"), [])
})
