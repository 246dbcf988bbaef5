/** `sallyport completion`: what bash itself offers, asked as its Tab key asks. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../store/each-store.ts'
import { commandLine, run } from './processes.ts'

const hasShell = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0
const script = async (shell: string) => (await run(['completion', shell])).stdout

interface Asking {
  readonly script: string
  readonly home: string
}

/** What is offered for the last of the words. */
function offered({ script, home }: Asking, words: readonly string[]): readonly string[] {
  const list = ['sallyport', ...words].map((word) => `'${word}'`).join(' ')
  const asked = [
    script,
    `sallyport() { '${process.execPath}' '${commandLine}' "$@"; }`,
    `COMP_WORDS=(${list}); COMP_CWORD=${words.length}; _sallyport; printf '%s\\n' "\${COMPREPLY[@]}"`,
  ].join('\n')
  const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-c', asked], {
    encoding: 'utf8',
    cwd: home,
    env: { PATH: process.env.PATH, XDG_CONFIG_HOME: home },
  })
  assert.deepEqual([status, stderr], [0, ''])
  return stdout.split('\n').filter((line) => line !== '')
}

test('bash completes commands, flags, files and profiles', {
  skip: !hasShell('bash') && 'needs bash',
}, async (t) => {
  const home = temporaryFolder(t)
  const asking = { script: await script('bash'), home }
  assert.deepEqual(offered(asking, ['man']), ['manage'])
  assert.deepEqual(offered(asking, ['manage', 'app']), ['apps'])
  assert.deepEqual(offered(asking, ['manage', 'apps', '']), [
    'list',
    'show',
    'create',
    'update',
    'remove',
    '--help',
  ])
  assert.deepEqual(offered(asking, ['manage', 'apps', 'update', 'some-app', '--dis']), ['--disabled'])
  assert.deepEqual(offered(asking, ['manage', 'apps', 'list', '--tenant', 'a']), [])
  assert.ok(offered(asking, ['keys', 'rotate', '--']).includes('--emergency'))
  writeFileSync(join(home, 'body.yaml'), '')
  assert.deepEqual(offered(asking, ['manage', 'apps', 'create', '--file', 'bo']), ['body.yaml'])
  mkdirSync(join(home, 'sallyport'))
  const profile = { url: 'https://localhost', client_id: 'a', client_secret: 'b' }
  writeFileSync(join(home, 'sallyport', 'profiles.json'), JSON.stringify({ profiles: { prod: profile } }), {
    mode: 0o600,
  })
  assert.deepEqual(offered(asking, ['manage', 'me', '--profile', '']), ['prod'])
})

for (const shell of ['zsh', 'fish']) {
  test(`${shell} can read its script`, { skip: !hasShell(shell) && `needs ${shell}` }, async (t) => {
    const file = join(temporaryFolder(t), 'completion')
    writeFileSync(file, await script(shell))
    const { status, stderr } = spawnSync(shell, ['-n', file], { encoding: 'utf8' })
    assert.deepEqual([status, stderr], [0, ''])
  })
}

test('a shell that is not known is refused with those that are', async () => {
  const { code, stderr } = await run(['completion', 'csh'])
  assert.equal(code, 2)
  assert.match(stderr, /It is one of bash, zsh, fish\./)
})
