/** Exit codes and last words: every refusal that people can mend is one sentence, everything else keeps its stack. */

import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { PlanOutdated } from '../../src/blueprint/plan.ts'
import { exitCodeOf, sentenceOf } from '../../src/cli/failure.ts'
import { ConfigRefused } from '../../src/config.ts'
import { LocalCertificateRefused } from '../../src/dev/local-ca.ts'
import { AddressRefused } from '../../src/http/address-list.ts'
import { ListenRefused } from '../../src/http/listen.ts'
import { TlsRefused } from '../../src/http/tls.ts'
import { StoreConflict, StoreRefused, StoreUnavailable } from '../../src/store/database.ts'
import { temporaryFolder } from '../store/each-store.ts'
import { run } from './processes.ts'

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

test('contract: what the file system refuses is told with its cause, and with a step that mends it', async (t) => {
  const cwd = temporaryFolder(t)
  mkdirSync(join(cwd, 'folder'))
  writeFileSync(join(cwd, 'file'), '')
  const refusal = async (...args: string[]) => {
    const { code, stderr } = await run(args, { cwd })
    assert.notEqual(code, 0)
    return stderr
  }
  assert.match(
    await refusal('diff', 'folder'),
    /^folder:1:1 found a file that cannot be read: it is a folder, /,
  )
  assert.match(
    await refusal('diff', 'none'),
    /^none:1:1 found a file that cannot be read: it does not exist, /,
  )
  assert.match(await refusal('diff', '-'), /expected the name of a file: standard input is not read$/m)
  const inFile = await refusal(
    'serve',
    '--data-folder',
    'file',
    '--base-url',
    'https://a.example',
    ...proxied,
  )
  assert.match(inFile, /^The master key in \S+ cannot be read: a part of its path is a file, so name another/)
  assert.equal(await refusal('backup', join(cwd, 'none', 'b')), `There is no folder ${join(cwd, 'none')}.\n`)
})

const proxied = ['--proxies', '127.0.0.1', '--listen-port', '0']

test('contract: a database file that this user may not write is named itself, not its folder', async (t) => {
  const cwd = temporaryFolder(t)
  mkdirSync(join(cwd, 'data'))
  writeFileSync(join(cwd, 'data', 'sallyport.db'), '')
  chmodSync(join(cwd, 'data', 'sallyport.db'), 0o400)
  const args = ['serve', '--data-folder', 'data', '--base-url', 'https://a.example', ...proxied]
  const { code, stderr } = await run(args, { cwd, obeysFileModes: true })
  assert.equal(code, 3)
  assert.match(stderr, /sallyport\.db cannot be written \(EACCES\): give this user write access to it\.\n$/)
})
