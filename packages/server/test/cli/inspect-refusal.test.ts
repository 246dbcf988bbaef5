/** `sallyport inspect` with the id of a refusal: offline, for people and as JSON, and its exit codes. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { formatRefusalId } from '@sallyport/protocol'
import { systemEffects } from '../../src/effects.ts'
import { type Outcome, run } from './processes.ts'

const threeHours = 10_800
const happenedAt = systemEffects.clock() - threeHours
const id = formatRefusalId('insufficient_scope', happenedAt, new Uint8Array(5).fill(1))

/** In a folder without any database. */
function inspect(t: TestContext, args: readonly string[], input?: string): Promise<Outcome> {
  const cwd = mkdtempSync(join(tmpdir(), 'sallyport-inspect-refusal-'))
  t.after(() => rmSync(cwd, { recursive: true }))
  return run(['inspect', ...args], { cwd, ...(input !== undefined && { input }) })
}

test('issue 6, 1: an id of a refusal is explained on a machine without a database, and the exit code is 0', async (t) => {
  const { code, stdout, stderr } = await inspect(t, [id])
  assert.deepEqual([code, stderr], [0, ''])
  const lines = stdout.split('\n')
  assert.match(
    lines[0] ?? '',
    /^Refused at 20\d\d-\d\d-\d\dT[\d:]+\.000Z, 3 hours ago: insufficient_scope\.$/,
  )
  assert.equal(lines[1], '  The API answered 403 insufficient_scope: The access token does not open this.')
  assert.match(lines[2] ?? '', /^ {2}Why: The token lacks a scope/)
  assert.match(lines[3] ?? '', /^ {2}Next: `sallyport inspect TOKEN` lists what the token opens/)
  const elsewhere = await inspect(t, ['--config', 'other.yaml', id])
  assert.match(elsewhere.stdout, /`sallyport inspect --config other\.yaml TOKEN` lists/)
})

test('issue 6, 1: the whole answer of the API may be pasted, and --json prints one document', async (t) => {
  const answer = `{"error":"insufficient_scope","refusal_id":"${id}"}\n`
  const { code, stdout } = await inspect(t, ['--json'], answer)
  const report = JSON.parse(stdout)
  assert.equal(code, 0)
  assert.deepEqual(Object.keys(report), ['kind', 'refusal', 'problems', 'nextSteps'])
  const { reason, happenedAt: at, status, error } = report.refusal
  assert.deepEqual(
    [report.kind, reason, at, status, error],
    ['refusal', 'insufficient_scope', happenedAt, 403, 'insufficient_scope'],
  )
})

test('issue 6, 1: a mistyped or made-up id says so, and is exit code 1', async (t) => {
  const [people, machine] = [await inspect(t, [id.slice(0, -1)]), await inspect(t, ['--json', `${id}x`])]
  assert.deepEqual([people.code, machine.code], [1, 1])
  assert.match(people.stdout, /^No refusal\.\n {2}This looks like the id of a refusal, and is none/)
  assert.equal(JSON.parse(machine.stdout).refusal, null)
})
