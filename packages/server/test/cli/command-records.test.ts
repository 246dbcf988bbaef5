/** What commands on the server's own host leave in the audit chain: who, what, before and after, and never a secret. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { systemEffects } from '../../src/effects.ts'
import { openStore } from '../../src/open-store.ts'
import { createDirectory } from '../../src/tenants/directory.ts'
import { app, blueprint, tenant } from '../oauth/sample.ts'
import { run } from './processes.ts'

let root = ''
let seen = 0

interface Said {
  readonly tenant: string | null
  readonly actor: string
  readonly action: string
  readonly target: string
  // biome-ignore lint/suspicious/noExplicitAny: states of every noun, whose members are what is asserted
  readonly before: any
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly after: any
}

before(async () => {
  root = mkdtempSync(join(tmpdir(), 'sallyport-command-records-'))
  writeFileSync(
    join(root, 'blueprint.yaml'),
    blueprint(tenant('acme', [app('sync', { client_id: 'the-sync' })])),
  )
  assert.equal((await run(['apply', 'blueprint.yaml'], { cwd: root })).code, 0)
  const location = { data_folder: join(root, 'data'), database_url: null, master_key: null }
  const store = await openStore(location, systemEffects)
  const directory = createDirectory({ ...store, random: systemEffects.random, clientCacheEntries: 1 })
  await directory.tenant('acme')
  directory.close()
  await store.db.close()
})
after(() => rmSync(root, { recursive: true }))

/** What the command has recorded, and its secret if it has shown one. */
async function recordsOf(...args: string[]): Promise<readonly Said[]> {
  await newRecords()
  const { code, stdout, stderr } = await run(args, { cwd: root })
  assert.equal(code, 0, stderr)
  const records = await newRecords()
  for (const [secret] of stdout.matchAll(/sp_(?:test|live)_\w+/g))
    assert.ok(!JSON.stringify(records).includes(secret.slice(8)), 'a secret is in the chain')
  return records
}

async function newRecords(): Promise<readonly Said[]> {
  const { stdout } = await run(['audit', 'export', '--after', `${seen}`], { cwd: root })
  const lines = stdout.split('\n').filter((line) => line !== '')
  seen += lines.length
  return lines.map((line) => JSON.parse(line))
}

const headsOf = (records: readonly Said[]) =>
  records.map(({ tenant: of, actor, action, target }) => [of, actor, action, target])

const by = (command: string) => `command ${command} (${userInfo().username})`
const ofSync = ['--tenant', 'acme', '--app', 'sync']

test('settled Audit: a key is recorded by its kid when it is made, when it is prolonged, and at each step', async () => {
  const made = await newRecords()
  const first = made.find(({ action }) => action === 'createSigningKey')
  const kid = first?.target.replace('signing key ', '')
  assert.deepEqual([first?.actor, first?.before, first?.after.state], ['server', null, 'active'])
  assert.ok(
    made.some(({ action, target, tenant: of }) => action + target + of === 'createPepperpepper 1null'),
  )
  const records = await recordsOf('keys', 'rotate', '--tenant', 'acme')
  assert.deepEqual(
    records.map(({ actor, action }) => [actor, action]),
    [
      [by('keys rotate'), 'prolongSigningKey'],
      [by('keys rotate'), 'createSigningKey'],
    ],
  )
  assert.equal(records[0]?.target, `signing key ${kid}`)
  assert.equal(records[0]?.before.longest_token_seconds, 0)
  assert.ok(records[0]?.after.longest_token_seconds > 0)
  const [, next] = records
  assert.deepEqual(next?.after, { algorithm: 'ES256', api: null, state: 'next' })
  const gone = await recordsOf('keys', 'rotate', '--tenant', 'acme', '--emergency')
  assert.deepEqual(
    gone.map(({ action, target, before: was, after: is }) => [action, target, was?.state, is.state]),
    [
      ['revokeSigningKey', `signing key ${kid}`, 'active', 'retired'],
      ['revokeSigningKey', next?.target, 'next', 'retired'],
      ['createSigningKey', gone[2]?.target, undefined, 'active'],
    ],
  )
})

test('settled Audit: credentials are recorded as the management API records them, a rotation with what it ends', async () => {
  const added = await recordsOf('credentials', 'add', ...ofSync, '--id', 'second')
  assert.deepEqual(headsOf(added), [
    ['acme', by('credentials add'), 'createCredential', 'credential the-sync second'],
  ])
  assert.deepEqual([added[0]?.before, added[0]?.after.standing], [null, 'good'])
  const rotated = await recordsOf('credentials', 'rotate', ...ofSync, '--id', 'third', '--overlap', '1h')
  assert.deepEqual(headsOf(rotated), [
    ['acme', by('credentials rotate'), 'rotateSecret', 'credential the-sync third'],
  ])
  const [{ before: was, after: is } = assert.fail()] = rotated
  assert.deepEqual(was.ends, [
    { id: 'main', expires_at: null },
    { id: 'second', expires_at: null },
  ])
  assert.deepEqual(
    is.ends.map(({ id, expires_at: end }: { id: string; expires_at: unknown }) => [id, typeof end]),
    [
      ['main', 'number'],
      ['second', 'number'],
    ],
  )
  assert.equal(is.id, 'third')
  const [expired] = await recordsOf('credentials', 'expire', 'third', ...ofSync)
  assert.deepEqual(
    [expired?.action, expired?.before.expires_at, typeof expired?.after.expires_at],
    ['updateCredential', null, 'number'],
  )
  const [removed] = await recordsOf('credentials', 'remove', 'third', ...ofSync)
  assert.deepEqual([removed?.action, removed?.before.id, removed?.after], ['removeCredential', 'third', null])
})

test('settled Audit: a cut-off is recorded with the one before it', async () => {
  const [first] = await recordsOf('revoke', ...ofSync)
  assert.deepEqual(headsOf(first ? [first] : []), [
    ['acme', by('revoke'), 'revokeTokensOfApp', 'app the-sync'],
  ])
  assert.deepEqual([first?.before, first?.after.subject], [null, 'the-sync'])
  const [second] = await recordsOf('revoke', ...ofSync)
  assert.deepEqual(second?.before, first?.after)
})

test('settled Audit: an operator is recorded with the roles before and after, and with the secret it has got', async () => {
  const made = await recordsOf('operators', 'add', 'ada', '--role', 'staff')
  assert.deepEqual(
    made.map(({ action }) => action),
    ['createTenant', 'createApi', 'createOrganization', 'addOperator'],
  )
  const { before: was, after: is, target, actor } = made.at(-1) ?? assert.fail()
  assert.deepEqual([actor, was, is.roles, is.is_new_app], [by('operators add'), null, ['staff'], true])
  assert.match(is.credential, /^secret-/)
  const [again] = await recordsOf('operators', 'add', 'ada', '--role', 'operator')
  assert.deepEqual(
    [again?.target, again?.before.roles, again?.after.roles, again?.after.is_new_app],
    [target, ['staff'], ['operator'], false],
  )
})

test('issue 5, 2: one more secret for an app that manages makes it no operator; a role is given only by name', async () => {
  const place = ['--tenant', 'acme']
  await recordsOf('operators', 'add', 'customer-admin', '--role', 'tenant_admin', ...place)
  const [again] = await recordsOf('operators', 'add', 'customer-admin')
  assert.deepEqual([again?.tenant, again?.after.roles], ['acme', ['tenant_admin']])
  assert.deepEqual(again?.before.roles, ['tenant_admin'])
  const elsewhere = await run(['operators', 'add', 'customer-admin', '--tenant', 'system'], { cwd: root })
  assert.equal(elsewhere.code, 2)
  assert.match(elsewhere.stderr, /has no role there\. Say with --role/)
})

test('settled Audit: another master key is recorded from its beginning to its end, by its fingerprint', async () => {
  const records = await recordsOf('keys', 'rotate-master')
  const actions = records.map(({ action }) => action)
  assert.deepEqual([actions[0], actions.at(-1)], ['beginMasterKeyRotation', 'endMasterKeyRotation'])
  const resealed = records.filter(({ action }) => action === 'resealSecrets')
  assert.deepEqual(
    resealed.map(({ after: { place } }) => place),
    ['signing_keys', 'peppers'],
  )
  assert.equal(new Set(records.map(({ target }) => target)).size, 1)
  assert.match(records[0]?.target ?? '', /^master key [0-9a-f]{10}$/)
  assert.ok(records.every(({ tenant: of, actor }) => of === null && actor === by('keys rotate-master')))
})
