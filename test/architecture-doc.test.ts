/** docs/architecture.md is true: its map, its arrow, and its way through a token request. */
import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { test } from 'node:test'
import * as rules from './architecture-rules.ts'
import { textOf } from './document-commands.ts'
import { repository } from './repository.ts'
import { importsOf } from './source-text.ts'

/** Its lines are rows, `|` stands between strangers, and brackets around a knot. */
function drawnArrow() {
  const picture = sectionOf('The arrow').split('```')[1] ?? ''
  const wordsIn = (text = ''): string[] => text.match(/[a-z][a-z.-]*/g) ?? []
  return {
    rows: picture.trim().split('\n').map(wordsIn),
    strangers: [...picture.matchAll(/\S+ \| [a-z.-]+/g)].map(([pair]) => wordsIn(pair)),
    knit: wordsIn(/\((.*)\)/.exec(picture)?.[1]),
  }
}

const sectionOf = (title: string) =>
  textOf('docs/architecture.md').split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? ''

test('architecture: docs/architecture.md draws the arrow as the rules have it, with the folders that are excused', () => {
  const { serverLayers: rows, strangers, knitFolders: knit } = rules
  const sorted = (words: readonly string[]) => words.toSorted()
  const drawn = drawnArrow()
  assert.deepEqual(drawn.rows.map(sorted), rows.map(sorted))
  assert.deepEqual(drawn.strangers.map(sorted), strangers.map(sorted))
  assert.deepEqual(sorted(drawn.knit), sorted(knit))
})

test('architecture: docs/architecture.md goes through a token request in the order of oauth/token.ts', () => {
  const text = textOf('packages/server/src/oauth/token.ts')
  const [, body = ''] = /\nexport async function answerToken\((.*?)\n\}/s.exec(text) ?? []
  const steps = importsOf(text)
    .filter(({ specifier, typeOnly }) => specifier.startsWith('./') && !typeOnly)
    .map(({ specifier, names = [] }) => {
      const calls = names.map((name) => body.search(`\\b${name}\\(`)).filter((at) => at >= 0)
      return { path: posix.join('oauth', specifier), at: Math.min(...calls) }
    })
    .filter(({ at }) => Number.isFinite(at))
    .toSorted((one, other) => one.at - other.at)
    .map(({ path }) => path)
  assert.ok(steps.length > 5)
  const told = [...sectionOf('One token request').matchAll(/`(oauth\/[\w/-]+\.ts)`/g)].map(
    ([, path = '']) => path,
  )
  assert.deepEqual(
    told.filter((path) => steps.includes(path)),
    steps,
  )
})

/** The paths that the map in docs/architecture.md begins a line with, those below src as they stand there. */
function placesOnMap(): ReadonlySet<string> {
  const map = textOf('docs/architecture.md').split('```')[1] ?? ''
  const above: string[] = []
  const lines = map.matchAll(/^((?: {2})*)((?:[\w./-]+(?:\/|\.ts)(?: +|$))+)/gm)
  return new Set(
    [...lines].flatMap(([, indent = '', names = '']) => {
      above.length = indent.length / 2
      const places = names
        .trim()
        .split(/ +/)
        .map((name) => above.join('') + name)
      above.push(names.trim())
      return places
    }),
  )
}

test('architecture: the map in docs/architecture.md has every folder, and each part of the server', () => {
  const onMap = placesOnMap()
  const isPart = (path: string) => path.endsWith('/') || /^packages\/server\/src\/[^/]+$/.test(path)
  const parts = new Set(
    repository.files.flatMap(({ path }) => [path, `${posix.dirname(path)}/`].filter(isPart)),
  )
  assert.deepEqual(
    [...parts].filter((part) => !onMap.has(part)),
    [],
  )
  const all = new Set([...parts, ...repository.files.map(({ path }) => path)])
  const below = [...onMap].filter((place) => place.includes('/src/'))
  assert.deepEqual(
    below.filter((place) => !all.has(place)),
    [],
    'what the map shows is there',
  )
})
