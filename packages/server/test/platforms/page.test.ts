// docs/platforms.md stays true: its table is what the platforms answer, its settings stand in the blueprints.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  askPlatform,
  blueprintOf,
  type PlatformName,
  partsOf,
  platformNames,
  sharedServer,
  tokenOf,
} from './platforms.ts'

const page = readFileSync(new URL('../../../../docs/platforms.md', import.meta.url), 'utf8')
const server = sharedServer(platformNames.map(blueprintOf))
function cellsOf(row: string): string[] {
  const line = page.split('\n').find((candidate) => candidate.startsWith(`| ${row} |`))
  return (
    line
      ?.slice(1, -1)
      .split('|')
      .slice(1)
      .map((cell) => cell.trim()) ?? assert.fail(`no row ${row}`)
  )
}

const ofEach = <Value>(read: (name: PlatformName) => Promise<Value>): Promise<Value[]> =>
  Promise.all(platformNames.map(read))

const ask = (name: PlatformName) => askPlatform(server(), name)

test('set-up: the members, headers and lifetimes in docs/platforms.md are what the platforms answer', async () => {
  const members = await ofEach(async (name) =>
    Object.keys((await ask(name)).json)
      .map((member) => `\`${member}\``)
      .join(', '),
  )
  assert.deepEqual(cellsOf('Members of the answer'), members)
  const headers = await ofEach(async (name) => {
    const { header } = partsOf(tokenOf(await ask(name)))
    return Object.entries(header)
      .map(([member, value]) => `\`${member}\`${member === 'kid' ? '' : ` ${value}`}`)
      .join(', ')
  })
  assert.deepEqual(cellsOf('Header of the token'), headers)
  const lifetimes = await ofEach(async (name) => {
    const { exp, iat } = partsOf(tokenOf(await ask(name))).claims
    return exp === undefined ? 'none' : `${exp - iat} s`
  })
  assert.deepEqual(
    cellsOf('Lifetime').map((cell) => cell.replace(', reused', '')),
    lifetimes,
  )
})

test('set-up: the settings in docs/platforms.md stand in the blueprints as they are', () => {
  const excerpts = [...page.matchAll(/blueprints\/(\w+)\.yaml\)[^`]*```yaml\n([\s\S]*?)```/g)]
  assert.deepEqual(
    excerpts.map(([, name]) => name),
    [...platformNames],
  )
  for (const [, name, excerpt = ''] of excerpts) {
    const text = blueprintOf(name as PlatformName)
    // Two blocks may stand apart in the file: each is compared from its first line to its last.
    const blocks = excerpt.trimEnd().split(/\n(?=\S)/)
    for (const block of blocks) {
      const indented = block.replaceAll(/^/gm, '    ')
      assert.ok(text.includes(`${indented}\n`), `${name}.yaml has no\n${indented}`)
    }
  }
})
