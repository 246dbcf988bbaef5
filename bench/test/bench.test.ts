/** The whole bench in its short form: every contestant starts, answers and produces numbers; no number is judged here. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { RowResult } from '../src/run-row.ts'

const program = fileURLToPath(new URL('../src/main.ts', import.meta.url))

const baselines: Readonly<Record<string, readonly string[]>> = {
  es256: ['node:http + ES256', 'oidc-provider ES256'],
  eddsa: ['node:http + EdDSA'],
  rs256: ['node:http + RS256', 'oidc-provider RS256'],
  ps256: ['node:http + PS256'],
  reuse: ['node:http constant', 'oidc-provider ES256'],
}

test('product, numbers to reach: every baseline of every row runs and produces numbers', () => {
  const rows = Object.keys(baselines).join(',')
  const run = spawnSync(process.execPath, [program, '--short', '--json', '--rows', rows], {
    encoding: 'utf8',
  })
  assert.equal(run.status, 0, run.stderr)
  const results: RowResult[] = JSON.parse(run.stdout).rows
  assert.deepEqual(
    results.map(({ name }) => name),
    Object.keys(baselines),
  )
  for (const { name, measured } of results) {
    const names = measured.map((line) => line.name)
    for (const baseline of baselines[name] ?? []) assert.ok(names.includes(baseline), `${name}: ${baseline}`)
    for (const line of measured) {
      assert.ok(
        line.perSecond > 0 && line.p50 > 0 && line.p99 >= line.p50,
        `${name}: ${JSON.stringify(line)}`,
      )
    }
  }
})

test('product, numbers to reach: a row that does not exist is refused with the names of those that do', () => {
  const run = spawnSync(process.execPath, [program, '--rows', 'es257'], { encoding: 'utf8' })
  assert.equal(run.status, 1)
  assert.match(run.stderr, /no row "es257"; rows are es256, eddsa/)
})
