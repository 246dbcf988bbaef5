/** Commands that a sentence names are given the store of the command that says it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onSameStore } from '../../src/cli/same-store.ts'
import { temporaryFolder } from '../store/each-store.ts'
import { run } from './processes.ts'

test('operations: a command that a sentence names carries the store that was named, quoted for a shell', () => {
  const text = 'Then: sallyport credentials rotate --tenant acme, or `sallyport restore FILE --yes`.'
  for (const [given, flags] of [
    [{}, ''],
    // Where it is looked for anyway.
    [{ data: './data' }, ''],
    [{ data: '/srv/one' }, ' --data /srv/one'],
    [{ dataFolder: '/srv/one' }, ' --data /srv/one'],
    [{ config: "it's.yaml" }, " --config 'it'\\''s.yaml'"],
    [{ config: 'a.yaml', data: 'b c' }, " --data 'b c' --config a.yaml"],
  ] as const) {
    assert.equal(
      onSameStore(text, given),
      `Then: sallyport credentials rotate${flags} --tenant acme, or \`sallyport restore${flags} FILE --yes\`.`,
    )
  }
})

test('operations: what has no store of its own, or another one, is left as it is', () => {
  for (const text of [
    'See sallyport manage login.',
    // Said of a database that is to be put in the place of this one.
    'Make a backup with `sallyport backup`.',
  ])
    assert.equal(onSameStore(text, { data: '/srv/one' }), text)
})

test('operations: a command that is refused names the next one with the same store', async (t) => {
  const cwd = temporaryFolder(t)
  const { code, stderr } = await run(['audit', 'verify', '--head', '1', '--data', 'some where'], { cwd })
  assert.equal(code, 2)
  assert.equal(stderr, "A --head is NUMBER:HASH, as `sallyport audit head --data 'some where'` prints it.\n")
})
