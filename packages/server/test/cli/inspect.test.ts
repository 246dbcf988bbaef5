/** `sallyport inspect` in a terminal: what it prints, its exit codes, and that no token can drive the terminal. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { describe } from '../../src/cli/describe-token.ts'
import { systemEffects } from '../../src/effects.ts'
import { createLog } from '../../src/http/log.ts'
import { nothingKnown } from '../../src/inspect/token-report.ts'
import { createServer, type Server } from '../../src/main.ts'
import { openStore } from '../../src/open-store.ts'
import { basic, type Outcome, run } from './processes.ts'

const example = fileURLToPath(new URL('../../../../docs/examples/acme.yaml', import.meta.url))
const prepared = { root: '', token: '' }

/** A token of the example's app, from the server without a socket. */
async function issueToken(folder: string, secret: readonly [string, string]): Promise<string> {
  const store = await openStore({ data_folder: folder, database_url: null, master_key: null }, systemEffects)
  const server: Server = createServer({
    store,
    effects: systemEffects,
    log: createLog({ clock: systemEffects.wallClock, level: 'silent' }),
    baseUrl: new URL('https://localhost:8443'),
    clientCacheEntries: 10,
    tls: null,
  })
  const { body } = await server.handler({
    ...{ id: 'one', method: 'POST', host: 'localhost:8443', path: '/acme/oauth2/token', query: '' },
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    authorization: [basic(...secret)],
    dpop: [],
    repeatsContentType: false,
    clientCertificate: () => null,
    secure: true,
    clientAddress: '127.0.0.1',
    readBody: async () => Buffer.from('grant_type=client_credentials'),
  })
  await server.close()
  return JSON.parse(body.toString()).access_token
}

before(async () => {
  prepared.root = mkdtempSync(join(tmpdir(), 'sallyport-inspect-'))
  const { stdout } = await run(['apply', example, '--json'], { cwd: prepared.root })
  const [made] = JSON.parse(stdout).generated
  prepared.token = await issueToken(join(prepared.root, 'data'), [made.client_id, made.client_secret])
})
after(() => rmSync(prepared.root, { recursive: true }))

const inspect = (args: readonly string[], input?: string): Promise<Outcome> =>
  run(['inspect', ...args], { cwd: prepared.root, ...(input !== undefined && { input }) })

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

test('issue 2, how it must feel: a good token is told in words, with its times, and the exit code is 0', async () => {
  const { code, stdout, stderr } = await inspect([prepared.token])
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(
    stdout,
    /^Good, for \d+ more seconds\.\n\nSigned by tenant acme with key \S+ \(ES256\)\.\nIssued to app Nightly sync \(sync, client id \S+\) of organization first-customer\.\nFor API rest\.\n\nHeader\n {2}alg {2}ES256\n[\s\S]*\nClaims\n/,
  )
  assert.match(stdout, /^ {2}exp {8}\d+ {2}\(20\d\d-\d\d-\d\dT[\d:]+\.000Z\)$/m)
})

test('issue 2, how it must feel: the token may come from standard input, out of a pipe', async () => {
  const { code, stdout } = await inspect([], `${prepared.token}\n`)
  assert.equal(code, 0)
  assert.match(stdout, /^Good, /)
})

const members = [
  ...['isGood', 'kind', 'problems', 'nextSteps', 'cutOffs', 'header', 'claims', 'tenantId', 'kid', 'app'],
  ...['apiId', 'scopes', 'endpoints'],
]

test('contract: --json prints one document, and a token that is not good is exit code 1', async () => {
  const good = await inspect(['--json'], prepared.token)
  const { isGood, problems, tenantId, header, claims } = JSON.parse(good.stdout)
  assert.deepEqual([good.code, isGood, problems, tenantId], [0, true, [], 'acme'])
  assert.deepEqual(Object.keys(JSON.parse(good.stdout)), members)
  assert.equal(header.typ, 'at+jwt')
  assert.equal(claims.iss, 'https://localhost:8443/acme')
  const bad = await inspect(['--json', `${prepared.token.slice(0, -4)}AAAA`])
  assert.deepEqual([bad.code, JSON.parse(bad.stdout).isGood], [1, false])
  assert.deepEqual(Object.keys(JSON.parse(bad.stdout)), members)
})

test('003-18: a shell variable in single quotes is answered with what to do about it', async () => {
  const { code, stdout } = await inspect(['$BEARER_TOKEN'])
  assert.deepEqual([code, stdout.split('\n')[0]], [1, 'Not good.'])
  assert.match(stdout, /This is the name of a shell variable, not its value.*double quotes/)
})

const hostile = '\u001b]0;owned\u0007\u001b[2J\u009b31m\u202egnp.exe\u2066\r\nGood, for 99 more seconds.'
const hostileToken = [
  part({ alg: `ES256${hostile}`, kid: hostile, [`typ${hostile}`]: 1 }),
  part({
    [hostile]: hostile,
    exp: 1e300,
    iat: -1e300,
    nbf: 'soon',
    list: [hostile],
    [`__proto__${hostile}`]: {},
  }),
  'c2ln',
].join('.')

test('trust F27: nothing in a token drives the terminal, breaks the lines or turns the writing around', async () => {
  for (const args of [[hostileToken], ['--json', hostileToken]]) {
    const { code, stdout, stderr } = await inspect(args)
    assert.deepEqual([code, stderr], [1, ''])
    assert.doesNotMatch(stdout.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\u2028\u2029]/u)
    assert.doesNotMatch(stdout, /^Good/m)
  }
  const { claims } = JSON.parse((await inspect(['--json', hostileToken])).stdout)
  assert.equal(claims[hostile], hostile, 'as JSON it is whole, only written with escapes')
})

test('trust D: deep nesting and endless numbers end in an answer', async () => {
  const deep = `${'['.repeat(9000)}${']'.repeat(9000)}`
  const claims = Buffer.from(`{"deep":${deep},"exp":1e400,"iat":1e21}`).toString('base64url')
  const { code, stderr } = await inspect([`${part({ alg: 'ES256' })}.${claims}.c2ln`])
  assert.deepEqual([code, stderr], [1, ''])
})

test('contract: without a database inspect says where it looked, and exits with 3', async () => {
  const { code, stderr } = await inspect(['--data', 'nowhere', prepared.token])
  assert.equal(code, 3)
  assert.equal(
    stderr,
    'There is no database in nowhere. Start the server first, or name another folder with --data, or its configuration with --config.\n',
  )
})

test('issue 5: a secret given by mistake is told, echoed nowhere, and exit code 1', async () => {
  const secret = `sp_live_${'Ab1'.repeat(16)}x`
  for (const args of [[secret], ['--json', secret], [`${secret}.a.b`]]) {
    const { code, stdout, stderr } = await inspect(args)
    assert.deepEqual([code, stderr], [1, ''])
    assert.match(stdout, /This is a client secret/)
    assert.doesNotMatch(stdout, /Ab1/)
  }
})

test('issue 5: who has cut it off, which endpoints it would open, and what to do next stand in the report', () => {
  const text = describe(
    {
      ...nothingKnown,
      ...{ kind: 'access_token', tenantId: 'acme', kid: 'k', header: { alg: 'ES256' }, apiId: 'rest' },
      ...{ problems: ['It is revoked.'], nextSteps: ['Get a new one.'] },
      cutOffs: [
        {
          ...{ kind: 'app', subject: 'sync' },
          madeBy: {
            ...{ record: 12, happenedAt: 1_800_000_000, actor: 'app boss', operation: 'removeApp' },
            ...{ target: 'app sync', requestId: 'r-1' },
          },
        },
        { kind: 'user', subject: 'ada\u001b[2J', madeBy: null },
      ],
      endpoints: [
        { apiId: 'rest', method: 'GET', path: '/orders/{order}', scope: 'orders:read', isOpen: true },
        { apiId: 'rest', method: 'POST', path: '/orders', scope: 'orders:write', isOpen: false },
        {
          ...{ apiId: 'rest', method: 'PUT', path: '/orders', scope: 'orders:write' },
          ...{ isOpen: false, outsidePlan: 'free' },
        },
      ],
    },
    1_800_000_001,
  )
  const expected = [
    'Not good.',
    '  It is revoked.',
    '  Cut off with app sync at 2027-01-15T08:00:00.000Z by app boss: removeApp of app sync (audit record 12, request r-1).',
    '  Cut off with user ada�[2J; the audit chain has no record of who did it.',
    '  Next: Get a new one.',
    '',
    'Signed by tenant acme with key k (ES256).',
    'For API rest.',
    '',
    'Would open, if it were good',
    '  GET /orders/{order}',
    'Does not open',
    '  POST /orders: it lacks orders:write',
    '  PUT /orders: it lacks orders:write, which the app is granted and plan free leaves out',
    '',
    'Header',
    '  alg  ES256',
  ]
  assert.equal(text, expected.join('\n'))
})
