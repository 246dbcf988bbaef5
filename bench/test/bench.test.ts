/** The whole bench in its short form: every contestant starts, answers and produces numbers; no number is judged here. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { RowResult } from '../src/run-row.ts'

const program = fileURLToPath(new URL('../src/main.ts', import.meta.url))

const ours = 'Sallyport as shipped'
const contestants: Readonly<Record<string, readonly string[]>> = {
  es256: ['node:http + ES256', 'oidc-provider ES256', ours, 'Sallyport, no success log'],
  eddsa: ['node:http + EdDSA', ours, 'Sallyport, no success log'],
  rs256: ['node:http + RS256', 'oidc-provider RS256', ours],
  ps256: ['node:http + PS256', ours],
  reuse: ['node:http constant', 'oidc-provider ES256', ours],
  million: ['Sallyport, few apps', 'Sallyport, many apps'],
  assertion: ['node:http + assertion', 'oidc-provider assertion', ours],
  dpop: ['node:http + dpop', 'oidc-provider dpop', ours],
  tls: ['node:https + ES256', ours],
  'introspect-jwt': ['node:http constant', ours, 'Sallyport, tokens it does not remember'],
  'introspect-opaque': ['node:http constant', ours, 'Sallyport, tokens it does not remember'],
  workers: [
    'node:cluster + ES256, 1',
    'node:cluster + ES256, 2',
    'Sallyport --workers 1',
    'Sallyport --workers 2',
  ],
  feed: [],
  deletions: [],
  pages: [],
  managed: ['Sallyport, many apps', 'Sallyport, many apps, managed'],
  guard: [],
  'guard-cached': [],
  'guard-fastify': ['Fastify', 'Fastify, guarded'],
  'guard-memory': [],
  start: [],
}

test('product, numbers to reach: every contestant of every row runs and produces numbers', () => {
  const run = spawnSync(process.execPath, [program, '--short', '--json'], { encoding: 'utf8' })
  assert.equal(run.status, 0, run.stderr)
  const results: RowResult[] = JSON.parse(run.stdout).rows
  assert.deepEqual(
    results.map(({ name }) => name),
    Object.keys(contestants),
  )
  for (const { name, measured } of results) {
    assert.deepEqual(
      measured.map((line) => line.name),
      contestants[name],
    )
    for (const line of measured) {
      assert.ok(
        line.perSecond > 0 && line.p50 > 0 && line.p99 >= line.p50,
        `${name}: ${JSON.stringify(line)}`,
      )
    }
  }
  const found = (row: string) =>
    results.find(({ name }) => name === row)?.verdicts.map((verdict) => verdict.found) ?? []
  assert.match(found('start')[0] ?? '', /^\d+\.\d\d s/)
  assert.match(found('workers')[0] ?? '', /^\d+\.\d\d .* × beside \d+\.\d\d ×/)
  const [inactive, told, followers, ...elsewhere] = found('feed')
  assert.match(followers ?? '', /^\d+\.\d ms of its processor time/)
  const lateness = /^p50 \d+\.\d ms, p99 \d+\.\d ms, of 6$|^not measured: /
  for (const line of [inactive, told, ...elsewhere]) assert.match(line ?? '', lateness)
  assert.ok(elsewhere.length > 0)
  assert.match(found('deletions')[0] ?? '', /^p50 \d+\.\d ms, p99 \d+\.\d ms, of 6 deletions at 50 guards$/)
})

test('product, numbers to reach: a row that does not exist is refused with the names of those that do', () => {
  const run = spawnSync(process.execPath, [program, '--rows', 'es257'], { encoding: 'utf8' })
  assert.equal(run.status, 1)
  assert.match(run.stderr, /no row "es257"; rows are es256, eddsa/)
})
