// Workload identity federation: a token of an outside issuer proves a client whose rules mean just that token.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readJws } from '@sallyport/protocol'
import { breadthWarnings } from '../../src/federation/breadth.ts'
import { matchesPattern } from '../../src/federation/match.ts'
import type { FederationRule } from '../../src/federation/rule.ts'
import { verifyFederated } from '../../src/federation/verify.ts'
import { forEachStore, oneStore, startTestServer } from '../harness.ts'
import { assertInvalidClient, assertToken, freshAddress } from './answers.ts'
import { publish } from './published.ts'
import { app, blueprint, type Part, tenant } from './sample.ts'
import { type Key, type Members, makeKey, reasonOf, sign, withAssertion } from './signed.ts'

const github = 'https://token.actions.githubusercontent.com'
const mainBranch = 'repo:octo/robot:ref:refs/heads/main'

const rule = (more: Part = {}): Part => ({ preset: 'github', issuer: github, subject: mainBranch, ...more })

async function start(
  t: Parameters<typeof startTestServer>[0],
  rules: readonly Part[] = [rule()],
  suite = oneStore,
) {
  const key = await makeKey('RS256')
  const { fetched, documents, fetchJson } = publish(github, key, 'hub')
  const credentials = rules.map((federation, index) => ({ id: `rule-${index}`, federation }))
  const apps = [
    app('robot', { client_id: 'robot', client_authentication: ['federation'], credentials }),
    app('sync'),
  ]
  const server = await startTestServer(t, suite, blueprint(tenant('acme', apps)), {}, { fetchJson })
  const claims = (changes: Members = {}): Members => {
    const now = server.clock()
    const all = {
      iss: github,
      sub: mainBranch,
      aud: 'https://localhost:8443/acme',
      iat: now,
      exp: now + 300,
      repository: 'octo/robot',
      ...changes,
    }
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  }
  const send = (assertion: string, form: Readonly<Record<string, string>> = { client_id: 'robot' }) =>
    server.token('acme', { ...withAssertion(assertion, form), clientAddress: freshAddress() })
  const good = (changes: Members = {}, by: Key = key, header: Members = {}) =>
    sign(by, claims(changes), { kid: 'hub', ...header })
  return { server, key, fetched, documents, send, good }
}

forEachStore((_engine, suite) => {
  test('RFC 7521 §4.2: a token of a trusted issuer is the client, as often as it is brought while it lives', async (t) => {
    const { send, good, fetched, server } = await start(t, [rule()], suite)
    const assertion = await good()
    assertToken(await send(assertion))
    assertToken(await send(assertion))
    assert.deepEqual(fetched, [`${github}/.well-known/openid-configuration`, `${github}/keys`])
    await server.advance(361)
    assertInvalidClient(await send(assertion))
  })
})

test('trust 67: an issuer that names no keys replaces them without telling us', async (t) => {
  const { send, good, documents, fetched, server } = await start(t)
  const unnamed = { kid: undefined }
  const second = await makeKey()
  assertToken(await send(await good({}, undefined, unnamed)))
  assertInvalidClient(await send(await good({}, second, unnamed)))
  documents[`${github}/keys`] = { keys: [second.publicJwk] }
  await server.advance(30)
  assertToken(await send(await good({}, second, unnamed)))
  assert.equal(fetched.filter((url) => url === `${github}/keys`).length, 2)
})

test('RFC 7515 §4.1.4: the key that a token names is tried before all of its issuer that have no name', async (t) => {
  const { send, good, documents, key } = await start(t)
  const nameless = await Promise.all(
    Array.from({ length: 10 }, async () => (await makeKey('RS256')).publicJwk),
  )
  documents[`${github}/keys`] = { keys: [...nameless, { ...key.publicJwk, kid: 'hub' }] }
  assertToken(await send(await good()))
})

test('workload identity: an issuer may call the machine what we call its client', async (t) => {
  const { send, good } = await start(t, [{ issuer: github, subject: 'robot' }])
  assertToken(await send(await good({ sub: 'robot' })))
})

test('RFC 8725 §3.11: a token that says it was made for something else stands for no machine', async (t) => {
  const { send, good, key } = await start(t)
  for (const typ of ['JWT', 'at+jwt', undefined]) assertToken(await send(await good({}, key, { typ })))
  for (const typ of ['oauth-id-jag+jwt', 'application/OAuth-ID-JAG+jwt', 'dpop+jwt', 'logout+jwt', 42])
    assertInvalidClient(await send(await good({}, key, { typ })))
})

test('RFC 8725 §3.8: whoever is not exactly whom the rule means is nobody, and the log says why', async (t) => {
  const { server, send, good, key } = await start(t)
  const now = server.clock()
  const table: readonly (readonly [changes: Members, reason: string])[] = [
    [{ sub: 'repo:octo/robot:ref:refs/heads/dev' }, `sub does not match ${mainBranch}`],
    [{ sub: 'repo:octo/robot-evil:ref:refs/heads/main' }, `sub does not match ${mainBranch}`],
    [{ sub: undefined }, 'sub is missing'],
    [{ iss: 'https://evil.example' }, `iss is not ${github}`],
    [{ iss: `${github}/` }, `iss is not ${github}`],
    [{ aud: 'https://other.example' }, 'aud is not https://localhost:8443/acme'],
    [{ aud: ['https://localhost:8443/acme', 'https://other.example'] }, 'aud has not exactly one value'],
    [{ aud: undefined }, 'aud is not https://localhost:8443/acme'],
    [{ exp: undefined }, 'exp is missing'],
    [{ exp: now - 60 }, 'exp is past'],
    [{ exp: now + 86_401 }, 'exp is more than a day ahead'],
    [{ iat: now + 61 }, 'iat lies ahead'],
    [{ nbf: now + 61 }, 'nbf lies ahead'],
  ]
  for (const [changes, reason] of table) {
    assertInvalidClient(await send(await good(changes)))
    assert.equal(reasonOf(server), `rule rule-0: ${reason}`)
  }
  const stranger = await makeKey('RS256')
  assertInvalidClient(await send(await good({}, stranger)))
  assert.equal(reasonOf(server), 'rule rule-0: no key of the issuer has signed it')
  assertInvalidClient(await send(await good({}, key, { kid: 'another' })))
  assert.equal(reasonOf(server), 'rule rule-0: no key of the issuer has the kid of the token')
  assertInvalidClient(await send(await sign(key, {}, {})))
  assertToken(await send(await good({ aud: ['https://localhost:8443/acme'] })))
})

test('trust F12: of rules for other issuers nothing more is looked at, and for no rule that a token does not meet is waited', async (t) => {
  const { server, send, good } = await start(t, [rule(), rule({ issuer: 'https://ghe.example' })])
  assertInvalidClient(await send(await good({ sub: 'stranger' })))
  assert.equal(
    reasonOf(server),
    `rule rule-0: sub does not match ${mainBranch}; rule rule-1: iss is not https://ghe.example`,
  )
  const jws = readJws(await good({ sub: 'stranger' })) ?? assert.fail()
  const issuerKeys = { keysFor: async () => assert.fail('asked for keys') }
  const context = { issuer: 'https://localhost:8443/acme', now: server.clock(), owner: 'acme' }
  assert.deepEqual(verifyFederated(jws, { issuer: github, subject: mainBranch }, context, issuerKeys), [
    `sub does not match ${mainBranch}`,
  ])
})

test('trust F21: a token of an outside issuer names no client by itself, and only the named one’s rules count', async (t) => {
  const { server, send, good } = await start(t)
  const [clientId] = server.credential('acme', 'sync')
  assertInvalidClient(await send(await good(), {}))
  assertInvalidClient(await send(await good(), { client_id: clientId }))
  assert.equal(reasonOf(server), 'client trusts no outside issuer')
  assertInvalidClient(await send(await good(), { client_id: 'nobody' }))
})

test('trust F23: only an issuer that a rule names makes us fetch, and its metadata speaks for itself alone', async (t) => {
  const { send, good, fetched, documents } = await start(t)
  assertInvalidClient(await send(await good({ iss: 'https://evil.example' })))
  assert.deepEqual(fetched, [])
  documents[`${github}/.well-known/openid-configuration`] = {
    issuer: 'https://evil.example',
    jwks_uri: 'https://x.example',
  }
  assertInvalidClient(await send(await good()))
  assert.deepEqual(fetched, [`${github}/.well-known/openid-configuration`])
})

test('workload identity: claims are held against the rule as texts, and one of several rules is enough', async (t) => {
  const { send, good } = await start(t, [
    rule({
      subject: 'repo:octo/*:environment:production',
      claims: { repository: ['octo/robot', 'octo/arm'] },
    }),
    rule({ subject: 'repo:octo/lab:*', claims: { ref_protected: 'true' } }),
    rule({ subject: 'repo:octo/arm:*', claims: { repository_owner_id: '4711' } }),
  ])
  const production = { sub: 'repo:octo/robot:environment:production' }
  assertToken(await send(await good(production)))
  assertToken(await send(await good({ ...production, repository: 'octo/arm' })))
  assertInvalidClient(await send(await good({ ...production, repository: 'octo/leg' })))
  assertInvalidClient(await send(await good({ ...production, repository: undefined })))
  assertToken(await send(await good({ sub: 'repo:octo/lab:pull_request', ref_protected: 'true' })))
  assertToken(await send(await good({ sub: 'repo:octo/lab:pull_request', ref_protected: true })))
  assertInvalidClient(await send(await good({ sub: 'repo:octo/lab:pull_request', ref_protected: 'false' })))
  for (const [id, isGood] of [
    ['4711', true],
    [4711, true],
    [4711.5, false],
    [[4711], true],
    [{}, false],
  ] as const) {
    const reply = await send(await good({ sub: 'repo:octo/arm:x', repository_owner_id: id }))
    if (isGood) assertToken(reply)
    else assertInvalidClient(reply)
  }
})

test('SPIFFE JWT-SVID §3: the keys are those of the trust domain, and iss need not be there', async (t) => {
  const issuer = 'https://spire.example'
  const svid = {
    preset: 'spiffe',
    issuer,
    jwks_uri: `${issuer}/bundle`,
    subject: 'spiffe://example.org/billing/*',
  }
  const { server, documents, key } = await start(t, [svid])
  documents[`${issuer}/bundle`] = { keys: [{ ...key.publicJwk, kid: 'hub', use: 'sig' }] }
  const now = server.clock()
  const claims = {
    sub: 'spiffe://example.org/billing/worker',
    aud: 'https://localhost:8443/acme',
    exp: now + 60,
  }
  const body = {
    ...withAssertion(await sign(key, claims, { kid: 'hub' })).body,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe',
    client_id: 'robot',
  }
  assertToken(await server.token('acme', { body }))
  const stray = await sign(key, { ...claims, sub: 'spiffe://example.org/other' }, { kid: 'hub' })
  assertInvalidClient(await server.token('acme', { body: { ...body, client_assertion: stray } }))
})

test('workload identity: a star stands for something within one part of a subject', () => {
  for (const [pattern, text, expected] of [
    ['repo:o/r:ref:refs/heads/*', 'repo:o/r:ref:refs/heads/main', true],
    ['repo:o/r:ref:refs/heads/*', 'repo:o/r:ref:refs/heads/feature/x', false],
    ['repo:o/r:ref:refs/heads/*', 'repo:o/r:ref:refs/heads/', false],
    ['repo:o/*:x', 'repo:o/r:x', true],
    ['repo:o/*:x', 'repo:o/r/s:x', false],
    ['repo:o/*:x', 'repo:o/r:y:x', false],
    ['a*b*c', 'a1b2c', true],
    ['a*b*c', 'abc', false],
    ['a*b*c', 'a1bc', false],
    ['a*a', 'aa', false],
    ['a*a', 'aXa', true],
    ['exact', 'exact', true],
    ['exact', 'exactly', false],
    ['a.c', 'abc', false],
    ['*', 'x'.repeat(5_000), false],
  ] as const) {
    assert.equal(matchesPattern(pattern, text), expected, `${pattern} ${text.slice(0, 40)}`)
  }
})

test('workload identity: a rule that lets in more than it seems to is warned of', () => {
  const warned = (one: FederationRule) => breadthWarnings(one).length
  const hub = { preset: 'github', issuer: github } as const
  assert.equal(warned({ ...hub, subject: mainBranch }), 0)
  assert.equal(warned({ ...hub, subject: 'repo:*/robot:ref:refs/heads/main' }), 1)
  assert.equal(warned({ ...hub, subject: 'repo:octo/*:ref:refs/heads/main' }), 1)
  assert.equal(warned({ ...hub, subject: 'repo:octo/robot:*' }), 1)
  assert.equal(warned({ ...hub, claims: { repository_owner: 'octo' } }), 2)
  assert.equal(warned({ ...hub, claims: { repository: 'octo/robot', environment: 'production' } }), 0)
  const lab = { preset: 'gitlab', issuer: 'https://gitlab.com' } as const
  assert.equal(warned({ ...lab, subject: 'project_path:g/p:ref_type:branch:ref:main' }), 0)
  assert.equal(warned({ ...lab, subject: 'project_path:g/*:ref_type:branch:ref:main' }), 1)
  assert.equal(warned({ ...lab, subject: 'project_path:g/p:ref_type:branch:ref:*' }), 1)
  const cluster = { preset: 'kubernetes', issuer: 'https://cluster.example' } as const
  assert.equal(warned({ ...cluster, subject: 'system:serviceaccount:billing:worker' }), 0)
  assert.equal(warned({ ...cluster, subject: 'system:serviceaccount:*:worker' }), 1)
  assert.equal(warned({ ...cluster, subject: 'system:serviceaccount:billing:*' }), 1)
  const spire = { preset: 'spiffe', issuer: 'https://spire.example' } as const
  assert.equal(warned({ ...spire, subject: 'spiffe://example.org/worker' }), 0)
  assert.equal(warned({ ...spire, subject: 'spiffe://*/worker' }), 1)
  assert.equal(warned({ issuer: 'https://id.example', claims: { group: 'x' } }), 1)
})

test('issue 3, item 3: a rule is warned of whether or not it names its preset, and however deep its star stands', () => {
  const hub = { issuer: github }
  for (const [one, warning] of [
    [{ ...hub, subject: 'repo:*/robot:ref:refs/heads/main' }, /^Any repository on GitHub/],
    [{ ...hub, preset: 'oidc', subject: 'repo:octo/robot:*' }, /^Every branch, tag and pull request/],
    [{ ...hub, claims: { ref: 'refs/heads/main', actor: 'octocat' } }, /^Any repository on GitHub/],
    [{ ...hub, subject: 'repo:octo/robot:ref:refs/heads/*' }, /^Every branch may/],
    [{ ...hub, subject: 'repo:octo/robot:ref:refs/tags/*' }, /^Every tag may/],
    [{ ...hub, subject: 'repo:octo/robot:ref:refs/*/*' }, /^Every branch, tag and pull request/],
    [{ ...hub, subject: 'repo:octo/robot:environment:*' }, /^Every environment/],
    [{ ...hub, subject: 'repo:octo/robot:pull_request' }, /^Every pull request/],
    [
      { issuer: 'https://gitlab.com', subject: 'project_path:*/p:ref_type:branch:ref:main' },
      /^Every project/,
    ],
    [{ issuer: 'https://lab.example', subject: 'project_path:g/p:ref_type:*:ref:main' }, /^A tag/],
    [{ issuer: 'https://cluster.example', subject: 'system:serviceaccount:*:*' }, /^Every namespace/],
    [{ issuer: 'https://spire.example', subject: 'spiffe://example.org/*' }, /^Every workload/],
    [{ issuer: 'https://spire.example', subject: 'spiffe://example.org/ns/*/sa/x' }, /^Every namespace/],
    [
      { issuer: 'https://spire.example', subject: 'spiffe://example.org/ns/x/sa/*' },
      /^Every service account/,
    ],
    [
      { issuer: 'https://id.example', claims: { email: 'ci@a.example', email_verified: 'true' } },
      /^An e-mail/,
    ],
    [{ ...hub, subject: mainBranch, claims: { repository: 'octo/*' } }, /^A \* in claim repository stands/],
  ] as const satisfies readonly (readonly [FederationRule, RegExp])[]) {
    const warnings = breadthWarnings(one)
    assert.match(warnings.join('\n'), warning, JSON.stringify(one))
    assert.equal(warnings.length, 1, JSON.stringify(one))
  }
  for (const one of [
    { ...hub, subject: mainBranch },
    { ...hub, subject: 'repo:octo/robot:ref:refs/heads/release-*' },
    { ...hub, subject: 'repo:octo/robot:ref:refs/tags/v*' },
    { ...hub, subject: 'repo:octo/robot:environment:production' },
    { ...hub, subject: 'repo:octo/robot:ref:refs/heads/*', claims: { environment: 'production' } },
    {
      issuer: 'https://lab.example',
      subject: 'project_path:g/p:ref_type:*:ref:main',
      claims: { ref_protected: 'true' },
    },
    { issuer: 'https://spire.example', subject: 'spiffe://example.org/billing/*' },
    { issuer: 'https://spire.example', subject: 'spiffe://example.org/ns/x/sa/y' },
    { issuer: 'https://id.example', subject: '8d1f', claims: { email: 'ci@a.example' } },
  ] satisfies readonly FederationRule[])
    assert.deepEqual(breadthWarnings(one), [], JSON.stringify(one))
})

test('SPIFFE JWT-SVID §6: of the bundle of a trust domain the keys for JWT-SVIDs count, and those for certificates do not', async (t) => {
  const issuer = 'https://spire.example'
  const subject = 'spiffe://example.org/billing/worker'
  const svid = { preset: 'spiffe', issuer, jwks_uri: `${issuer}/bundle`, subject }
  const { server, documents, key } = await start(t, [svid])
  const authority = await makeKey()
  documents[`${issuer}/bundle`] = {
    spiffe_sequence: 1,
    keys: [
      { ...authority.publicJwk, kid: 'ca', use: 'x509-svid', x5c: ['MIIB'] },
      { ...key.publicJwk, kid: 'hub', use: 'jwt-svid' },
    ],
  }
  const claims = { sub: subject, aud: ['https://localhost:8443/acme'], exp: server.clock() + 60 }
  const send = async (by: Key, kid: string) => {
    const { body } = withAssertion(await sign(by, claims, { kid, typ: 'JWT' }), { client_id: 'robot' })
    const type = { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe' }
    return server.token('acme', { body: { ...body, ...type }, clientAddress: freshAddress() })
  }
  assertToken(await send(key, 'hub'))
  assertInvalidClient(await send(authority, 'ca'))
  assertInvalidClient(await send(authority, 'hub'))
})

test('SPIFFE JWT-SVID §2.1, §3: another algorithm, no exp, no audience or another one is refused', async (t) => {
  const issuer = 'https://spire.example'
  const subject = 'spiffe://example.org/billing/worker'
  const { server, documents, key } = await start(t, [
    { preset: 'spiffe', issuer, jwks_uri: `${issuer}/bundle`, subject },
  ])
  documents[`${issuer}/bundle`] = { keys: [{ ...key.publicJwk, kid: 'hub', use: 'jwt-svid' }] }
  const now = server.clock()
  const good = { sub: subject, aud: 'https://localhost:8443/acme', exp: now + 60 }
  const send = (assertion: string) => {
    const { body } = withAssertion(assertion, { client_id: 'robot' })
    const type = { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe' }
    return server.token('acme', { body: { ...body, ...type }, clientAddress: freshAddress() })
  }
  for (const claims of [
    { sub: subject, aud: good.aud },
    { sub: subject, exp: good.exp },
    { ...good, aud: 'https://other.example' },
    { ...good, exp: now - 60 },
    { ...good, iss: 'https://other.example' },
    { ...good, sub: 'spiffe://example.com/billing/worker' },
  ]) {
    assertInvalidClient(await send(await sign(key, claims, { kid: 'hub' })))
  }
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  assertInvalidClient(await send(`${encode({ alg: 'HS256', kid: 'hub' })}.${encode(good)}.AAAA`))
  assertToken(await send(await sign(key, good, { kid: 'hub' })))
})
