/** `sallyport apply` as people run it: a process, its output, its exit codes, and what is left on the disk. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../store/each-store.ts'
import { changed, sample } from './sample.ts'

const main = fileURLToPath(new URL('../../bin/sallyport.mjs', import.meta.url))

interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Without the settings of whoever runs the tests. */
function run(
  args: readonly string[],
  cwd: string,
  environment: Record<string, string> = {},
): Promise<Outcome> {
  const child = spawn(process.execPath, [main, 'apply', ...args], {
    cwd,
    env: { PATH: process.env.PATH, ...environment },
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}

function folderWith(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder(t)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

const everyByteIn = (folder: string): string =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n')

test('apply: the first run shows the generated secret once, the second has nothing to do, and the disk holds no secret', async (t) => {
  const folder = folderWith(t, {
    'shop.yaml': changed(
      'secret: generated',
      'secret: generated\n              - id: imported\n                secret: {from_env: IMPORTED}',
    ),
  })
  const environment = { IMPORTED: 'canary-imported-secret' }
  const first = await run(['shop.yaml', '--data', 'data'], folder, environment)
  assert.deepEqual([first.code, first.stderr], [0, 'Made a new database in data.\n'])
  assert.match(first.stdout, /^\+ tenant shop\n/)
  assert.match(first.stdout, /Keep these secrets now: they will not be shown again\.\n$/)
  const secrets = first.stdout.match(/sp_test_[0-9A-Za-z]{49}/g) ?? []
  assert.equal(secrets.length, 1)
  const second = await run(['shop.yaml', '--data', 'data'], folder, environment)
  assert.deepEqual(second, {
    code: 0,
    stdout: 'Nothing to do: the store is as the blueprints say.\n',
    stderr: 'In data:\n',
  })
  const bytes = everyByteIn(join(folder, 'data'))
  assert.ok(bytes.includes('auth.shop.example'), 'the database was looked at')
  assert.ok(!bytes.includes(secrets[0] ?? '') && !bytes.includes('canary-imported'))
  assert.ok(!first.stdout.includes('canary-imported'))
})

test('apply: --dry-run shows the plan and leaves not even a folder', async (t) => {
  const folder = folderWith(t, { 'shop.yaml': sample })
  const { code, stdout } = await run(['shop.yaml', '--data', 'data', '--dry-run'], folder)
  assert.equal(code, 0)
  assert.match(stdout, /^\+ tenant shop\n(?:.*\n)*\+ credential shop\/acme\/sync\/main \(generated\)\n$/)
  assert.equal(existsSync(join(folder, 'data')), false)
})

test('apply: --json prints one document for machines, with the secrets it has generated', async (t) => {
  const folder = folderWith(t, { 'shop.yaml': sample })
  const { code, stdout } = await run(['shop.yaml', '--data', 'data', '--json'], folder)
  assert.equal(code, 0)
  const { applied, changes, left, generated } = JSON.parse(stdout)
  assert.deepEqual([applied, left], [true, []])
  assert.deepEqual(changes[0], { action: 'add', noun: 'tenant', address: 'shop', notes: [] })
  assert.deepEqual(Object.keys(generated[0]), ['tenant', 'app', 'credential', 'client_id', 'client_secret'])
})

test('apply: refused input is exit code 2, every problem of every file at once, and nothing is made', async (t) => {
  const folder = folderWith(t, {
    'shop.yaml': changed(
      'plan: free',
      'plan: gold',
      changed('secret: generated', 'secret: generated\n                expires_at: 2027-02-30'),
    ),
    'broken.yaml': 'blueprint: [',
  })
  const { code, stdout, stderr } = await run(
    ['shop.yaml', 'broken.yaml', 'missing.yaml', '--data', 'data'],
    folder,
  )
  assert.deepEqual([code, stdout], [2, ''])
  assert.deepEqual(
    stderr.split('\n').map((line) => line.split(' ')[0]),
    ['missing.yaml:1:1', 'shop.yaml:20:9', 'shop.yaml:28:17', 'broken.yaml:1:13', 'Nothing', ''],
  )
  assert.equal(existsSync(join(folder, 'data')), false)
})

test('apply: a literal secret is refused and stands in no output', async (t) => {
  const folder = folderWith(t, { 'shop.yaml': changed('secret: generated', 'secret: canary-literal') })
  const outcomes = [await run(['shop.yaml'], folder), await run(['shop.yaml', '--json'], folder)]
  for (const { code, stdout, stderr } of outcomes) {
    assert.equal(code, 2)
    assert.doesNotMatch(stdout + stderr, /canary/)
  }
})

test('apply: a store that cannot be used is exit code 3 and one sentence', async (t) => {
  const folder = folderWith(t, { 'shop.yaml': sample, data: 'a file where the folder should be' })
  const { code, stderr } = await run(['shop.yaml', '--data', 'data'], folder)
  assert.equal(code, 3)
  assert.equal(stderr.trimEnd().split('\n').length, 1, stderr)
})

test('apply: no file, and an unknown option, are refused input', async (t) => {
  const folder = temporaryFolder(t)
  assert.equal((await run([], folder)).code, 2)
  assert.equal((await run(['a.yaml', '--purge'], folder)).code, 2)
})

test('apply: a federation rule that lets in too many is a warning on the error output, and applied', async (t) => {
  const federation = `{preset: github, issuer: 'https://token.actions.githubusercontent.com', subject: 'repo:*'}`
  const methods = changed('name: Sync\n', 'name: Sync\n            client_authentication: [federation]\n')
  const folder = folderWith(t, {
    'shop.yaml': changed('secret: generated', `federation: ${federation}`, methods),
  })
  const { code, stdout, stderr } = await run(['shop.yaml', '--data', 'data'], folder)
  assert.equal(code, 0)
  assert.match(stdout, /\+ credential shop\/acme\/sync\/main \(federation rule\)\n$/)
  assert.match(stderr, /\nshop\.yaml:28:17 tenants\[0\]\..*\.federation: warning: .+\n/)
  const json = JSON.parse((await run(['shop.yaml', '--data', 'data', '--json'], folder)).stdout)
  assert.deepEqual([json.warnings.length, json.warnings[0].line], [1, 28])
})

test('RFC 6749 §3.3, apply: a plan that leaves nothing of what an app is granted of an API is a warning at its place', async (t) => {
  const barred = (granted: string, allowed: string) =>
    changed('[orders/read, storage:read]', granted, changed('price: free', `price: free\n        ${allowed}`))
  const warn = async (granted: string, allowed: string) => {
    const folder = folderWith(t, { 'shop.yaml': barred(granted, allowed) })
    const { code, stderr } = await run(['shop.yaml', '--data', 'data', '--dry-run'], folder)
    assert.equal(code, 0)
    return stderr
  }
  assert.match(
    await warn('[storage:read]', 'scopes: {rest: [orders/read]}'),
    /^shop\.yaml:25:22 tenants\[0\]\.organizations\[0\]\.apps\[0\]\.scopes\.rest: warning: Plan free leaves nothing of rest: .+\n$/m,
  )
  assert.match(await warn('[storage:read]', 'scopes: {}'), /warning: Plan free leaves nothing of rest/)
  assert.doesNotMatch(await warn('[storage:read]', "scopes: {rest: ['storage:*']}"), /warning/)
  assert.doesNotMatch(await warn('[orders/read, storage:read]', 'scopes: {rest: [orders/read]}'), /warning/)
  assert.doesNotMatch(await warn('[]', 'scopes: {}'), /warning/)
})

test('trust 153: a private host to fetch from is refused at its place, in each of its places, unless the configuration allows it', async (t) => {
  const issuers = `[{issuer: https://10.0.0.7, apps: [sync]}, {issuer: https://idp.example, jwks_uri: 'https://[fd00::1]/jwks', apps: [sync]}, {issuer: https://127.0.0.1, jwks_uri: https://keys.example/jwks, apps: [sync]}]`
  const trusting = changed(
    '    token_reuse: false\n',
    `    token_reuse: false\n    trusted_issuers: ${issuers}\n`,
  )
  const methods = changed(
    'name: Sync\n',
    'name: Sync\n            client_authentication: [private_key_jwt]\n',
    trusting,
  )
  const folder = folderWith(t, {
    'shop.yaml': changed('secret: generated', 'jwks_uri: https://localhost:9000/keys', methods),
  })
  const refused = await run(['shop.yaml', '--data', 'data'], folder)
  assert.equal(refused.code, 2, refused.stdout)
  const places = [
    'shop.yaml:8:24 tenants[0].trusted_issuers[0].issuer',
    'shop.yaml:8:95 tenants[0].trusted_issuers[1].jwks_uri',
    'shop.yaml:29:17 tenants[0].organizations[0].apps[0].credentials[0].jwks_uri',
  ]
  const sentence =
    'found a host that is not public, expected one that is, or an address of outbound_allowed_networks'
  for (const place of places) assert.ok(refused.stderr.includes(`${place}: ${sentence}`), refused.stderr)
  assert.equal(refused.stderr.match(/not public/g)?.length, places.length)
  const allowing = { SALLYPORT_OUTBOUND_ALLOWED_NETWORKS: '10.0.0.0/8,fd00::/8,127.0.0.0/8' }
  const { code, stderr } = await run(['shop.yaml', '--data', 'data'], folder, allowing)
  assert.equal(code, 0, stderr)
  writeFileSync(
    join(folder, 'server.yaml'),
    'outbound_allowed_networks: [10.0.0.0/8, fd00::/8, 127.0.0.0/8]\ndata_folder: data\n',
  )
  assert.equal((await run(['shop.yaml', '--config', 'server.yaml'], folder)).code, 0)
})
