/** The commands as a whole: what is said of all of them, and that nobody waits for the code of another. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from './processes.ts'

const listLibraries = `
import { registerHooks } from 'node:module'
const libraries = new Set()
registerHooks({
  load(url, context, next) {
    const [, name] = /\\/node_modules\\/([^/@]+)\\//.exec(url) ?? []
    if (name !== undefined) libraries.add(name)
    return next(url, context)
  },
})
process.on('exit', () => process.stderr.write([...libraries].sort().join(' ')))
`

const listing = {
  environment: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(listLibraries)}` },
}

test('contract: help, the version and the profiles that the Tab key asks for load no code of other commands', async () => {
  for (const words of ['--version', '--help', 'help', 'manage profiles --names']) {
    const { code, stderr } = await run(words.split(' '), listing)
    assert.deepEqual([code, stderr], [0, 'commander'], words)
  }
})

test('contract: a command on the store reads no YAML unless a configuration file is named', async () => {
  const { stderr } = await run(['keys', 'list', '--help'], listing)
  assert.deepEqual([stderr.includes('kysely'), /pino|typebox|yaml/.test(stderr)], [true, false], stderr)
})

test('contract: help asked for in two ways is the same help', async () => {
  for (const words of ['apply', 'completion']) {
    const [asked, flagged] = await Promise.all([run(['help', words]), run([words, '--help'])])
    assert.match(asked.stdout, new RegExp(`^Usage: sallyport ${words} `))
    assert.equal(asked.stdout, flagged.stdout)
  }
})

test('contract: a misspelt flag is named with the nearest one, also where a required one is missing', async () => {
  const refused: Readonly<Record<string, string>> = {
    'manage apps create --tennat acme': "error: unknown option '--tennat'\n(Did you mean --tenant?)",
    'manage apps create --nmae X': "error: unknown option '--nmae'\n(Did you mean --name?)",
    'revoke --tenat acme --all': "error: unknown option '--tenat'\n(Did you mean --tenant?)",
    'manage apps create --name X': "error: required option '--tenant <id>' not specified",
    'credentials list --tenant acme': "error: required option '--app <id>' not specified",
  }
  for (const [words, expected] of Object.entries(refused)) {
    const { code, stderr } = await run(words.split(' '))
    assert.deepEqual([code, stderr], [2, `${expected}\nAdd --help to see what is possible.\n`])
  }
})

test('issue 5, 4: who looks for a noun of the management API at the top is sent to manage', async () => {
  for (const [words, meant] of [
    ['organizations list', 'manage organizations'],
    ['tenant list --json', 'manage tenants'],
    ['app list', 'apps'],
    ['mange apps', 'manage'],
  ] as const) {
    const { code, stderr } = await run(words.split(' '))
    assert.equal(code, 2)
    assert.ok(
      stderr.startsWith(`error: unknown command '${words.split(' ')[0]}'\n(Did you mean ${meant}?)\n`),
    )
  }
})
