/** The five platforms' blueprints hold the facts of their documents; what the token endpoint makes of them is tested there. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseBlueprints } from '../../src/blueprint/parse.ts'
import { formatProblem } from '../../src/blueprint/problem.ts'
import type { AppEntry, TenantEntry } from '../../src/blueprint/schema.ts'
import { compileDialect } from '../../src/tenants/dialect.ts'
import { forEachStore } from '../store/each-store.ts'
import { applied, createBench } from './sample.ts'

const names = ['nanotrust', 'nxtsoft', 'nitrobox', 'token', 'tokenos'] as const
const texts = names.map((name) => ({
  name: `${name}.yaml`,
  text: readFileSync(new URL(`../../../../blueprints/${name}.yaml`, import.meta.url), 'utf8'),
}))
const { blueprints = [], problems } = parseBlueprints(texts)

function tenant(id: string): TenantEntry {
  const found = blueprints.flatMap(({ file }) => file.tenants).find((candidate) => candidate.id === id)
  assert.ok(found, problems?.map(formatProblem).join('\n'))
  return found
}

const customers = (id: string) =>
  (tenant(id).organizations ?? []).filter((organization) => organization.id !== 'platform')
const apps = (id: string): AppEntry[] => customers(id).flatMap((organization) => organization.apps ?? [])
const dialect = (id: string) => compileDialect(tenant(id).dialect ?? {})

/** Values of every template variable that the samples use. */
const values = {
  ...{
    alg: 'RS256',
    kid: 'a-kid',
    issuer: 'https://issuer.example',
    client_id: 'the-key',
    audience: 'https://audience.example',
  },
  ...{
    scope: 'one two',
    scopes: ['one', 'two'],
    iat: 1606787228,
    exp: 1606790828,
    jti: 'a-jti',
    expires_in: 3600,
  },
  ...{ grant_type: 'client_credentials', access_token: 'a.b.c', token_type: 'Bearer' },
  app: { name: 'My App' },
  organization: { attributes: { uid: 'bBZ7', uname: 'username', uavatar: '//www.gravatar.com/avatar/0' } },
}

test('blueprints: the five platforms are read without a problem, each under its own name', () => {
  assert.deepEqual(problems, undefined)
  assert.deepEqual(
    blueprints.map(({ file }) => file.blueprint),
    [...names],
  )
})

test('blueprints: every app of the five has a generated secret, and none a literal one', () => {
  for (const { file } of blueprints) {
    for (const { id } of file.tenants) {
      assert.ok(
        apps(id).every(({ credentials = [] }) => credentials.length > 0),
        id,
      )
      assert.ok(
        apps(id).every(({ credentials = [] }) => credentials.every(({ secret }) => secret === 'generated')),
        id,
      )
    }
  }
})

test('000-01: plans are free and paid, and the provider says yes to both', () => {
  assert.deepEqual(
    tenant('nanotrust').plans?.map(({ price, approval }) => [price, approval]),
    [
      ['free', true],
      ['paid', true],
    ],
  )
})

test('000-10, 000-13, 000-14: the answer is 21600 s, Bearer, four default scopes and created_at', () => {
  assert.equal(tenant('nanotrust').access_token_seconds, 21600)
  const members = dialect('nanotrust').responseMembers.render(values)
  assert.deepEqual(Object.keys(members), ['access_token', 'token_type', 'expires_in', 'scope', 'created_at'])
  assert.deepEqual([members.token_type, members.created_at], ['Bearer', values.iat])
  assert.equal(apps('nanotrust')[0]?.default_scopes?.join(' '), 'openid public profile email')
})

test('000-15, 000-16: HS512 with a key of the API, alg first in the header, and no typ', () => {
  assert.deepEqual(
    tenant('nanotrust').apis?.map(({ signing_algorithm: algorithm }) => algorithm),
    ['HS512'],
  )
  const header = JSON.stringify(dialect('nanotrust').header.render({ alg: 'HS512', kid: 'k' }))
  assert.equal(Buffer.from(header).toString('base64url').slice(0, 16), 'eyJhbGciOiJIUzUx')
  assert.doesNotMatch(header, /typ/)
})

test('001-01, 001-11: a host of its own, and client ids of 26 lower-case alphanumerics', () => {
  assert.deepEqual(tenant('nxtsoft').hosts, ['auth.nxtsoft.localhost'])
  assert.deepEqual(tenant('nxtsoft').client_id, { length: 26, alphabet: 'lower_alphanumeric' })
})

test('001-07, 001-08: the answer is exactly access_token, expires_in 3600, token_type Bearer', () => {
  assert.equal(tenant('nxtsoft').access_token_seconds, 3600)
  const members = dialect('nxtsoft').responseMembers.render(values)
  assert.deepEqual(Object.keys(members), ['access_token', 'expires_in', 'token_type'])
  assert.equal(members.token_type, 'Bearer')
})

test('001-09: the header is kid, then alg, without typ; the kid is base64 with padding', () => {
  assert.deepEqual([tenant('nxtsoft').signing_algorithm, tenant('nxtsoft').key_id], ['RS256', 'base64'])
  assert.equal(JSON.stringify(dialect('nxtsoft').header.render(values)), '{"kid":"a-kid","alg":"RS256"}')
})

test("001-11 to 001-17: the claims are the sample's, in its order, without aud and nbf", () => {
  assert.deepEqual(Object.entries(dialect('nxtsoft').claims.render(values)), [
    ['sub', 'the-key'],
    ['token_use', 'access'],
    ['scope', 'one two'],
    ['auth_time', values.iat],
    ['iss', 'https://issuer.example'],
    ['exp', values.exp],
    ['iat', values.iat],
    ['version', 2],
    ['jti', 'a-jti'],
    ['client_id', 'the-key'],
  ])
  assert.match(
    tenant('nxtsoft').token_issuer ?? '',
    /^https:\/\/cognito-idp\.us-west-2\.amazonaws\.com\/[^/]+$/,
  )
})

test('001-20: mock and post are both declared, and each app is granted one', () => {
  assert.deepEqual(Object.keys(tenant('nxtsoft').apis?.[0]?.scopes ?? {}), [
    'transactions/mock',
    'transactions/post',
  ])
  assert.deepEqual(
    apps('nxtsoft').map(({ scopes }) => scopes),
    [{ transactions: ['transactions/post'] }, { transactions: ['transactions/mock'] }],
  )
})

test('002-05: testing and production are two tenants that differ in nothing but environment and customers', () => {
  // A demonstration's exposed secrets are only noted, and that is no matter of the platform.
  const strip = ({ id: _, name: __, organizations: ___, exposed_secrets: ____, ...more }: TenantEntry) => {
    const { environment, pair, ...rest } = more
    return { environment, pair, rest }
  }
  const [test, live] = [strip(tenant('nitrobox')), strip(tenant('nitrobox-live'))]
  assert.deepEqual([test.environment, live.environment], ['test', 'live'])
  assert.deepEqual([test.pair, live.pair], ['nitrobox-live', 'nitrobox'])
  assert.deepEqual(test.rest, live.rest)
})

test('002-06: the tenant is reached by its path alone', () =>
  assert.equal(tenant('nitrobox').hosts, undefined))

test('002-09, 002-12, 002-17: multipart is read; the answer is access_token, bearer, expires_in and no scope', () => {
  const { multipart, tokenType, responseMembers } = dialect('nitrobox')
  assert.deepEqual([multipart, tokenType], [true, 'bearer'])
  assert.deepEqual(Object.keys(responseMembers.render(values)), ['access_token', 'token_type', 'expires_in'])
})

test('002-13, 002-15: 300 s within bounds, and tokens are given out again', () => {
  const {
    access_token_seconds: seconds,
    token_reuse: reuse,
    maximum_access_token_seconds: maximum,
  } = tenant('nitrobox')
  assert.deepEqual([seconds, reuse, maximum], [300, true, 3600])
})

test('003-04: key and secret in the query of /auth/token, without a grant_type; keys of 32 alphanumerics', () => {
  const { tokenPath, defaultGrantType, queryCredentials } = dialect('token')
  assert.deepEqual([tokenPath, defaultGrantType], ['/auth/token', 'client_credentials'])
  assert.deepEqual(queryCredentials, { clientId: 'key', clientSecret: 'secret' })
  assert.deepEqual(tenant('token').client_id, { length: 32, alphabet: 'alphanumeric' })
  assert.deepEqual(tenant('token').hosts, ['api.token.localhost'])
})

test('003-07: the answer is token_type, in lower case and first, and access_token', () => {
  const { tokenType, responseMembers } = dialect('token')
  assert.equal(tokenType, 'bearer')
  assert.deepEqual(Object.keys(responseMembers.render(values)), ['token_type', 'access_token'])
})

test("003-09 to 003-16: the token is the sample's: no kid, owner, scope as a list, no exp, iss, jti or nbf", () => {
  assert.equal(tenant('token').signing_algorithm, 'RS256')
  assert.equal(JSON.stringify(dialect('token').header.render(values)), '{"alg":"RS256","typ":"JWT"}')
  assert.deepEqual(Object.entries(dialect('token').claims.render(values)), [
    ['sub', 'the-key'],
    ['owner', values.organization.attributes],
    ['app_name', 'My App'],
    ['scope', ['one', 'two']],
    ['aud', 'https://audience.example'],
    ['grant_type', 'client_credentials'],
    ['iat', values.iat],
  ])
  assert.deepEqual(
    tenant('token').apis?.map(({ audience }) => audience),
    ['https://developers.token-project.eu'],
  )
})

test('003-13: eight scopes, seven wildcards and sso, all granted to My App', () => {
  const scopes = [
    'notarization:*',
    'storage:*',
    'ipfs:*',
    'streams:*',
    'connect:*',
    'infura:*',
    'cluster:*',
    'sso',
  ]
  assert.deepEqual(Object.keys(tenant('token').apis?.[0]?.scopes ?? {}), scopes)
  const [first] = apps('token')
  assert.deepEqual([first?.name, first?.scopes], ['My App', { token: scopes }])
})

test('003-01, 003-20: two organizations, and two apps in one of them', () => {
  assert.deepEqual(
    customers('token').map(({ apps: own = [] }) => own.length),
    [2, 1],
  )
})

test('004-09, 004-10: the tenant in the host name, the scope read, and no dialect at all', () => {
  assert.deepEqual(tenant('tokenos').hosts, ['tokenos.localhost'])
  assert.ok(Object.hasOwn(tenant('tokenos').apis?.[0]?.scopes ?? {}, 'read'))
  assert.equal(tenant('tokenos').dialect, undefined)
})

forEachStore((engine, store) => {
  test(`${engine}: blueprints: the five are applied together, and a second time there is nothing to do`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    const all = texts.slice(0, 3).map(({ text }) => text)
    const first = await applied(bench, all)
    assert.ok(first.lines.every((line) => line.startsWith('+ ')))
    const clientId = first.generated.find(({ tenantId }) => tenantId === 'nxtsoft')?.clientId
    assert.match(clientId ?? '', /^[a-z0-9]{26}$/)
    const rest = texts.slice(3).map(({ text }) => text)
    const second = await applied(bench, rest)
    assert.match(
      second.generated.find(({ tenantId }) => tenantId === 'token')?.clientId ?? '',
      /^[A-Za-z0-9]{32}$/,
    )
    for (const again of [all, rest]) assert.deepEqual((await applied(bench, again)).generated, [])
  })
})
