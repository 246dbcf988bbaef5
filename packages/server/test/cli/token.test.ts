/** `sallyport token` as a person and a script use it: against a development instance, a server by its URL, and impostors. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import type { DemoFile } from '../../src/dev/demo-file.ts'
import { app, blueprint, tenant } from '../oauth/sample.ts'
import { temporaryFolder } from '../store/each-store.ts'
import { freePorts, type Outcome, type Running, type RunOptions, run, start } from './processes.ts'

const instance: { folder: string; demo: DemoFile; running: Running | undefined } = {
  folder: '',
  demo: {
    url: '',
    ca: '',
    tenants: {},
    management: { url: '', token_url: '', client_id: '', client_secret: '' },
  },
  running: undefined,
}

before(async () => {
  instance.folder = mkdtempSync(join(tmpdir(), 'sallyport-token-'))
  const [port = 0] = await freePorts(1)
  const ports = ['--port', String(port), '--http-port', '0', '--api-port', '0']
  instance.running = start(['dev', ...ports], { cwd: instance.folder })
  await instance.running.says(/^Sallyport is ready/m)
  instance.demo = JSON.parse(readFileSync(join(instance.folder, 'data/demo.json'), 'utf8'))
})
after(async () => {
  await instance.running?.stop()
  rmSync(instance.folder, { recursive: true })
})

const token = (args: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
  run(['token', ...args], { cwd: instance.folder, ...options })

const tenantOf = (name: string) => instance.demo.tenants[name] ?? assert.fail(name)

async function inspect(text: string) {
  const { code, stdout } = await run(['inspect', '--json', text.trim()], { cwd: instance.folder })
  assert.equal(code, 0, stdout)
  return JSON.parse(stdout)
}

/** Refused by the command itself, before anything was asked. */
async function assertRefused(args: readonly string[], sentence: RegExp, options?: RunOptions): Promise<void> {
  const { code, stdout, stderr } = await token(args, options)
  assert.deepEqual([code, stdout], [2, ''], stderr)
  assert.match(stderr, sentence)
}

for (const name of ['nanotrust', 'nitrobox', 'nitrobox-live', 'nxtsoft', 'token', 'tokenos'])
  test(`contract: token ${name} prints a good token of its first app, and nothing else`, async () => {
    const { code, stdout, stderr } = await token([name])
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^[\w-]+(?:\.[\w-]+){2}\n$/)
    assert.equal((await inspect(stdout)).app.clientId, tenantOf(name).client_id)
  })

test('contract: token of the tenant system is the operator’s, who may manage with it', async () => {
  const { stdout } = await token(['system'])
  assert.equal((await inspect(stdout)).app.clientId, instance.demo.management.client_id)
})

test('contract: --app, --scope and a target ask as a client would, and --json is the whole answer', async () => {
  const asked = ['tokenos', '--app', 'publisher', '--scope', 'write']
  for (const target of ['--resource', '--audience']) {
    const { code, stdout } = await token([...asked, target, tenantOf('tokenos').audience, '--json'])
    const { access_token: text, ...rest } = JSON.parse(stdout)
    assert.deepEqual([code, rest], [0, { token_type: 'Bearer', expires_in: 600, scope: 'write' }])
    assert.equal((await inspect(text)).app.clientId, tenantOf('tokenos').apps.publisher?.client_id)
  }
})

test('contract: a refusal has error, description and the id of the line in the log, and ends with 1', async () => {
  const { code, stdout, stderr } = await token(['tokenos', '--scope', 'nothing'])
  assert.deepEqual([code, stdout], [1, ''])
  const [said = '', where, log] = stderr.split('\n')
  assert.match(said, /^invalid_scope: The scope asked for is /)
  const { path_token_url: url, client_id: id } = tenantOf('tokenos')
  assert.equal(where, `${url} gave client ${id} no token (400).`)
  const [, requestId = ''] =
    /^The true reason is in the server’s log, in the line with request id ([\w-]{36})$/.exec(log ?? '') ?? []
  await instance.running?.says(new RegExp(`"request_id":"${requestId}".*"reason":`))
  const json = await token(['tokenos', '--audience', 'https://other.example', '--json'])
  const { request_id: other, ...rest } = JSON.parse(json.stdout)
  assert.deepEqual([json.code, json.stderr, rest.status, rest.error], [1, '', 400, 'invalid_target'])
  assert.match(other, /^[\w-]{36}$/)
})

test('contract: elsewhere the issuer is a URL, and the secret comes from a file, a variable or standard input', async () => {
  const { client_id: id, client_secret: secret } = tenantOf('nitrobox')
  const file = join(instance.folder, 'secret')
  writeFileSync(file, `${secret}\n`)
  const args = ['--url', `${instance.demo.url}/nitrobox/`, '--client-id', id]
  const environment = { SALLYPORT_CA: instance.demo.ca }
  const ways: readonly (readonly [readonly string[], RunOptions])[] = [
    [['--client-secret-file', file, '--ca', instance.demo.ca], {}],
    [['--client-secret-file', file], { environment: { ...environment, SALLYPORT_CLIENT_SECRET: 'wrong' } }],
    [[], { environment: { ...environment, SALLYPORT_CLIENT_SECRET: secret } }],
    [[], { environment: { ...environment, SALLYPORT_CLIENT_SECRET_FILE: file } }],
    [[], { environment, input: `${secret}\n` }],
  ]
  for (const [more, options] of ways) {
    const { code, stdout, stderr } = await token([...args, ...more], { cwd: tmpdir(), ...options })
    assert.equal(code, 0, stderr)
    assert.equal((await inspect(stdout)).app.clientId, id)
    assert.ok(!`${stdout}${stderr}`.includes(secret))
  }
  const wrong = await token([...args], { environment, input: 'wrong' })
  assert.deepEqual([wrong.code, wrong.stdout], [1, ''])
  assert.match(wrong.stderr, /^invalid_client: Client authentication failed\.\n/)
})

test('contract: an app that proves itself in the body only gets a token there, and a tenant without secrets is told', async () => {
  const inBody = app('in-body', { client_authentication: ['client_secret_post'] })
  const keyed = app('keyed', {
    client_authentication: ['private_key_jwt'],
    credentials: [{ id: 'main', jwks_uri: 'https://keys.example.com/jwks' }],
  })
  const strict = tenant('strict', [{ ...keyed, sender_constraint: 'dpop' }], { security: 'fapi2' })
  writeFileSync(join(instance.folder, 'more.yaml'), blueprint(tenant('acme', [inBody]), strict))
  const applied = await run(['apply', 'more.yaml', '--json'], { cwd: instance.folder })
  assert.equal(applied.code, 0, applied.stdout + applied.stderr)
  const [, id = ''] = /"client_id": "([^"]+)"/.exec(applied.stdout) ?? []
  const [, secret = ''] = /"client_secret": "([^"]+)"/.exec(applied.stdout) ?? []
  const options = { input: secret }
  const refused = await token(['acme', '--client-id', id], options)
  assert.equal(refused.code, 1)
  const { code, stdout } = await token(['acme', '--client-id', id, '--secret-in', 'body'], options)
  assert.deepEqual([code, (await inspect(stdout)).app.id], [0, 'in-body'])
  const sentence = /\/strict takes no client secret; its clients prove themselves by private_key_jwt/
  await assertRefused(['strict', '--client-id', 'x'], sentence, options)
})

test('contract: what is missing, contradictory or unknown is refused with what there is', async (t) => {
  const other = `${instance.demo.url}/tokenos`
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /^Name a tenant: nanotrust, nitrobox, nitrobox-live, nxtsoft, token, tokenos\.$/m],
    [['nitrobix'], /^data\/demo\.json has no tenant nitrobix; there are: nitrobox/],
    [
      ['tokenos', '--app', 'publishr'],
      /^data\/demo\.json has no app publishr of tenant tokenos; there are: publ/,
    ],
    [['tokenos', '--url', other, '--client-id', 'x'], /^TENANT and --url exclude each other/],
    [['--url', other], /^--url needs --client-id/],
    [['tokenos', '--client-secret-file', 'x'], /^--client-secret-file needs --client-id/],
    [['tokenos', '--app', 'publisher', '--client-id', 'x'], /--app <name>' cannot be used with/],
    [['--url', 'http://localhost/acme', '--client-id', 'x'], /^--url takes an issuer’s https URL/],
    [['--url', `${other}?x`, '--client-id', 'x'], /^--url takes an issuer’s https URL/],
    [['tokenos', '--client-id', 'x'], /^There is no secret in what was given\./],
    [['nobody', '--client-id', 'x'], /is no metadata with a token endpoint \(404\)/],
  ]
  for (const [args, sentence] of cases)
    await assertRefused(args, sentence, args.includes('nobody') ? { input: 'x' } : {})
  await assertRefused(['tokenos'], /^No issuer is named: there is no data\/demo\.json/, {
    cwd: temporaryFolder(t),
  })
})

/** Answers as it is told, with the certificate of the instance. */
async function impostor(
  t: TestContext,
  answers: (url: string) => Readonly<Record<string, readonly [number, object]>>,
) {
  const [key, cert] = ['server.key', 'server.pem'].map((name) =>
    readFileSync(join(instance.folder, 'data', name)),
  )
  const asked: string[] = []
  const server = createServer({ key, cert }, ({ url: path = '' }, response) => {
    asked.push(path)
    const [status, body] = answers(url)[path] ?? [404, {}]
    response.writeHead(status, { 'Retry-After': '7' }).end(JSON.stringify(body))
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const address = server.address()
  const url = `https://localhost:${typeof address === 'object' ? address?.port : 0}`
  const args = ['--url', `${url}/acme`, '--client-id', 'some-client', '--ca', instance.demo.ca]
  return { asked, args, url }
}

const metadataPath = '/.well-known/oauth-authorization-server/acme'
const withSecret = { environment: { SALLYPORT_CLIENT_SECRET: 'some-secret' } }

test('RFC 8414 §3.3: no secret goes where the metadata of another issuer, or none over HTTPS, points', async (t) => {
  for (const metadata of [
    (url: string) => ({ issuer: `${url}/other`, token_endpoint: `${url}/token` }),
    (url: string) => ({ token_endpoint: `${url}/token` }),
    (url: string) => ({ issuer: `${url}/acme`, token_endpoint: `${url.replace('https', 'http')}/token` }),
    (url: string) => ({ issuer: `${url}/acme` }),
  ]) {
    const { args, asked } = await impostor(t, (url) => ({ [metadataPath]: [200, metadata(url)] }))
    await assertRefused(args, /speaks for another issuer|no metadata with a token endpoint/, withSecret)
    assert.deepEqual(asked, [metadataPath])
  }
})

test('contract: --json of what a stranger answers drives no terminal, and is the same JSON', async (t) => {
  const answer = { error: 'no\u009b2J', error_description: '\u202etext\u007f' }
  const { args } = await impostor(t, (url) => ({
    [metadataPath]: [200, { issuer: `${url}/acme`, token_endpoint: `${url}/token` }],
    '/token': [400, answer],
  }))
  const { code, stdout } = await token([...args, '--json'], withSecret)
  assert.doesNotMatch(stdout.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u)
  assert.deepEqual([code, JSON.parse(stdout)], [1, { status: 400, ...answer, request_id: null }])
})

test('what a stranger answers to manage drives no terminal, whichever of its requests', async (t) => {
  const hostile = 'no\u009b2J\u001b[2J'
  const given = { '/system/oauth2/token': [200, { access_token: 'some-token' }] } as const
  for (const [answers, said] of [
    [{ '/system/oauth2/token': [400, { error: hostile }] }, /gave no token \(400, no�2J�\[2J\)/],
    [{ ...given, '/manage/v1/me': [403, { title: hostile }] }, /^no�2J�\[2J$/m],
    [{ ...given, '/manage/v1/me': [200, { actor: hostile }] }, /is no�2J�\[2J at/],
  ] as const) {
    const { url } = await impostor(t, () => answers)
    const login = ['login', 'wrong', '--url', url, '--client-id', 'some-client', '--ca', instance.demo.ca]
    const { stdout, stderr } = await run(['manage', ...login], {
      cwd: instance.folder,
      environment: { ...withSecret.environment, XDG_CONFIG_HOME: temporaryFolder(t) },
    })
    assert.match(stdout + stderr, said)
    assert.doesNotMatch((stdout + stderr).replaceAll('\n', ''), /\p{Cc}/u)
  }
})

test('contract: a server that cannot now ends it with 3, and what is no token is not printed', async (t) => {
  for (const [answer, code, sentence] of [
    [[503, { error: 'temporarily_unavailable' }], 3, /^It may be asked again after 7 seconds\.$/m],
    [[200, { access_token: 'two\u001b[2J words' }], 1, /gave client some-client no token \(200\)/],
    [[400, { error: 'no\u001b[2J' }], 1, /^no�\[2J$/m],
    [[400, { error: { toString: 1 }, error_description: ['x'] }], 1, /^{"toString":1}: \["x"\]$/m],
  ] as const) {
    const { args } = await impostor(t, (url) => ({
      [metadataPath]: [200, { issuer: `${url}/acme`, token_endpoint: `${url}/token` }],
      '/token': answer,
    }))
    const outcome = await token(args, withSecret)
    assert.deepEqual([outcome.code, outcome.stdout], [code, ''])
    assert.match(outcome.stderr, sentence)
  }
  const { args } = await impostor(t, () => ({ [metadataPath]: [503, {}] }))
  assert.deepEqual((await token(args, withSecret)).code, 3)
  const [port] = await freePorts(1)
  const nobody = await token(['--url', `https://localhost:${port}/acme`, '--client-id', 'x'], withSecret)
  assert.deepEqual([nobody.code, nobody.stdout], [3, ''])
  assert.match(nobody.stderr, /^Nothing answers at https:/)
})
