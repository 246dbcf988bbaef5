// What happens when nobody takes what is written: a full disk, or a reader that has had enough.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { prepare } from './backed-up.ts'
import { commandLine } from './processes.ts'

const full = '/dev/full'
const skip = existsSync(full) ? false : 'there is no /dev/full on this system'

async function errorsOf(args: readonly string[], cwd: string, stdout: number | 'pipe') {
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', stdout, 'pipe'] })
  // A pipe that nobody reads and that is closed at once.
  child.stdout?.destroy()
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const [code] = await once(child, 'close')
  return { code, stderr }
}

test('operations: a command whose words cannot be written says so in one sentence, and has done its work', {
  skip,
}, async (t) => {
  const { root } = await prepare(t)
  const { code, stderr } = await errorsOf([commandLine, 'backup', 'b.db'], root, openSync(full, 'w'))
  assert.equal(code, 1)
  assert.match(stderr, /^Standard output cannot be written: .*ENOSPC.* is to be rotated\.\n$/)
  assert.ok(existsSync(join(root, 'b.db')))
})

test('operations: a reader that has had enough is no failure', async (t) => {
  const { root } = await prepare(t)
  const { stderr } = await errorsOf([commandLine, 'audit', 'export'], root, 'pipe')
  assert.equal(stderr, '')
})

test('operations: a log that cannot be written ends nothing, and is told of once on standard error', {
  skip,
}, async (t) => {
  const { root } = await prepare(t)
  const log = new URL('../../src/http/log.ts', import.meta.url)
  const program = `
    import { setTimeout as wait } from 'node:timers/promises'
    import { createLog } from ${JSON.stringify(log.href)}
    const log = createLog({ clock: Date.now })
    for (let line = 0; line < 5; line += 1) {
      log.info('x'.repeat(70_000))
      log.flush()
      await wait(20)
    }
    await log.drained()
  `
  const args = ['--input-type=module-typescript', '--eval', program]
  const { code, stderr } = await errorsOf(args, root, openSync(full, 'w'))
  assert.equal(
    stderr,
    'The log cannot be written: ENOSPC: no space left on device, write. Requests are answered all the same.\n',
  )
  assert.equal(code, 0)
})
