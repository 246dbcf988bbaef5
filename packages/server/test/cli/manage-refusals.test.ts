/** `sallyport manage` where something was typed that the server, or the command, does not take: what, and what to type. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manage, manageJson, useServer } from './manage-server.ts'

const server = useServer()
const inFirst = ['--tenant', 'acme', '--organization', 'first-customer']

test('what is made switched off destroys nothing, so nobody is asked', async () => {
  const made = await manage(server(), [
    ...['organizations', 'create', '--tenant', 'acme', '--id', 'later', '--name', 'Later', '--disabled'],
  ])
  assert.equal(made.code, 0, made.stderr)
  const app = await manage(server(), [
    'apps',
    'create',
    ...inFirst,
    '--id',
    'later',
    '--name',
    'L',
    '--disabled',
  ])
  assert.equal(app.code, 0, app.stderr)
})

test('a member that is no flag says how it is said, with a value and without', async () => {
  const create = ['organizations', 'create', '--tenant', 'acme', '--id', 'a', '--name', 'A']
  for (const typed of [['--attributes', 'x'], ['--attributes'], ['--attributes=x']]) {
    const { code, stderr } = await manage(server(), [...create, ...typed])
    assert.equal(code, 2)
    assert.match(stderr, /--attributes.* It goes by --set attributes=VALUE or --file: see --help\.\n/)
  }
  const { stdout } = await manage(server(), ['organizations', 'create', '--help'])
  assert.doesNotMatch(stdout, /--attributes/)
})

test('an operator of the whole server who misspells a place is told what is missing', async () => {
  const create = ['apps', 'create', '--tenant', 'acme', '--organization', 'frist', '--id', 'a', '--name', 'A']
  const { code, stderr } = await manage(server(), create)
  assert.equal(code, 1)
  assert.match(stderr, /^There is no organization frist in tenant acme\.\nRequest id: /m)
  assert.doesNotMatch(stderr, /may see|belong/)
})

test('an app is found by its id, and who names it so is told its client id', async () => {
  const create = ['apps', 'create', ...inFirst, '--id', 'named', '--name', 'Named']
  const { client_id: clientId } = await manageJson(server(), create)
  const found = await manageJson(server(), ['apps', 'list', '--tenant', 'acme', '--id', 'named'])
  assert.deepEqual(
    found.items.map((one: { readonly client_id: string }) => one.client_id),
    [clientId],
  )
  const { stderr } = await manage(server(), ['apps', 'show', 'named', '--tenant', 'acme'])
  assert.ok(stderr.startsWith(`The app named is named by its client id here: ${clientId}.\n`), stderr)
})

test('a federation rule that lets in too many is made, shown, and warned of on standard error', async () => {
  const create = [
    'apps',
    'create',
    ...inFirst,
    '--id',
    'ci',
    '--name',
    'CI',
    '--client-authentication',
    'federation',
  ]
  const { client_id: clientId } = await manageJson(server(), create)
  const { code, stdout, stderr } = await manage(server(), [
    ...['credentials', 'create', '--tenant', 'acme', '--app', clientId, '--id', 'rule'],
    ...[
      '--set',
      `federation.issuer=${server().url}`,
      '--set',
      'federation.subject=repo:*/shop:ref:refs/heads/main',
    ],
  ])
  assert.equal(code, 0, stderr)
  assert.match(stderr, /^Warning: Any repository on GitHub may match: /m)
  assert.doesNotMatch(stdout, /warnings/)
  assert.match(stdout, /^federation\.subject +repo:\*\/shop:ref:refs\/heads\/main$/m)
})
