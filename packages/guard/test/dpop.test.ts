// Tokens bound to a key at the API: RFC 9449 §4.3, §7, §9; RFC 8705 §3.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { GuardOptions } from '@sallyport/guard'
import { protect } from '@sallyport/guard/hono'
import { Hono } from 'hono'
import { boundTo, holder, proof } from './proofs.ts'
import { createKey, createWorld, guardOf, startedAt, type World } from './world.ts'

function ask(token: string, dpop: string | null, scheme = 'DPoP', path = '/invoices'): Request {
  const headers = { authorization: `${scheme} ${token}`, ...(dpop !== null && { dpop }) }
  return new Request(`https://api.example${path}`, { headers })
}

async function outcome(world: World, request: Request, options: Partial<GuardOptions> = {}) {
  const decision = await guardOf(world, options).check(request)
  return decision.isAllowed ? 'allowed' : decision.reason
}

test('RFC 9449 §7.1: a bound token with its proof is let in', async () => {
  const world = createWorld()
  const token = world.token(boundTo(holder))
  assert.equal(await outcome(world, ask(token, proof(token))), 'allowed')
  assert.equal(await outcome(world, ask(token, proof(token), 'dpop', '/invoices?page=2')), 'allowed')
})

test('trust 97-98, RFC 9449 §7.2: as Bearer or without a proof it is refused, in the words of DPoP', async () => {
  const world = createWorld()
  const token = world.token(boundTo(holder))
  for (const request of [ask(token, proof(token), 'Bearer'), ask(token, null, 'Bearer'), ask(token, null)]) {
    const decision = await guardOf(world).check(request)
    assert.ok(!decision.isAllowed)
    assert.equal(decision.reason, 'bound_to_dpop_key')
    assert.equal(decision.status, 401)
    assert.match(decision.headers['www-authenticate'] ?? '', /^DPoP .*error="invalid_token".*algs="ES256/)
  }
})

test('RFC 8725 §3.2: a proof with RS256 is taken where the API says so, and not by default', async () => {
  const world = createWorld()
  const rsa = createKey('RS256')
  const token = world.token(boundTo(rsa))
  const ofRsa = () => ask(token, proof(token, {}, { alg: 'RS256' }, rsa))
  assert.equal(await outcome(world, ofRsa()), 'dpop_proof')
  assert.equal(await outcome(world, ofRsa(), { dpop: { algorithms: ['RS256'] } }), 'allowed')
})

test('RFC 9449 §7.1: a token that is bound to nothing is not taken under the scheme DPoP', async () => {
  const world = createWorld()
  const token = world.token()
  assert.equal(await outcome(world, ask(token, proof(token))), 'not_bound')
})

const wrong: readonly (readonly [string, (token: string) => string])[] = [
  ['of another method', (token) => proof(token, { htm: 'POST' })],
  ['for another path', (token) => proof(token, { htu: 'https://api.example/other' })],
  ['for another host', (token) => proof(token, { htu: 'https://evil.example/invoices' })],
  ['for plain HTTP', (token) => proof(token, { htu: 'http://api.example/invoices' })],
  ['for another token', () => proof('another')],
  ['without ath', (token) => proof(token, { ath: undefined })],
  ['of an hour ago', (token) => proof(token, { iat: startedAt - 3_600 })],
  ['of the future', (token) => proof(token, { iat: startedAt + 3_600 })],
  ['without jti', (token) => proof(token, { jti: undefined })],
  ['with another typ', (token) => proof(token, {}, { typ: 'JWT' })],
  ['by another key', (token) => proof(token, {}, {}, createKey('ES256'))],
  [
    "with the holder's key in the header and another's signature",
    (token) => {
      const { kty, crv, x, y } = holder.jwk
      return proof(token, {}, { jwk: { kty, crv, x, y } }, createKey('ES256'))
    },
  ],
  ['with a private key in the header', (token) => proof(token, {}, { jwk: { ...holder.jwk, d: 'AAAA' } })],
  ['that is no JWS', () => 'proof'],
  ['twice in one header', (token) => `${proof(token)}, ${proof(token)}`],
]
for (const [title, make] of wrong) {
  test(`trust 87-92, RFC 9449 §4.3: a proof ${title} is refused`, async () => {
    const world = createWorld()
    const token = world.token(boundTo(holder))
    assert.equal(await outcome(world, ask(token, make(token))), 'dpop_proof')
  })
}

test('trust 95, RFC 9449 §11.1: a proof is good once', async () => {
  const world = createWorld()
  const guard = guardOf(world)
  const token = world.token(boundTo(holder))
  const shown = proof(token)
  assert.ok((await guard.check(ask(token, shown))).isAllowed)
  const again = await guard.check(ask(token, shown))
  assert.equal(!again.isAllowed && again.reason, 'dpop_proof')
})

test('trust 101, RFC 9449 §9: where nonces are asked for, each answer has one, and the next proof needs it', async () => {
  const world = createWorld()
  const guard = guardOf(world, { dpop: { nonces: true } })
  const token = world.token(boundTo(holder))
  const first = await guard.check(ask(token, proof(token)))
  assert.ok(!first.isAllowed)
  assert.equal(first.reason, 'dpop_nonce')
  assert.match(first.headers['www-authenticate'] ?? '', /^DPoP .*error="use_dpop_nonce"/)
  const nonce = first.headers['dpop-nonce']
  assert.ok(nonce)
  assert.ok((await guard.check(ask(token, proof(token, { nonce })))).isAllowed)
  await world.advance(61)
  const later = await guard.check(ask(token, proof(token, { nonce, iat: world.now })))
  assert.ok(later.isAllowed)
  const next = later.headers['dpop-nonce']
  assert.match(next ?? '', /^[\w-]{22}$/)
  assert.notEqual(next, nonce)
  await world.advance(120)
  const stale = await guard.check(ask(token, proof(token, { nonce, iat: world.now })))
  assert.equal(!stale.isAllowed && stale.reason, 'dpop_nonce')
  assert.ok((await guard.check(ask(token, proof(token, { nonce: next, iat: world.now })))).isAllowed)
})

test('RFC 9449 §9: processes that share a key know the nonces of each other', async () => {
  const world = createWorld()
  const key = Buffer.alloc(32, 9).toString('base64url')
  const token = world.token(boundTo(holder))
  const first = await guardOf(world, { dpop: { nonces: key } }).check(ask(token, proof(token)))
  assert.ok(!first.isAllowed)
  const nonce = first.headers['dpop-nonce']
  assert.equal(
    await outcome(world, ask(token, proof(token, { nonce })), { dpop: { nonces: key } }),
    'allowed',
  )
})

const certificate = Buffer.from('a certificate in DER')
const certified = { cnf: { 'x5t#S256': createHash('sha256').update(certificate).digest('base64url') } }

test('trust 104, RFC 8705 §3: a token bound to a certificate is good on its connection alone', async () => {
  const world = createWorld()
  const token = world.token(certified)
  const { method, url, headers } = ask(token, null, 'Bearer')
  const view = { method, url, headers }
  const guard = guardOf(world)
  assert.ok((await guard.check({ ...view, clientCertificate: certificate })).isAllowed)
  for (const clientCertificate of [undefined, Buffer.from('another')]) {
    const decision = await guard.check({ ...view, clientCertificate })
    assert.ok(!decision.isAllowed)
    assert.equal(decision.reason, 'certificate')
    assert.match(decision.headers['www-authenticate'] ?? '', /^Bearer .*error="invalid_token"/)
  }
})

test('RFC 7800 §3.1: a token bound to both a key and a certificate needs both', async () => {
  const world = createWorld()
  const token = world.token({ cnf: { ...boundTo(holder).cnf, ...certified.cnf } })
  assert.equal(await outcome(world, ask(token, proof(token))), 'certificate')
  const { method, url, headers } = ask(token, null)
  const decision = await guardOf(world).check({ method, url, headers, clientCertificate: certificate })
  assert.equal(!decision.isAllowed && decision.reason, 'bound_to_dpop_key')
})

test('issue 6, 1: an API that demands bound tokens lets no other in', async () => {
  const world = createWorld()
  const bearer = world.token()
  const bound = world.token(boundTo(holder))
  for (const senderConstraint of ['dpop', 'any'] as const)
    assert.equal(await outcome(world, ask(bearer, null, 'Bearer'), { senderConstraint }), 'not_bound')
  assert.equal(await outcome(world, ask(bearer, null, 'Bearer'), { senderConstraint: 'mtls' }), 'certificate')
  assert.equal(await outcome(world, ask(bound, proof(bound)), { senderConstraint: 'dpop' }), 'allowed')
  assert.equal(await outcome(world, ask(bound, proof(bound)), { senderConstraint: 'any' }), 'allowed')
  assert.equal(await outcome(world, ask(bound, proof(bound)), { senderConstraint: 'mtls' }), 'certificate')
})

test('RFC 8705 §3, RFC 9449 §7.1: the challenge for an unbound token is in the scheme of what the API demands', async () => {
  const world = createWorld()
  const challengeOf = async (options: Partial<GuardOptions>, token = world.token()) => {
    const decision = await guardOf(world, options).check(ask(token, null, 'Bearer'))
    assert.ok(!decision.isAllowed)
    return decision.headers['www-authenticate'] ?? ''
  }
  const certificateMissing = /^Bearer .*client certificate/
  assert.match(await challengeOf({ senderConstraint: 'mtls' }), certificateMissing)
  assert.match(
    await challengeOf({ senderConstraint: 'mtls' }, world.token(boundTo(holder))),
    certificateMissing,
  )
  assert.match(await challengeOf({ senderConstraint: 'any' }), /^DPoP .*not bound/)
  // An API without a URL takes no proofs.
  const named = { audience: 'api', senderConstraint: 'any' } as const
  assert.match(await challengeOf(named, world.token({ aud: 'api' })), /^Bearer .*not bound/)
})

test('RFC 9449 §4.3: no target of a request makes a proof for another host one for this API', async () => {
  const world = createWorld()
  const token = world.token(boundTo(holder))
  const { headers } = ask(token, proof(token, { htu: 'https://api.example.evil.example/invoices' }))
  for (const url of [
    'x:.evil.example/invoices',
    '.evil.example/invoices',
    'https://api.example.evil.example/',
  ])
    assert.equal(await outcome(world, { method: 'GET', url, headers } as Request), 'dpop_proof')
})

test('trust 95: a proof whose jti is long is good once as well', async () => {
  const world = createWorld()
  const guard = guardOf(world)
  const token = world.token(boundTo(holder))
  const jtis = ['a', 'b'].map((end) => 'é'.repeat(200) + end)
  for (const jti of jtis) {
    const shown = proof(token, { jti })
    assert.ok((await guard.check(ask(token, shown))).isAllowed)
    assert.ok(!(await guard.check(ask(token, shown))).isAllowed)
  }
})

test('RFC 9449 §4.3: before Hono a HEAD needs a proof of HEAD', async () => {
  const world = createWorld()
  const token = world.token(boundTo(holder))
  const app = new Hono()
  app.get('/invoices', protect(guardOf(world)), (context) => context.text('all of it'))
  const statusOf = async (htm: string) =>
    (await app.fetch(new Request(ask(token, proof(token, { htm })), { method: 'HEAD' }))).status
  assert.equal(await statusOf('HEAD'), 200)
  assert.equal(await statusOf('GET'), 401)
})

test('RFC 9449 §7.1: a token bound to a certificate is none for an API that demands DPoP, nor one to be shown as DPoP', async () => {
  const world = createWorld()
  const token = world.token(certified)
  const shown = async (scheme: string, options: Partial<GuardOptions> = {}) => {
    const { method, url, headers } = ask(token, null, scheme)
    const decision = await guardOf(world, options).check({
      method,
      url,
      headers,
      clientCertificate: certificate,
    })
    return decision.isAllowed ? 'allowed' : decision.reason
  }
  assert.equal(await shown('Bearer', { senderConstraint: 'any' }), 'allowed')
  assert.equal(await shown('Bearer', { senderConstraint: 'dpop' }), 'not_bound')
  assert.equal(await shown('DPoP'), 'not_bound')
})
