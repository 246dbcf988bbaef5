// Where the five documents contradict each other: what is decided once, and what a tenant or an app may set.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBlueprints } from '../../src/blueprint/parse.ts'
import { basic } from '../harness.ts'
import {
  askPlatform,
  assertRefused,
  blueprintOf,
  changed,
  firstApps,
  grant,
  type PlatformName,
  partsOf,
  platformNames,
  sharedServer,
  tokenOf,
} from './platforms.ts'

// EC keys in place of RSA: what these ask does not depend on them, and they are made at once.
const quick = (name: PlatformName) =>
  blueprintOf(name).replace('signing_algorithm: RS256', 'signing_algorithm: ES256')
const server = sharedServer(platformNames.map(quick))

const plain = (name: string, more = '') => `
blueprint: plain-${name}
tenants:
  - id: ${name}
    name: Plain
    environment: test
    hosts: [auth.${name}.example]
${more}
    apis:
      - id: rest
        audience: https://api.plain.example
        scopes: { read: Read, 'write:*': Write }
    organizations:
      - id: customer
        name: Customer
        attributes: { uid: exampleUid }
        apps:
          - { id: usual, name: Usual, scopes: { rest: [read] }, credentials: [{ id: main, secret: generated }] }
          - id: small
            name: Small
            scopes: { rest: [read] }
            token_type: bearer
            token_reuse: true
            credentials: [{ id: main, secret: generated }]
`
const array = `    dialect:
      response: { token_type: bearer, members: { access_token: '\${access_token}' } }
      token: { claims: { sub: '\${client_id}', scope: '\${scopes}' } }
`
const plainServer = sharedServer([plain('plain'), plain('shaped', array)])
const ask = (tenant: string, app = 'usual', body: Record<string, string> = grant) =>
  plainServer().token(tenant, { basic: plainServer().credential(tenant, app), body })

test('6-1: token_type is Bearer unless the tenant or the app says bearer', async () => {
  const found = await Promise.all(
    platformNames.map(async (name) => (await askPlatform(server(), name)).json.token_type),
  )
  assert.deepEqual(found, ['Bearer', 'Bearer', 'bearer', 'bearer', 'Bearer'])
  assert.equal((await ask('plain')).json.token_type, 'Bearer')
  assert.equal((await ask('plain', 'small')).json.token_type, 'bearer')
})

test('6-2: raw and URL-encoded Basic both work, on every platform', async () => {
  for (const name of platformNames) {
    const [id, secret] = server().credential(name, firstApps[name])
    const encoded = [id, secret].map((text) =>
      [...text].map((c) => `%${c.charCodeAt(0).toString(16)}`).join(''),
    )
    for (const header of [basic(id, secret), basic(encoded[0] ?? '', encoded[1] ?? '')]) {
      assert.equal((await server().token(name, { authorization: [header] })).status, 200, name)
    }
  }
})

test('6-3: expires_in is always sent, the rest of the life where an app reuses, and absent only by the dialect', async () => {
  assert.equal((await ask('plain')).json.expires_in, 600)
  const first = await ask('plain', 'small')
  await plainServer().advance(60)
  const second = await ask('plain', 'small')
  assert.equal(tokenOf(second), tokenOf(first))
  assert.equal(second.json.expires_in, 540)
  assert.equal((await ask('plain')).json.expires_in, 600)
  assert.equal((await ask('shaped')).json.expires_in, undefined)
})

test('6-4: scope is a text in token and answer, an array or absent only by the dialect', async () => {
  const usual = await ask('plain')
  assert.equal(usual.json.scope, 'read')
  assert.equal(partsOf(tokenOf(usual)).claims.scope, 'read')
  const shaped = await ask('shaped')
  assert.equal(shaped.json.scope, undefined)
  assert.deepEqual(partsOf(tokenOf(shaped)).claims.scope, ['read'])
})

test('6-5: no platform gives a refresh token or an ID token, or takes a password', async () => {
  for (const name of platformNames) {
    const { json } = await askPlatform(server(), name)
    assert.deepEqual([json.refresh_token, json.id_token], [undefined, undefined], name)
    for (const grantType of ['password', 'refresh_token', 'authorization_code']) {
      const body = { grant_type: grantType, username: 'a', password: 'b', refresh_token: 'c', code: 'd' }
      assertRefused(await askPlatform(server(), name, body), 400, 'unsupported_grant_type')
    }
    const metadata = await server().request({ url: `/.well-known/oauth-authorization-server/${name}` })
    assert.deepEqual(metadata.json.grant_types_supported, ['client_credentials'])
  }
})

test('6-6: HS512 is for an API with its own key; no tenant can sign with it', () => {
  const text = changed(blueprintOf('tokenos'), '    hosts:', '    signing_algorithm: HS512\n    hosts:')
  const [problem] = parseBlueprints([{ name: 'tokenos.yaml', text }]).problems ?? []
  assert.match(problem?.path ?? '', /signing_algorithm$/)
  assert.match(problem?.expected ?? '', /HS512 is set on an API/)
})

test('6-7: aud, exp, iat and kid are in every token unless the dialect leaves them out', async () => {
  const { header, claims } = partsOf(tokenOf(await ask('plain')))
  assert.deepEqual(Object.keys(claims), [
    'iss',
    'sub',
    'aud',
    'exp',
    'iat',
    'jti',
    'client_id',
    'scope',
    'org_id',
    'cred',
  ])
  assert.equal(claims.aud, 'https://api.plain.example')
  assert.equal(typeof header.kid, 'string')
  const missing = await Promise.all(
    platformNames.map(async (name) => {
      const parts = partsOf(tokenOf(await askPlatform(server(), name)))
      return ['aud', 'exp', 'kid'].filter((member) => !(member in { ...parts.header, ...parts.claims }))
    }),
  )
  assert.deepEqual(missing, [[], ['aud'], [], ['exp', 'kid'], []])
})

test('6-8: a tenant is reached by path, by a host below the server, and by a domain of its own', async () => {
  const client = { basic: plainServer().credential('plain', 'usual'), body: grant, method: 'POST' }
  const places = [
    [{ url: '/plain/oauth2/token' }, 'https://localhost:8443/plain'],
    [{ host: 'auth.plain.example:8443', url: '/oauth2/token' }, 'https://auth.plain.example:8443'],
    [{ host: 'anything.example', url: '/plain/oauth2/token' }, 'https://localhost:8443/plain'],
  ] as const
  for (const [place, issuer] of places) {
    const reply = await plainServer().request({ ...client, ...place })
    assert.equal(partsOf(tokenOf(reply)).claims.iss, issuer)
  }
  const [id, secret] = server().credential('tokenos', 'dashboard-reader')
  const request = { host: 'tokenos.localhost:8443', method: 'POST', url: '/oauth2/token', body: grant }
  tokenOf(await server().request({ ...request, basic: [id, secret] }))
})
