/** `sallyport credentials` and `sallyport notices` in a terminal. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { formatRegistrationToken, type RegistrationTokenKind } from '@sallyport/protocol'
import { digestOfRegistrationToken } from '../../src/apps/registration.ts'
import { systemEffects } from '../../src/effects.ts'
import { openStore } from '../../src/open-store.ts'
import { addRegistrationToken } from '../../src/store/registration-tokens.ts'
import { addRegistration } from '../../src/store/registrations.ts'
import { blueprint, app as sampleApp, tenant } from '../oauth/sample.ts'
import { run } from './processes.ts'

let root = ''
const secretText = /sp_test_[0-9A-Za-z]{49}/

before(async () => {
  root = mkdtempSync(join(tmpdir(), 'sallyport-credentials-'))
  const keyed = sampleApp('keyed', { client_authentication: ['none'], credentials: [] })
  const text = blueprint(tenant('acme', [sampleApp('sync', { client_id: 'the-sync' }), keyed]))
  writeFileSync(join(root, 'blueprint.yaml'), text)
  assert.equal((await run(['apply', 'blueprint.yaml'], { cwd: root })).code, 0)
})
after(() => rmSync(root, { recursive: true }))

const command = (verb: string, ...args: string[]) =>
  run(['credentials', verb, '--tenant', 'acme', '--app', 'sync', ...args], { cwd: root })

const list = async () => JSON.parse((await command('list', '--json')).stdout) as Record<string, unknown>[]

test('issue 4.5: a secret is added and shown once, and listing shows everything but secrets', async () => {
  const added = await command('add', '--id', 'second', '--expires-in', '90d')
  assert.equal(added.code, 0, added.stderr)
  assert.match(added.stdout, secretText)
  assert.match(added.stdout, /^second +the-sync +sp_test_\S+ +20\d\d-\S+Z$/m)
  assert.match(added.stdout, /Keep this secret now: it will not be shown again\./)
  const listed = await command('list')
  assert.doesNotMatch(listed.stdout, /sp_test_/)
  assert.match(listed.stdout, /^main +secret +good +never +never +20\S+Z +tests$/m)
  assert.match(listed.stdout, /^second +secret +good +20\S+Z +never +20\S+Z +-$/m)
})

test('issue 4.5: a rotation says what ends when, and what the blueprint would undo', async () => {
  const rotated = await command('rotate', '--id', 'third', '--overlap', '7d')
  assert.equal(rotated.code, 0, rotated.stderr)
  assert.match(rotated.stdout, /^main is good until 20\S+Z\.$/m)
  assert.match(
    rotated.stdout,
    /^Blueprint tests declares main: write its expires_at there too, or the next apply sets it back\.$/m,
  )
  assert.doesNotMatch(rotated.stdout, /declares second/)
  const json = JSON.parse((await command('rotate', '--overlap', '1h', '--json')).stdout)
  assert.match(json.client_secret, secretText)
  assert.match(json.credential, /^secret-[0-9a-f]{8}$/)
  assert.deepEqual(
    json.ending.map(({ credential }: { credential: string }) => credential),
    ['main', 'second', 'third'],
  )
})

test('issue 4.5: a credential is given an end, freed of it, and removed', async () => {
  assert.match((await command('expire', 'third')).stdout, /^third is good until/)
  const third = async () => (await list()).find(({ credential }) => credential === 'third')
  assert.equal((await third())?.standing, 'expired')
  assert.equal((await command('expire', 'third', '--expires-in', 'never')).code, 0)
  assert.equal((await third())?.standing, 'good')
  assert.match((await command('remove', 'third')).stdout, /^third is gone, and every token .* is dead\.\n$/)
  assert.equal(await third(), undefined)
  assert.match((await command('remove', 'main')).stdout, /Blueprint tests declares it/)
})

test('issue 4.5: what does not exist or cannot be is refused with the next step', async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['expire', 'nobody'], /^The app has no credential nobody; it has: /],
    [['add', '--expires-in', 'soon'], /^--expires-in takes a number with s, m, h or d, such as 7d/],
    [['rotate', '--overlap', '99999d'], /^--overlap takes .* at most ten years/],
    [['add', '--id', 'No Name'], /^--id takes lower-case letters/],
    [['add', '--app', 'keyed'], /^No client_authentication of app keyed uses a secret/],
    [['list', '--app', 'nobody'], /^Tenant acme has no app nobody\./],
    [['list', '--tenant', 'nobody'], /^There is no tenant nobody\./],
  ]
  for (const [[verb = '', ...args], words] of cases) {
    const { code, stdout, stderr } = await command(verb, ...args)
    assert.equal(code, 2, stdout)
    const place = verb === 'list' ? '' : 'In ./data:\n'
    assert.equal(stderr.slice(0, place.length), place)
    assert.match(stderr.slice(place.length), words)
    assert.equal(stdout, '')
  }
})

test('issue 4.5: notices are empty at first', async () => {
  const { code, stdout } = await run(['notices'], { cwd: root })
  assert.deepEqual([code, stdout], [0, 'Nothing to tell.\n'])
  assert.equal((await run(['notices', '--json', '--tenant', 'acme'], { cwd: root })).stdout, '[]\n')
})

test('issue 4.5: a found secret is put out of use by its text alone, which nobody has to type into the shell', async () => {
  const added = await command('add', '--id', 'leaked', '--json')
  const { client_secret: secret } = JSON.parse(added.stdout) as { client_secret: string }
  const reported = (...args: string[]) =>
    run(['secrets', 'report', ...args], { cwd: root, input: `${secret}\n` })
  const first = await reported('-', '--url', `https://pastes.example/x?secret=${secret}`)
  assert.equal(first.code, 0, first.stderr)
  assert.equal(
    first.stdout,
    'It is credential leaked of client the-sync at tenant acme. It is out of use now, and every token that was got with it is dead.\n',
  )
  assert.equal(first.stderr, 'In ./data:\n')
  assert.deepEqual(JSON.parse((await reported('--json')).stdout), [
    { tenant: 'acme', client_id: 'the-sync', credential: 'leaked', done: 'nothing new', still_works: false },
  ])
  const typed = await reported(secret)
  assert.match(typed.stdout, / It was seen before, and is out of use\.\n$/)
  assert.match(typed.stderr, /in the history of your shell now/)
  const other = await reported(`${secret}x`)
  assert.deepEqual([other.code, other.stdout], [1, 'This is no secret of this server, or no longer one.\n'])
  const leaked = (await list()).find(({ credential }) => credential === 'leaked')
  assert.deepEqual([leaked?.standing, leaked?.exposed_by], ['quarantined', 'leak_report'])
  const notices = (await run(['notices'], { cwd: root })).stdout
  assert.match(
    notices,
    /acme {4}the-sync {3}leaked {6}was found in public \(https:\/\/pastes\.example\/x\); it is out of use$/m,
  )
  assert.ok(!notices.includes(secret))
})

test('issue 4.5: of a found secret that is only flagged the report says each time that it works, until it was ended', async () => {
  const flagging = tenant('flagging', [sampleApp('sync', { client_id: 'flagged' })], {
    exposed_secrets: 'flag',
  })
  const file = join(root, 'flagging.json')
  writeFileSync(file, JSON.stringify({ blueprint: 'flagging', tenants: [flagging] }))
  const applied = await run(['apply', file, '--json'], { cwd: root })
  assert.equal(applied.code, 0, applied.stderr)
  const [{ client_secret: secret }] = JSON.parse(applied.stdout).generated
  const reported = async (...args: string[]) =>
    (await run(['secrets', 'report', ...args], { cwd: root, input: `${secret}\n` })).stdout
  const works = 'still works, as the tenant wants it (exposed_secrets: flag).'
  const next =
    'Give the app another and end this one: sallyport credentials rotate --tenant flagging --app flagged --overlap 0s\n' +
    'Then end the tokens that were got with it: sallyport credentials remove main --tenant flagging --app flagged\n'
  const whose = 'It is credential main of client flagged at tenant flagging.'
  assert.equal(await reported(), `${whose} It is flagged and ${works}\n${next}`)
  assert.equal(await reported(), `${whose} It was flagged before and ${works}\n${next}`)
  const there = `--data ${join(root, 'data')}`
  assert.equal(
    await reported(...there.split(' ')),
    `${whose} It was flagged before and ${works}\n${next.replaceAll(/(rotate|remove)/g, `$1 ${there}`)}`,
  )
  const place = ['--tenant', 'flagging', '--app', 'flagged']
  assert.equal((await run(['credentials', 'rotate', ...place, '--overlap', '0s'], { cwd: root })).code, 0)
  assert.equal(await reported(), `${whose} It was seen before, and is out of use.\n`)
  assert.equal(JSON.parse(await reported('--json'))[0].still_works, false)
})

/** As if the app had registered itself with a token that makes more. */
async function addRegistrationTokens(tenantId: string, clientId: string) {
  const made = (kind: RegistrationTokenKind) => formatRegistrationToken(kind, systemEffects.random(32))
  const tokens = { initial: made('initial'), own: made('registration') }
  const location = { data_folder: join(root, 'data'), database_url: null, master_key: null }
  const { db } = await openStore(location, systemEffects)
  const { organization_id: organizationId } = await db.kysely
    .selectFrom('apps')
    .select('organization_id')
    .where('client_id', '=', clientId)
    .executeTakeFirstOrThrow()
  await db.write(async (tx) => {
    const given = { id: 'reg_1', organizationId, name: 'Machines', terms: {}, registrations: 2 }
    const digest = digestOfRegistrationToken(tokens.initial)
    await addRegistrationToken(tx, tenantId, { ...given, digest, expiresAt: tx.now + 3600 })
    const registered = { clientId, tokenId: 'reg_1', terms: {}, described: {} }
    await addRegistration(tx, tenantId, { ...registered, digest: digestOfRegistrationToken(tokens.own) })
  })
  await db.close()
  return { ...tokens, organizationId }
}

test('RFC 7592 §5: found tokens of registration end by their text alone, and the chain names the command', async () => {
  const { initial, own, organizationId } = await addRegistrationTokens('acme', 'the-sync')
  const reported = (token: string, ...args: string[]) =>
    run(['secrets', 'report', '-', ...args], { cwd: root, input: `${token}\n` })
  assert.equal(
    (await reported(own)).stdout,
    'It is the registration access token of client the-sync at tenant acme. It is good for nothing any more. The app goes on, and the people who manage it can still change or remove it.\n',
  )
  assert.deepEqual(JSON.parse((await reported(initial, '--json')).stdout), [
    { tenant: 'acme', organization: organizationId, registration_token: 'reg_1', done: 'removed' },
  ])
  const again = await reported(initial)
  assert.deepEqual([again.code, again.stdout], [1, 'This is no secret of this server, or no longer one.\n'])
  const notices = (await run(['notices'], { cwd: root })).stdout
  assert.match(notices, /the-sync +registration access token +was found in public; it is out of use$/m)
  const chain = (await run(['audit', 'export'], { cwd: root })).stdout
  assert.match(chain, /"actor":"command secrets report \([^"]+\)","action":"exposeRegistrationToken"/)
  for (const token of [initial, own]) assert.ok(!(chain + notices).includes(token.slice(7, 40)))
})

test('RFC 7592 §5: of found tokens of registration that are only flagged the report says what replaces them', async () => {
  const tenantId = 'noting'
  const noting = tenant(tenantId, [sampleApp('sync', { client_id: 'noted' })], { exposed_secrets: 'flag' })
  const file = join(root, 'noting.json')
  writeFileSync(file, JSON.stringify({ blueprint: tenantId, tenants: [noting] }))
  assert.equal((await run(['apply', file], { cwd: root })).code, 0)
  const { initial, own, organizationId } = await addRegistrationTokens(tenantId, 'noted')
  const reported = async (token: string) =>
    (await run(['secrets', 'report', '-'], { cwd: root, input: `${token}\n` })).stdout.split('\n').slice(1)
  assert.deepEqual(await reported(own), [
    'Give the app another, which ends this one: sallyport manage registrations rotate --tenant noting --app noted',
    '',
  ])
  const whose = `--tenant noting --organization ${organizationId}`
  assert.deepEqual(await reported(initial), [
    `Take it back: sallyport manage registration-tokens remove reg_1 ${whose}`,
    `Then give out another, on the terms you choose: sallyport manage registration-tokens create ${whose} --name NAME`,
    '',
  ])
  const { stdout } = await run(['notices', '--tenant', tenantId], { cwd: root })
  assert.match(stdout, /; it still works, until sallyport manage registrations rotate$/m)
})
