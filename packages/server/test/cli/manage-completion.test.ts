/** `sallyport completion`: what each shell itself offers, asked as its Tab key asks. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../store/each-store.ts'
import { commandLine, run } from './processes.ts'

const command = `'${process.execPath}' '${commandLine}'`

interface Shell {
  readonly flags: readonly string[]
  /** A program for that shell, which prints what is offered for the last of the words; `script` is ours. */
  asking(script: string, words: readonly string[]): string
}

const quoted = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(' ')

const shells: Readonly<Record<string, Shell>> = {
  bash: {
    flags: ['--norc', '-c'],
    asking: (script, words) => `${script}
sallyport() { ${command} "$@"; }
COMP_WORDS=(${quoted(words)}); COMP_CWORD=${words.length - 1}; _sallyport; printf '%s\\n' "\${COMPREPLY[@]}"`,
  },
  zsh: {
    flags: ['-f', '-c'],
    // Its own functions exist only while its Tab key is down: these print what they are given.
    asking: (script, words) => `compdef() { }
_describe() { print -rl -- "\${(@)\${(@P)2}%%:*}" }
compadd() { print -rl -- "\${(@P)2}" }
_files() { print -rl -- *(N) }
${script}
sallyport() { ${command} "$@"; }
words=(${quoted(words)}); CURRENT=${words.length}; _sallyport`,
  },
  fish: {
    flags: ['--no-config', '-c'],
    asking: (script, words) => `${script}
function sallyport; ${command} $argv; end
complete -C "${words.join(' ')}"`,
  },
}

interface Offering {
  readonly shell: string
  readonly script: string
  readonly home: string
}

/** What is offered for the last of the words, without what it is about. */
function offered({ shell, script, home }: Offering, ...words: readonly string[]): readonly string[] {
  const { flags, asking } = shells[shell] ?? assert.fail(shell)
  const asked = asking(script, ['sallyport', ...words])
  const { stdout, stderr, status } = spawnSync(shell, [...flags, asked], {
    encoding: 'utf8',
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home, XDG_CONFIG_HOME: home },
  })
  assert.deepEqual([status, stderr], [0, ''])
  const lines = stdout.split('\n').flatMap((line) => line.split('\t')[0] || [])
  // What does not begin as the word does, the shell itself leaves out.
  return lines.filter((line) => line.startsWith(words.at(-1) ?? '')).toSorted()
}

function keepProfile(home: string, name = 'prod'): void {
  mkdirSync(join(home, 'sallyport'), { recursive: true })
  const profile = { url: 'https://localhost', client_id: 'a', client_secret: 'b' }
  writeFileSync(join(home, 'sallyport', 'profiles.json'), JSON.stringify({ profiles: { [name]: profile } }), {
    mode: 0o600,
  })
}

const hasShell = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0

for (const shell of Object.keys(shells)) {
  test(`issue 5, 4: ${shell} completes commands, flags, files and profiles`, {
    skip: !hasShell(shell) && `needs ${shell}`,
  }, async (t) => {
    const home = temporaryFolder(t)
    const offering = { shell, home, script: (await run(['completion', shell])).stdout }
    assert.deepEqual(offered(offering, 'man'), ['manage'])
    assert.deepEqual(offered(offering, 'manage', 'app'), ['apps'])
    const verbs = ['--help', 'create', 'list', 'remove', 'show', 'update']
    assert.deepEqual(offered(offering, 'manage', 'apps', ''), verbs)
    assert.deepEqual(offered(offering, 'manage', 'apps', 'update', 'some-app', '--dis'), ['--disabled'])
    assert.deepEqual(offered(offering, 'manage', 'apps', 'list', '--tenant', 'a'), [])
    assert.ok(offered(offering, 'keys', 'rotate', '--').includes('--emergency'))
    writeFileSync(join(home, 'body.yaml'), '')
    assert.deepEqual(offered(offering, 'manage', 'apps', 'create', '--file', 'bo'), ['body.yaml'])
    keepProfile(home)
    assert.deepEqual(offered(offering, 'manage', 'me', '--profile', ''), ['prod'])
    assert.deepEqual(offered(offering, 'manage', 'logout', 'p'), ['prod'])
    assert.deepEqual(offered(offering, 'completion', ''), ['--help', 'bash', 'fish', 'zsh'])
    const made = ['manage', 'tenants', 'create', '--id', 'acme', '--environment', '']
    assert.deepEqual(offered(offering, ...made), ['live', 'test'])
    const asked = ['manage', 'key-requests', 'list', '--tenant', 'a', '--state', '']
    assert.deepEqual(offered(offering, ...asked), ['approved', 'asked', 'refused'])
    const roles = ['manage', 'memberships', 'create', '--tenant', 'a', '--roles', 'organization_']
    assert.deepEqual(offered(offering, ...roles), ['organization_admin'])
    assert.deepEqual(offered(offering, 'operators', 'add', 'b', '--role', 'aud'), ['auditor'])
  })
}

for (const shell of Object.keys(shells))
  test(`${shell} runs nothing that the name of a profile says, whoever wrote it`, {
    skip: !hasShell(shell) && `needs ${shell}`,
  }, async (t) => {
    const home = temporaryFolder(t)
    const offering = { shell, home, script: (await run(['completion', shell])).stdout }
    keepProfile(home, '$(touch${IFS}ran)')
    offered(offering, 'manage', 'me', '--profile', '')
    offered(offering, 'manage', 'logout', '')
    assert.equal(existsSync(join(home, 'ran')), false)
  })

test('a shell that is not known is refused with those that are', async () => {
  const { code, stderr } = await run(['completion', 'csh'])
  assert.equal(code, 2)
  assert.match(stderr, /It is one of bash, zsh, fish\./)
})
