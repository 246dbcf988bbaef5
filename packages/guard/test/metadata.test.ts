// What the API says of itself, and the challenges that point there: RFC 9728.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { protect } from '@sallyport/guard/web'
import { audience, createWorld, guardOf, issuer, requestWith } from './world.ts'

const endpoints = [
  { method: 'GET', path: '/invoices', scope: 'invoices/read' },
  { method: 'POST', path: '/invoices', scope: ['invoices/read', 'invoices/write'] },
  { method: 'GET', path: '/health', isPublic: true },
]

test('RFC 9728 §2: the document names the issuer, each scope once, and how tokens are sent and bound', () => {
  const { metadata } = guardOf(createWorld(), { endpoints, senderConstraint: 'dpop' })
  assert.deepEqual(metadata?.document, {
    resource: audience,
    authorization_servers: [issuer],
    scopes_supported: ['invoices/read', 'invoices/write'],
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'Ed25519', 'PS256', 'ES384'],
    dpop_bound_access_tokens_required: true,
  })
})

test('RFC 9728 §2: the document offers the bindings that the guard demands, and no others', () => {
  const boundBy = (senderConstraint: 'none' | 'mtls' | 'any') => {
    const { document = {} } = guardOf(createWorld(), { senderConstraint }).metadata ?? {}
    return Object.keys(document).filter((name) => /dpop|tls/.test(name))
  }
  const algorithms = 'dpop_signing_alg_values_supported'
  const certificates = 'tls_client_certificate_bound_access_tokens'
  assert.deepEqual(boundBy('none'), [algorithms])
  assert.deepEqual(boundBy('mtls'), [certificates])
  assert.deepEqual(boundBy('any'), [algorithms, certificates])
})

const schemesIn = (challenge = ''): readonly string[] =>
  [...challenge.matchAll(/(?:^|, )(Bearer|DPoP) /g)].map(([, scheme = '']) => scheme)

test('RFC 9449 §7.1: whoever comes without a token is offered the schemes that are let in, DPoP with its algorithms', async () => {
  const offered = {
    ...{ none: ['Bearer', 'DPoP'], dpop: ['DPoP'], mtls: ['Bearer'], any: ['Bearer', 'DPoP'] },
  } as const
  for (const [name, schemes] of Object.entries(offered)) {
    const senderConstraint = name as keyof typeof offered
    const decision = await guardOf(createWorld(), {
      senderConstraint,
      dpop: { algorithms: ['ES256', 'EdDSA'] },
    }).check(requestWith(null))
    const { 'www-authenticate': challenge = '' } = decision.headers
    assert.deepEqual(schemesIn(challenge), schemes, challenge)
    assert.equal(challenge.includes('algs="ES256 EdDSA"'), schemes.join().includes('DPoP'))
    assert.match(challenge, /^\w+ realm="[^"]*", resource_metadata="/)
  }
})

test('RFC 9449 §7.1: a token that is refused because it is not bound is challenged with what would be let in', async () => {
  const challengeOf = async (
    senderConstraint: 'none' | 'dpop' | 'mtls' | 'any',
    name = audience,
    claims: object = {},
  ) => {
    const world = createWorld()
    const guard = guardOf(world, { audience: name, senderConstraint })
    const decision = await guard.check(requestWith(world.token({ aud: name, ...claims })))
    assert.ok(!decision.isAllowed)
    const { 'www-authenticate': challenge = '' } = decision.headers
    assert.match(challenge, /error="invalid_token"/)
    return schemesIn(challenge)
  }
  assert.deepEqual(await challengeOf('dpop'), ['DPoP'])
  assert.deepEqual(await challengeOf('dpop', audience, { exp: 1 }), ['DPoP'])
  assert.deepEqual(await challengeOf('mtls'), ['Bearer'])
  assert.deepEqual(await challengeOf('any'), ['DPoP'])
  // Without a URL there is nothing that a proof could be for.
  assert.deepEqual(await challengeOf('any', 'invoices'), ['Bearer'])
  assert.deepEqual(await challengeOf('none', 'invoices', { cnf: { jkt: 'A'.repeat(43) } }), ['Bearer'])
})

test('RFC 9728 §3.1: the well-known part stands between host and path, and an API without a URL has none', () => {
  const pathFor = (resource: string) => guardOf(createWorld(), { resource }).metadata?.path
  assert.equal(pathFor('https://api.example'), '/.well-known/oauth-protected-resource')
  assert.equal(pathFor('https://api.example/v1'), '/.well-known/oauth-protected-resource/v1')
  assert.equal(guardOf(createWorld(), { audience: 'invoices' }).metadata, null)
})

test('RFC 9728 §3: an adapter serves the document to anybody, and nothing else without a token', async () => {
  const GET = protect(guardOf(createWorld()), () => new Response('inside'))
  const path = '/.well-known/oauth-protected-resource'
  const served = await GET(requestWith(null, {}, path))
  assert.equal(((await served.json()) as { resource: string }).resource, audience)
  for (const other of [`${path}/v1`, `/v1${path}`, '/'])
    assert.equal((await GET(requestWith(null, {}, other))).status, 401, other)
  assert.equal((await GET(requestWith(null, { method: 'POST' }, path))).status, 401)
})

test('RFC 9728 §5.1: challenges point to the document', async () => {
  const decision = await guardOf(createWorld()).check(requestWith(null))
  assert.ok(!decision.isAllowed)
  assert.match(
    decision.headers['www-authenticate'] ?? '',
    /resource_metadata="https:\/\/api\.example\/\.well-known\/oauth-protected-resource"/,
  )
})
