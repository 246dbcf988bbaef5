/** `sallyport manage` as people use it: against a running server, through the bin, each thing from flags to what is printed. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../store/each-store.ts'
import { addOperator, environmentOf, manage, manageJson, useServer } from './manage-server.ts'
import { askToken, commandLine } from './processes.ts'

const server = useServer()

let made = 0

/** An organization of this test alone. */
async function newOrganization(): Promise<string> {
  made += 1
  const id = `customer-${made}`
  await manageJson(server(), ['organizations', 'create', '--tenant', 'acme', '--id', id, '--name', id])
  return id
}

async function newApp(...flags: readonly string[]): Promise<{ readonly client_id: string }> {
  made += 1
  const place = ['--tenant', 'acme', '--organization', 'first-customer']
  return manageJson(server(), [
    ...['apps', 'create', ...place, '--id', `app-${made}`, '--name', 'Made', ...flags],
  ])
}

const inAcme = ['--tenant', 'acme']
const auditNumber = async (): Promise<number> =>
  (await manageJson(server(), ['audit', 'list-all', '--limit', '1'])).items[0].number

test('004-01, 003-03: an app is made from flags, its secret is shown once and said to be, and works', async () => {
  const app = await newApp(
    '--set',
    'scopes.rest=["orders:read"]',
    '--client-authentication',
    'client_secret_basic',
  )
  const place = [...inAcme, '--app', app.client_id]
  const { stdout, stderr, code } = await manage(server(), [
    ...['credentials', 'create', ...place, '--id', 'main', '--secret', 'generated'],
  ])
  assert.equal(code, 0, stderr)
  assert.equal(stderr, `At ${server().url} (SALLYPORT_URL):\n`)
  assert.match(stdout, /\nKeep this secret now: it will not be shown again\.\n$/)
  const secret = /^client_secret +(sp_test_\S+)$/m.exec(stdout)?.[1] ?? ''
  const token = await askToken(`${server().url}/acme/oauth2/token`, [app.client_id, secret], {
    ca: server().ca,
  })
  assert.equal(JSON.parse(token.text).scope, 'orders:read')
  const shown = await manage(server(), ['credentials', 'show', 'main', ...place])
  assert.doesNotMatch(shown.stdout, /sp_test_|Keep this secret/)
  assert.match(shown.stdout, /^standing +good$/m)
})

test('a list is columns for people and the answer itself for machines, with --limit and --all', async () => {
  await newOrganization()
  await newOrganization()
  const two = await manage(server(), ['organizations', 'list', ...inAcme, '--limit', '2'])
  const [head, ...rows] = two.stdout.trimEnd().split('\n')
  assert.match(head ?? '', /^ID +NAME +DISABLED +/)
  assert.equal(rows.length, 2)
  assert.match(two.stderr, /^There are more: --all/)
  const page = await manageJson(server(), ['organizations', 'list', ...inAcme, '--limit', '1'])
  const rest = await manageJson(server(), [
    ...['organizations', 'list', ...inAcme, '--all', '--cursor', page.next_cursor],
  ])
  const all = await manageJson(server(), ['organizations', 'list', ...inAcme, '--all'])
  assert.deepEqual([...page.items, ...rest.items], all.items)
  assert.equal(all.next_cursor, null)
})

test('a query of the API is a flag', async () => {
  const organization = await newOrganization()
  const found = await manageJson(server(), ['apps', 'list', ...inAcme, '--organization', organization])
  assert.deepEqual(found.items, [])
  const all = await manageJson(server(), ['apps', 'list', ...inAcme])
  assert.ok(all.items.length > 0)
})

test('a body comes from a file, over it --set, over it flags; YAML, JSON and standard input alike', async (t) => {
  const organization = await newOrganization()
  const place = [...inAcme, '--organization', organization]
  const file = join(temporaryFolder(t), 'app.yaml')
  writeFileSync(
    file,
    'id: from-file\nname: Of the file\naccess_token_seconds: 60\nscopes:\n  rest: [orders:read]\n',
  )
  const app = await manageJson(server(), [
    ...['apps', 'create', ...place, '--file', file, '--set', 'access_token_seconds=120'],
    ...['--set', 'attributes.uid=7', '--set', '/attributes/place="7"', '--name', 'Of the flag'],
  ])
  assert.deepEqual(
    [app.id, app.name, app.access_token_seconds, app.scopes, app.attributes],
    ['from-file', 'Of the flag', 120, { rest: ['orders:read'] }, { uid: 7, place: '7' }],
  )
  const input = JSON.stringify({ id: 'from-input', name: 'Of the input' })
  const { code, stdout, stderr } = await manage(
    server(),
    ['apps', 'create', ...place, '--file', '-', '--json'],
    {
      input,
    },
  )
  assert.equal(code, 0, stderr)
  assert.equal(JSON.parse(stdout).name, 'Of the input')
})

test('a change is read first, and laid over what is there: the rest stays, and null takes a member away', async () => {
  const app = await newApp('--access-token-seconds', '60', '--set', 'scopes.rest=["orders:read"]')
  const changed = await manageJson(server(), [
    ...['apps', 'update', app.client_id, ...inAcme, '--name', 'Changed', '--access-token-seconds', 'null'],
  ])
  assert.deepEqual([changed.name, changed.scopes], ['Changed', { rest: ['orders:read'] }])
  assert.ok(!('access_token_seconds' in changed))
})

test('what is done to what a blueprint declares says what the next apply makes of it, and nothing else says so', async () => {
  const said = async (...args: readonly string[]) => {
    const { code, stderr } = await manage(server(), [...args, ...inAcme])
    assert.equal(code, 0, stderr)
    return stderr.split('\n').slice(1, -1)
  }
  const { items } = await manageJson(server(), ['apps', 'list', ...inAcme, '--all'])
  const { client_id: clientId } = items.find(({ blueprint }: { blueprint: unknown }) => blueprint === 'acme')
  const declares = (what: string) => `Blueprint acme declares ${what}:`
  const orSetBack = `${declares('it')} change it there too, or the next apply sets it back.`
  const organization = ['organizations', 'update', 'first-customer']
  assert.deepEqual(await said(...organization, '--set', 'attributes.uid=7'), [orSetBack])
  // No word of a blueprint, so that the next apply leaves it alone.
  assert.deepEqual(await said('apps', 'update', clientId, '--disabled', '--yes'), [])
  assert.deepEqual(await said('apps', 'update', clientId, '--no-disabled'), [])
  const ofApp = ['--app', clientId]
  const { items: credentials } = await manageJson(server(), ['credentials', 'list', ...ofApp, ...inAcme])
  const { id } = credentials.find(({ blueprint }: { blueprint: unknown }) => blueprint === 'acme')
  const orEndless = `${declares(id)} write its expires_at there too, or the next apply sets it back.`
  assert.deepEqual(await said('credentials', 'rotate', ...ofApp, '--id', 'second'), [orEndless])
  const sooner = ['--id', 'third', '--overlap-seconds', '9000000']
  assert.deepEqual(await said('credentials', 'rotate', ...ofApp, ...sooner), [])
  const orAnew = `${declares('it')} take it out there too, or the next apply makes it anew.`
  assert.deepEqual(await said('credentials', 'remove', id, ...ofApp, '--yes'), [orAnew])
  assert.deepEqual(await said('credentials', 'remove', 'second', ...ofApp, '--yes'), [])
})

test('--dry-run shows the request and what it would change, and sends no write', async () => {
  const app = await newApp('--access-token-seconds', '60')
  const before = await auditNumber()
  const update = ['apps', 'update', app.client_id, ...inAcme, '--name', 'New', '--access-token-seconds', '60']
  const { stdout, code } = await manage(server(), [...update, '--disabled', '--dry-run'])
  assert.equal(code, 0)
  assert.match(stdout, new RegExp(`^PATCH /manage/v1/tenants/acme/apps/${app.client_id}\n`))
  assert.match(stdout, /^If-Match: "[\w-]{22}"$/m)
  assert.match(stdout, /"name": "New"/)
  assert.match(stdout, /\n~ \/name: "Made" → "New"\n~ \/disabled: false → true\n\nNothing was sent/)
  const same = await manage(server(), [
    'apps',
    'update',
    app.client_id,
    ...inAcme,
    '--name',
    'Made',
    '--dry-run',
  ])
  assert.match(same.stdout, /^It is like that already\.$/m)
  const removal = await manage(server(), ['apps', 'remove', app.client_id, ...inAcme, '--dry-run'])
  assert.match(removal.stdout, /^DELETE /)
  assert.equal(await auditNumber(), before)
})

test('what destroys needs --yes where there is no terminal: removing, disabling, cutting off', async () => {
  const app = await newApp()
  const place = [app.client_id, ...inAcme]
  await manageJson(server(), [
    'credentials',
    'create',
    '--app',
    ...place,
    '--id',
    'main',
    '--secret',
    'generated',
  ])
  const before = await auditNumber()
  const destroying = [
    ['apps', 'remove', ...place],
    ['apps', 'update', ...place, '--disabled'],
    ['apps', 'update', ...place, '--set', 'disabled=true'],
    ['revocations', 'app', ...place],
    ['signing-keys', 'rotate', ...inAcme, '--emergency'],
    ['credentials', 'rotate', '--app', ...place, '--overlap-seconds', '0'],
    ['credentials', 'update', 'main', '--app', ...place, '--expires-at', '1'],
  ]
  const outcomes = await Promise.all(destroying.map((args) => manage(server(), args)))
  for (const [index, { code, stderr }] of outcomes.entries()) {
    assert.equal(code, 2, destroying[index]?.join(' '))
    const words = destroying[index]?.slice(0, 2).join(' ')
    assert.match(stderr, new RegExp(`^This cannot be undone: ${words} of [\\w-]+\\. Say --yes, as there is`))
  }
  assert.equal(await auditNumber(), before)
  assert.equal((await manageJson(server(), ['apps', 'update', ...place, '--no-disabled'])).disabled, false)
  assert.deepEqual(await manageJson(server(), ['apps', 'remove', ...place, '--yes']), { done: true })
  assert.equal((await manage(server(), ['apps', 'show', ...place])).code, 1)
})

const hasScript = spawnSync('script', ['--version']).status === 0

test('on a terminal what destroys asks for its name', { skip: !hasScript && 'needs script' }, async () => {
  const app = await newApp()
  const words = [process.execPath, commandLine, 'manage', 'apps', 'remove', app.client_id, ...inAcme]
  const command = words.map((word) => `'${word}'`).join(' ')
  const answering = (answer: string) =>
    spawnSync('script', ['-qec', command, '/dev/null'], {
      env: { PATH: process.env.PATH, ...environmentOf(server(), server().operator) },
      input: `${answer}\n`,
      encoding: 'utf8',
      timeout: 30_000,
    })
  const refused = answering('something else')
  assert.match(refused.stdout, /Type the name to go on: /)
  assert.match(refused.stdout, /That is not its name\. Nothing was changed\./)
  assert.equal(refused.status, 2)
  assert.match(answering('\u0004').stdout, /Nothing was changed\./)
  const done = answering(app.client_id)
  assert.match(done.stdout, /Done: apps remove\./)
  assert.equal(done.status, 0)
})

test('trust F24: what does not fit is told member by member, with the request id, and ends with 2', async () => {
  const organization = await newOrganization()
  const args = [
    'apps',
    'create',
    ...inAcme,
    '--organization',
    organization,
    '--set',
    'client_id=mine',
    '--id',
    'A B',
  ]
  const { code, stdout, stderr } = await manage(server(), args)
  assert.deepEqual([code, stdout], [2, ''])
  assert.match(stderr, /^ {2}\/client_id: found /m)
  assert.match(stderr, /^ {2}\/id: found .+, expected lower-case letters/m)
  assert.match(stderr, /^ {2}\/name: found /m)
  assert.match(stderr, /^Request id: [\w-]{36}$/m)
  const forMachines = await manage(server(), [...args, '--json'])
  assert.equal(forMachines.code, 2)
  const { code: problem, errors, request_id: id } = JSON.parse(forMachines.stdout)
  assert.deepEqual([problem, errors.length], ['invalid_body', 3])
  assert.match(id, /^[\w-]{36}$/)
})

test('a refusal names the permission and where else it is held; what may not be seen is said to be perhaps not there', async () => {
  const organization = await newOrganization()
  const place = ['--tenant', 'acme', '--organization', organization]
  const auditor = await addOperator(server().folder, 'auditor', '--tenant', 'acme', '--role', 'auditor')
  const args = ['organizations', 'create', ...inAcme, '--id', 'new', '--name', 'New']
  const forbidden = await manage(server(), args, { as: auditor })
  assert.equal(forbidden.code, 1)
  assert.match(forbidden.stderr, /the permission manage_organizations,/)
  assert.match(forbidden.stderr, /^None of your roles has manage_organizations anywhere\.$/m)
  const admin = await addOperator(server().folder, 'admin', ...place, '--role', 'organization_admin')
  await addOperator(server().folder, 'admin', '--tenant', 'acme', '--role', 'auditor')
  const elsewhere = await manage(
    server(),
    ['apps', 'create', ...inAcme, '--organization', 'first-customer', '--id', 'new', '--name', 'New'],
    { as: admin },
  )
  assert.match(elsewhere.stderr, /the permission manage_apps,/)
  assert.match(
    elsewhere.stderr,
    new RegExp(`^You have it at: organization ${organization} of tenant acme\\.$`, 'm'),
  )
  const unseen = await manage(server(), ['apps', 'list', '--tenant', 'system'], { as: auditor })
  assert.equal(unseen.code, 1)
  assert.match(
    unseen.stderr,
    /^Either it does not exist, or you may not see it\.\nYou belong to: tenant acme\.$/m,
  )
  assert.match(unseen.stderr, /^Request id: /m)
})

test('a word that is no command names the nearest, and a place that is missing its flag', async () => {
  const unknown = await manage(server(), ['apps', 'lst', ...inAcme])
  assert.equal(unknown.code, 2)
  assert.match(unknown.stderr, /Did you mean list\?/)
  const missing = await manage(server(), ['apps', 'list'])
  assert.equal(missing.code, 2)
  assert.match(missing.stderr, /--tenant/)
})

test('what stands in a name cannot drive the terminal', async () => {
  const id = await newOrganization()
  const update = ['organizations', 'update', id, ...inAcme, '--name', 'Red\u001b[31m\u202e']
  const { stdout, code } = await manage(server(), update)
  assert.equal(code, 0)
  assert.match(stdout, /^name +Red�\[31m�$/m)
})

test('a server that is away, or not trusted, is one sentence and ends with 3; wrong credentials end with 2', async (t) => {
  const { url, operator } = server()
  const away = await manage(server(), ['me'], { environment: { SALLYPORT_URL: 'https://localhost:1' } })
  assert.deepEqual([away.code, away.stderr.split('\n').length], [3, 2])
  assert.match(away.stderr, /^Nothing answers at https:\/\/localhost:1\./)
  const ca = join(temporaryFolder(t), 'none.pem')
  writeFileSync(ca, '')
  const untrusted = await manage(server(), ['me'], { environment: { SALLYPORT_CA: ca } })
  assert.equal(untrusted.code, 3)
  assert.match(untrusted.stderr, /^The certificate of .+ SALLYPORT_CA\.$/m)
  const wrong = await manage(server(), ['me'], { as: [operator[0], 'sp_live_wrong'] })
  assert.equal(wrong.code, 2)
  assert.match(wrong.stderr, new RegExp(`^${url}/system/oauth2/token does not know client ${operator[0]} `))
  assert.doesNotMatch(wrong.stderr, /sp_live_wrong/)
})
