// The claims of client assertions and DPoP proofs, for every value they could hold: what is taken is what the RFCs say.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../test/property.ts'
import { checkClientAssertion, checkDpopProof, type Jws } from '../src/index.ts'

type Members = Readonly<Record<string, unknown>>

const now = 1_800_000_000
const near = fc.integer({ min: -400, max: 400 }).map((seconds) => now + seconds)
const oddTime = fc.oneof(
  fc.constantFrom(null, '1800000000', [now], {}, true, Number.NaN, Number.POSITIVE_INFINITY, -1, 1e300, 0),
  fc.double(),
)
const time = fc.oneof(
  { weight: 6, arbitrary: near },
  near.map((seconds) => seconds + 0.5),
  oddTime,
)
const [clientId, issuer] = ['robot', 'https://issuer.example/acme']
const about = (right: string) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constant<unknown>(right) },
    fc.constantFrom<unknown>([right], `${right}/`, right.toUpperCase(), '', null, 7),
    fc.string(),
  )
const jti = fc.oneof(
  { weight: 8, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }) },
  fc.constantFrom<unknown>('', 'x'.repeat(256), 'x'.repeat(257), 7, null, ['x']),
)

const isTime = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value <= 253_402_300_799
const isId = (value: unknown): value is string =>
  typeof value === 'string' && value.length >= 1 && value.length <= 256
const hasBegun = (value: unknown): boolean => value === undefined || (isTime(value) && value <= now + 60)

test('RFC 7523 §3: an assertion is taken if and only if every claim is as it must be, and is then remembered long enough', () => {
  const claims = fc.record(
    {
      iss: about(clientId),
      sub: about(clientId),
      aud: about(issuer),
      jti,
      exp: time,
      nbf: time,
      iat: time,
      more: fc.anything(),
    },
    { requiredKeys: ['iss', 'sub', 'aud', 'jti', 'exp'] },
  )
  let taken = 0
  fc.assert(
    fc.property(claims, (found: Members) => {
      const checked = checkClientAssertion(found, { clientId, audiences: [issuer], now })
      const { exp, iat } = found
      const begin = isTime(iat) && iat > now ? iat : now
      const isRight =
        found.iss === clientId &&
        found.sub === clientId &&
        found.aud === issuer &&
        isId(found.jti) &&
        isTime(exp) &&
        exp > now - 60 &&
        exp <= begin + 300 &&
        hasBegun(found.nbf) &&
        hasBegun(iat)
      assert.equal(checked.ok, isRight)
      if (!checked.ok) return
      taken++
      // Kept until nobody could bring it any more, and a whole number for every store.
      assert.ok(Number.isSafeInteger(checked.expiresAt) && checked.expiresAt >= Number(exp) + 60)
      const later = checkClientAssertion(found, { clientId, audiences: [issuer], now: checked.expiresAt })
      assert.equal(later.ok, false)
    }),
    { numRuns: 3000 },
  )
  assert.ok(taken > 50, `${taken} were taken`)
})

test('trust R22: no claims make the check of an assertion throw, and no reason repeats them', () => {
  const claims = fc.dictionary(
    fc.constantFrom('iss', 'sub', 'aud', 'jti', 'exp', 'nbf', 'iat', '__proto__'),
    fc.oneof(fc.anything(), fc.constant('c4nary')),
  )
  fc.assert(
    fc.property(claims, (found) => {
      const checked = checkClientAssertion(found, { clientId: 'c4nary', audiences: [issuer], now })
      assert.ok(checked.ok || !checked.reason.includes('c4nary'))
    }),
  )
})

const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.alloc(32, 9).toString('base64url') }
const tokenUrl = 'https://login.example/acme/oauth2/token'
const expected = { method: 'POST', urls: [tokenUrl], algorithms: new Set(['EdDSA', 'ES256']), now }
const proofOf = (payload: Members, header: Members = {}): Jws => ({
  ...{ algorithm: 'EdDSA', header: { typ: 'dpop+jwt', jwk, ...header }, payload },
  ...{ signingInput: '', signature: new Uint8Array() },
})

test('RFC 9449 §4.3: a proof is taken if and only if every claim is as it must be, and is then remembered long enough', () => {
  const claims = fc.record(
    {
      htm: about('POST'),
      htu: about(tokenUrl),
      jti,
      iat: time,
      exp: time,
      nbf: time,
      nonce: fc.anything(),
      ath: fc.anything(),
    },
    { requiredKeys: ['htm', 'htu', 'jti', 'iat'] },
  )
  let taken = 0
  fc.assert(
    fc.property(claims, (found: Members) => {
      const checked = checkDpopProof(proofOf(found), expected)
      const { iat, exp } = found
      const isRight =
        found.htm === 'POST' &&
        found.htu === tokenUrl &&
        isId(found.jti) &&
        isTime(iat) &&
        Math.abs(now - iat) <= 60 &&
        (exp === undefined || (isTime(exp) && exp > now - 60)) &&
        hasBegun(found.nbf)
      assert.equal(checked.ok, isRight)
      if (!checked.ok) return
      taken++
      assert.equal(checked.nonce, typeof found.nonce === 'string' ? found.nonce : null)
      assert.ok(Number.isSafeInteger(checked.expiresAt))
      assert.equal(checkDpopProof(proofOf(found), { ...expected, now: checked.expiresAt }).ok, false)
    }),
    { numRuns: 3000 },
  )
  assert.ok(taken > 50, `${taken} were taken`)
})

const good = { htm: 'POST', htu: tokenUrl, jti: 'one', iat: now }

test('RFC 9449 §4.3, RFC 3986 §6.2: every spelling of the URL is that URL, with any query, and no other path is', () => {
  const isTaken = (htu: string) => checkDpopProof(proofOf({ ...good, htu }), expected).ok
  const flags = fc.array(fc.boolean(), { minLength: 1, maxLength: 8 })
  const tail = fc.constantFrom('', '?', '?a=b', '#c', '?a=b#c', '?x=/../..')
  fc.assert(
    fc.property(flags, flags, fc.boolean(), tail, (upper, escaped, hasPort, end) => {
      const turn = (text: string) =>
        [...text].map((one, index) => (upper[index % upper.length] ? one.toUpperCase() : one)).join('')
      const escaping = (text: string) =>
        [...text]
          .map((one, index) =>
            one !== '/' && escaped[index % escaped.length] ? `%${one.charCodeAt(0).toString(16)}` : one,
          )
          .join('')
      const spelled = `${turn('https')}://${turn('login.example')}${hasPort ? ':443' : ''}${escaping('/acme/oauth2/token')}${end}`
      assert.ok(isTaken(spelled), spelled)
    }),
  )
  const path = fc.nat('acme/oauth2/token'.length - 1)
  fc.assert(
    fc.property(path, fc.constantFrom('A', 'é', '%2F', '%41', '//', '', '\\', '%00'), (at, put) => {
      const from = tokenUrl.indexOf('acme') + at
      const htu = tokenUrl.slice(0, from) + put + tokenUrl.slice(from + 1)
      // Two dots, or a slash put for a slash: the same place.
      if (new URL(htu).pathname === '/acme/oauth2/token') return
      assert.equal(isTaken(htu), false, htu)
    }),
  )
  for (const htu of [
    'http://login.example/acme/oauth2/token',
    'https://login.example:8443/acme/oauth2/token',
    'https://a@login.example/acme/oauth2/token',
    'https://login.example./acme/oauth2/token',
    `${tokenUrl}/`,
  ]) {
    assert.equal(isTaken(htu), false, htu)
  }
})

test('RFC 9449 §4.2, RFC 3986 §2: what a parser would have to repair is no URL', () => {
  const isTaken = (htu: string) => checkDpopProof(proofOf({ ...good, htu }), expected).ok
  const rest = tokenUrl.slice('https://'.length)
  for (const start of [
    'https:\\\\',
    'https:',
    'https:/',
    'https:///',
    'https:////',
    'https:/\\',
    ' https://',
    '\u0001https://',
  ])
    assert.equal(isTaken(start + rest), false, start)
  for (const htu of [
    `https://${rest.replaceAll('/', '\\')}`,
    `https://${rest.replace('login', '\uff4c\uff4f\uff47\uff49\uff4e')}`,
  ])
    assert.equal(isTaken(htu), false, htu)
  const dropped = fc.constantFrom('\t', '\n', '\r')
  fc.assert(
    fc.property(fc.nat(tokenUrl.length), dropped, (at, put) => {
      assert.equal(isTaken(tokenUrl.slice(0, at) + put + tokenUrl.slice(at)), false)
    }),
  )
  // URLs are written in ASCII, and these of it are in none; a percent sign begins two digits.
  const foreign = fc.oneof(
    fc.constantFrom(' ', '"', '<', '>', '\\', '^', '`', '{', '|', '}', '%', '%2', '%zz', '\u007f'),
    fc.integer({ min: 0x80, max: 0xffff }).map((code) => String.fromCharCode(code)),
    fc.integer({ min: 0, max: 0x1f }).map((code) => String.fromCharCode(code)),
  )
  fc.assert(
    fc.property(foreign, fc.constantFrom('', '?', '#'), (put, before) => {
      assert.equal(isTaken(`${tokenUrl}${before}${put}`), false)
    }),
  )
})

test('RFC 9449 §4.3, RFC 3986 §6.2.3: a URL without a path is the one with a slash', () => {
  const atRoot = { ...expected, urls: ['https://login.example/'] }
  for (const htu of ['https://login.example', 'HTTPS://LOGIN.example:443', 'https://login.example?a=b'])
    assert.equal(checkDpopProof(proofOf({ ...good, htu }), atRoot).ok, true, htu)
})

test('RFC 7515 §4.1.9: typ is a media type, with or without application/ and in any case', () => {
  const isTaken = (typ: unknown) => checkDpopProof(proofOf(good, { typ }), expected).ok
  for (const typ of ['dpop+jwt', 'DPoP+JWT', 'application/dpop+jwt', 'Application/DPoP+jwt'])
    assert.equal(isTaken(typ), true, typ)
  for (const typ of [
    'jwt',
    'application/jwt',
    'text/dpop+jwt',
    'application/application/dpop+jwt',
    '',
    undefined,
    ['dpop+jwt'],
  ])
    assert.equal(isTaken(typ), false, String(typ))
})

test('trust R22: no header and no payload make the check of a proof throw, and no reason repeats them', () => {
  const value = fc.oneof(
    fc.anything(),
    fc.constantFrom<unknown>('c4nary', 'https://c4nary', jwk, { ...jwk, d: 'c4nary' }, 'dpop+jwt'),
  )
  const header = fc.dictionary(fc.constantFrom('typ', 'jwk', 'alg', 'kid', '__proto__'), value)
  const payload = fc.dictionary(
    fc.constantFrom('htm', 'htu', 'jti', 'iat', 'exp', 'nbf', 'nonce', 'ath'),
    value,
  )
  fc.assert(
    fc.property(header, payload, fc.boolean(), (wrongHeader, wrongPayload, isHeader) => {
      const jws = isHeader ? proofOf(good, wrongHeader) : proofOf({ ...good, ...wrongPayload })
      const checked = checkDpopProof(jws, expected)
      assert.ok(checked.ok || !checked.reason.includes('c4nary'))
    }),
    { numRuns: 1000 },
  )
})
