/** What an id of a refusal says, whatever it was pasted with. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatRefusalId, type RefusalReason, refusals } from '@sallyport/protocol'
import { describeRefusal } from '../../src/cli/describe-refusal.ts'
import { findRefusalId, inspectRefusal } from '../../src/inspect/inspect-refusal.ts'

const at = 1_800_000_000
const idOf = (reason: RefusalReason) => formatRefusalId(reason, at, new Uint8Array(5).fill(9))
const id = idOf('expired')

test('issue 6, 1: every reason is explained: why, when, what was answered, and what to do', () => {
  for (const [reason, { status, error, says, why, next }] of Object.entries(refusals)) {
    const report = inspectRefusal(idOf(reason as RefusalReason))
    assert.deepEqual(report.refusal, {
      ...{ reason, happenedAt: at, status, error: error ?? reason, says, why },
    })
    assert.deepEqual([report.problems, report.nextSteps], [[], [next]])
  }
})

test('issue 6, 1: keys that cannot be had on the first day are explained with the usual causes', () => {
  const { refusal, nextSteps } = inspectRefusal(idOf('keys_unavailable'))
  for (const cause of [/certificate/, /slash/, /tenant/, /out of reach/])
    assert.match(refusal?.why ?? '', cause)
  for (const step of [/keys\.failure/, /NODE_EXTRA_CA_CERTS=/, /`issuer` as its metadata does/])
    assert.match(String(nextSteps), step)
})

test('issue 6, 1: an id is found in a header line, in the whole answer and in a line of a log', () => {
  const answer = JSON.stringify({ error: 'invalid_token', refusal_id: id })
  for (const text of [id, ` ${id}\n`, `'${id}'`, `Refusal-Id: ${id}`, `< refusal-id: ${id}\r\n`, answer])
    assert.equal(findRefusalId(text), id, text)
  for (const text of ['', 'refusal', `eyJhbGciOiJFUzI1NiJ9.e30.${id}`, `x${id}`])
    assert.equal(findRefusalId(text), null, text)
})

test('issue 6, 1: a mistyped or made-up id is told, with where to copy it from', () => {
  for (const text of [id.slice(0, -1), `${id}0`, 'sp_refusal_', 'SP_REFUSAL_x', id.toUpperCase()]) {
    const { refusal, problems, nextSteps } = inspectRefusal(findRefusalId(text) ?? '')
    assert.equal(refusal, null, text)
    assert.match(String(problems), /cut, mistyped or made up/)
    assert.match(String(nextSteps), /Refusal-Id/)
  }
})

test('issue 6, 1: how long ago it was is said in the unit that people think in', () => {
  const ago = (seconds: number) => describeRefusal(inspectRefusal(id), at + seconds).split('\n')[0]
  const beginning = 'Refused at 2027-01-15T08:00:00.000Z, '
  assert.equal(ago(0), `${beginning}0 seconds ago: expired.`)
  assert.equal(ago(1), `${beginning}1 second ago: expired.`)
  assert.equal(ago(119), `${beginning}1 minute ago: expired.`)
  assert.equal(ago(3_600), `${beginning}1 hour ago: expired.`)
  assert.equal(ago(7_200), `${beginning}2 hours ago: expired.`)
  assert.equal(ago(3 * 86_400), `${beginning}3 days ago: expired.`)
  assert.equal(ago(-90), `${beginning}in the future by 1 minute: the clock of the API is ahead: expired.`)
})
