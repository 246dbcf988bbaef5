/** `sallyport apps` in a terminal: what stands in the store of this host. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { systemEffects } from '../../src/effects.ts'
import { openStore } from '../../src/open-store.ts'
import { touchLastUsed } from '../../src/store/credentials.ts'
import { app, blueprint, organization, tenant } from '../oauth/sample.ts'
import { run } from './processes.ts'

let root = ''
// Clears the screen of a terminal, and turns the reading order.
const hostileName = 'a\u009b2J\u202eb'

before(async () => {
  root = mkdtempSync(join(tmpdir(), 'sallyport-apps-'))
  const apps = ['a', 'b', 'c'].map((name) => app(name, { client_id: `client-${name}` }))
  const closed = organization('closed', [app('late', { client_id: 'client-late' })])
  const acme = tenant('acme', apps)
  const withClosed = { ...acme, organizations: [...(acme.organizations as object[]), closed] }
  const other = tenant('other', [
    app('off', { client_id: 'client-off', name: hostileName }),
    app('open', { client_id: 'client-open', client_authentication: ['none'], credentials: [] }),
  ])
  writeFileSync(join(root, 'blueprint.yaml'), blueprint(withClosed, other))
  const applied = await run(['apply', 'blueprint.yaml'], { cwd: root })
  assert.equal(applied.code, 0, applied.stderr)
  const credential = ['--tenant', 'acme', '--app', 'b']
  for (const args of [
    ['expire', 'main', ...credential],
    ['add', '--id', 'second', '--expires-in', '90d', ...credential],
    ['add', '--id', 'third', '--expires-in', '30d', ...credential],
  ])
    assert.equal((await run(['credentials', ...args], { cwd: root })).code, 0)
  await useAndDisable()
})
after(() => rmSync(root, { recursive: true }))

/** As a running server does with what it is asked, and as its management API does. */
async function useAndDisable(): Promise<void> {
  const location = { data_folder: join(root, 'data'), database_url: null, master_key: null }
  const { db } = await openStore(location, systemEffects)
  const disabled = { disabled_at: systemEffects.clock() }
  await db.write(async (tx) => {
    const use = { tenantId: 'acme', clientId: 'client-c', credentialId: 'main', lastUsedAt: 1_800_000_000 }
    await touchLastUsed(tx, [use])
    await tx.kysely.updateTable('organizations').set(disabled).where('id', '=', 'closed').execute()
    await tx.kysely.updateTable('apps').set(disabled).where('id', '=', 'off').execute()
  })
  await db.close()
}

const apps = (...args: readonly string[]) => run(['apps', ...args], { cwd: root })

const clientIds = async (...args: readonly string[]): Promise<readonly string[]> => {
  const { stdout } = await apps('list', '--json', ...args)
  return (JSON.parse(stdout) as { client_id: string }[]).map(({ client_id: id }) => id)
}

test('contract: apps lists every app of the store: its state, its credentials, their next end and last use', async () => {
  const { code, stdout, stderr } = await apps()
  assert.deepEqual([code, stderr], [0, ''])
  const [head, ...rows] = stdout.trimEnd().split('\n')
  assert.match(
    head ?? '',
    /^TENANT +APP +CLIENT ID +ORGANIZATION +STATE +CREDENTIALS +NEXT EXPIRY +LAST USED$/,
  )
  assert.deepEqual(
    rows.map((row) =>
      row
        .split(/ {2,}/)
        .join('|')
        .replace(/20\d\d-\S+Z(?=\|)/, 'soon'),
    ),
    [
      'acme|a|client-a|customer|good|1 of 1 good|never|never',
      'acme|b|client-b|customer|good|2 of 3 good|soon|never',
      'acme|c|client-c|customer|good|1 of 1 good|never|2027-01-15T08:00:00Z',
      'acme|late|client-late|closed|organization disabled|1 of 1 good|never|never',
      'other|off|client-off|customer|disabled|1 of 1 good|never|never',
      'other|open|client-open|customer|good|none|never|never',
    ],
  )
  const listed = JSON.parse((await apps('--tenant', 'acme', '--json')).stdout)
  const shown = JSON.parse((await apps('show', 'client-b', '--tenant', 'acme', '--json')).stdout)
  const ends = shown.credentials.map((one: { expires_at: number }) => one.expires_at)
  assert.deepEqual(
    [listed[1].credentials, listed[1].good_credentials, listed[1].next_expiry],
    [3, 2, Math.max(...ends.filter((end: number) => end !== Math.max(...ends)))],
  )
})

test('contract: apps is narrowed down by tenant and organization', async () => {
  assert.deepEqual(await clientIds('--tenant', 'other'), ['client-off', 'client-open'])
  assert.deepEqual(await clientIds('--tenant', 'acme', '--organization', 'closed'), ['client-late'])
})

test('contract: apps shows so many and says that there are more and how to go on, and nothing at the end', async () => {
  const first = await apps('--limit', '2')
  assert.equal(first.stdout.split('\n').length, 4)
  assert.equal(
    first.stderr,
    'There are more: --limit shows up to 1000; --tenant acme --after client-b goes on in that tenant.\n',
  )
  assert.deepEqual(await clientIds('--tenant', 'acme', '--after', 'client-b'), ['client-c', 'client-late'])
  assert.equal((await apps('--limit', '6')).stderr, '')
  assert.match(
    (await apps('--limit', '5', '--json')).stderr,
    /^There are more: .* --tenant other --after client-off /,
  )
})

test('contract: the name of an app drives no terminal, as JSON neither', async () => {
  const { code, stdout } = await apps('list', '--json')
  assert.equal(code, 0)
  assert.doesNotMatch(stdout.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u)
  assert.ok(JSON.parse(stdout).some(({ name }: { readonly name: string }) => name === hostileName))
})

test('contract: apps show has the settings of one app and its credentials, and never a secret', async () => {
  for (const name of ['client-b', 'b']) {
    const { code, stdout } = await apps('show', name, '--tenant', 'acme')
    assert.equal(code, 0)
    assert.match(stdout, /^client_id +client-b$/m)
    assert.match(stdout, /^scopes\.rest +read, write$/m)
    assert.match(stdout, /^second +secret +good +20/m)
    assert.match(stdout, /^main +secret +expired +20/m)
    assert.doesNotMatch(stdout, /sp_test_|verifier/)
  }
})

test('contract: a verb of the management API is sent there, and nothing else is taken for one', async () => {
  for (const words of [
    'create',
    'create --tenant acme --name X',
    'remove --help',
    'update client-a --disabled',
  ]) {
    const { code, stderr } = await apps(...words.split(' '))
    const [verb] = words.split(' ')
    assert.equal(code, 2)
    assert.ok(
      stderr.startsWith(`error: unknown command 'apps ${verb}'\n(Did you mean manage apps ${verb}?)\n`),
    )
  }
  assert.match((await apps('--tenant', 'create')).stderr, /^There is no tenant create\./)
  assert.match((await apps('--help')).stdout, /Changes are made by sallyport manage apps/)
})

test('contract: apps refuses what does not exist or cannot be', async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['--tenant nobody', /^There is no tenant nobody\./],
    ['--tenant acme --organization nobody', /^Tenant acme has no organization nobody\./],
    ['--organization closed', /^--organization needs --tenant\./],
    ['--after client-a', /^--after needs --tenant\./],
    ['--limit 1001', /^--limit takes a number from 1 to 1000\./],
    ['--limit 0', /^--limit takes a number from 1 to 1000\./],
    ['show nobody --tenant acme', /^Tenant acme has no app nobody\./],
    ['show client-a', /^error: required option '--tenant <id>' not specified/],
  ]
  for (const [words, sentence] of cases) {
    const { code, stdout, stderr } = await apps(...words.split(' '))
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, sentence)
  }
})
