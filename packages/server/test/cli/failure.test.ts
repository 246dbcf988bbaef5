/** Exit codes and last words: every refusal that people can mend is one sentence, everything else keeps its stack. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { PlanOutdated } from '../../src/blueprint/apply.ts'
import { exitCodeOf, sentenceOf } from '../../src/cli/failure.ts'
import { ConfigRefused } from '../../src/config.ts'
import { LocalCertificateRefused } from '../../src/dev/local-ca.ts'
import { AddressRefused } from '../../src/http/address-list.ts'
import { ListenRefused } from '../../src/http/listen.ts'
import { TlsRefused } from '../../src/http/tls.ts'
import { StoreConflict, StoreRefused, StoreUnavailable } from '../../src/store/database.ts'

const words = 'It is so.'

test('contract: every refusal is its own sentence, with the exit code that the help promises', () => {
  const refusals: readonly [Error, 1 | 2 | 3][] = [
    [new ConfigRefused(words), 2],
    [new StoreConflict(words), 2],
    [new AddressRefused(words), 2],
    [new StoreRefused(words), 3],
    [new StoreUnavailable(words), 3],
    [new ListenRefused('EADDRINUSE', words), 3],
    [new TlsRefused(words), 3],
    [new LocalCertificateRefused(words), 3],
    [new PlanOutdated(words), 1],
  ]
  for (const [error, code] of refusals)
    assert.deepEqual([error.name, exitCodeOf(error), sentenceOf(error)], [error.name, code, words])
})

test('issue 2 item 2: what the file system refuses is a sentence with the file and the reason', () => {
  const refusal = (path: string): unknown => {
    try {
      return readFileSync(path)
    } catch (error) {
      return error
    }
  }
  assert.equal(
    sentenceOf(refusal('/nowhere/x')),
    'The file /nowhere/x cannot be used: it does not exist (ENOENT).',
  )
  assert.equal(exitCodeOf(refusal('/nowhere/x')), 3)
  assert.equal(sentenceOf(refusal('/')), 'A folder was named where a file is needed.')
})

test('trust F27: an unexpected failure keeps its stack, and loses what looks like a secret', () => {
  const secret = `sp_test_${'a1'.repeat(24)}b`
  const error = new Error(`broken by ${secret}`)
  assert.equal(exitCodeOf(error), 1)
  assert.match(sentenceOf(error), /^Unexpected failure: Error: broken by \[masked\]\n {4}at /)
  assert.equal(sentenceOf('only words'), 'only words')
})
