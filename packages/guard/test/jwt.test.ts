// What a JWT must be to be let in: RFC 9068 §4, RFC 8725, and each switch for what a dialect leaves out.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GuardOptions, Omissible } from '@sallyport/guard'
import { systemRuntime } from '../src/runtime/system.ts'
import { webRuntime } from '../src/runtime/web.ts'
import {
  createKey,
  createWorld,
  guardOf,
  requestWith,
  signJwt,
  signText,
  standardClaims,
  standardHeader,
} from './world.ts'

const runtimes = { 'node:crypto': systemRuntime, 'Web Crypto': webRuntime }

async function reasonOf(
  options: Partial<GuardOptions>,
  token: string,
  world = createWorld(),
): Promise<string> {
  const decision = await guardOf(world, options).check(requestWith(token))
  return decision.isAllowed ? 'allowed' : decision.reason
}

for (const [name, runtime] of Object.entries(runtimes)) {
  for (const algorithm of ['ES256', 'ES384', 'EdDSA', 'RS256', 'PS256']) {
    test(`RFC 9068 §4: a token signed with ${algorithm} is let in, with ${name}; one bit altered it is not`, async () => {
      const world = createWorld(algorithm)
      const token = world.token()
      const decision = await guardOf(world, { runtime }).check(requestWith(token), { scope: 'invoices/read' })
      assert.ok(decision.isAllowed)
      assert.equal(decision.access?.clientId, 'app-1')
      const altered = token.slice(0, -20) + (token.at(-20) === 'A' ? 'B' : 'A') + token.slice(-19)
      const refused = await guardOf(world, { runtime }).check(requestWith(altered))
      assert.equal(!refused.isAllowed && refused.reason, 'signature')
    })
  }

  test(`ECDSA signatures of every length in DER are read, with ${name}`, async () => {
    const world = createWorld()
    const guard = guardOf(world, { runtime })
    for (let index = 0; index < 600; index++) {
      const decision = await guard.check(requestWith(world.token({ jti: `token-${index}` })))
      assert.ok(decision.isAllowed)
    }
  })
}

const claimsWith = (name: string, value: unknown) => {
  const claims: Record<string, unknown> = { ...standardClaims, [name]: value }
  if (value === undefined) delete claims[name]
  return claims
}

for (const name of ['iss', 'aud', 'exp', 'iat', 'sub', 'client_id', 'jti'] as const) {
  for (const value of [undefined, null, '', [], {}, ['']]) {
    test(`trust 18: ${name} ${value === undefined ? 'deleted' : JSON.stringify(value)} is refused`, async () => {
      const world = createWorld()
      const token = signJwt(world.key, standardHeader(world.key), claimsWith(name, value))
      assert.notEqual(await reasonOf({}, token, world), 'allowed')
    })

    test(`trust 18: ${name} ${value === undefined ? 'deleted is accepted' : `${JSON.stringify(value)} is refused`} with its switch`, async () => {
      const world = createWorld()
      const token = signJwt(world.key, standardHeader(world.key), claimsWith(name, value))
      const tokens = { acceptMissing: [name] satisfies Omissible[] }
      const following = {
        credentials: { id: 'api', secret: 'secret' },
        revocation: { whenCut: 'allow' },
      } as const
      const guard = guardOf(world, { tokens, ...(name === 'exp' && following) })
      const reason = await guard.check(requestWith(token), { scope: 'invoices/read' })
      guard.close()
      assert.equal(reason.isAllowed, value === undefined)
    })
  }
}

const altered: readonly (readonly [string, object, string])[] = [
  ['trust 20: iss of another tenant', { iss: 'https://auth.example/other' }, 'issuer'],
  ['trust 39: iss as a list (CVE-2025-30144)', { iss: ['https://auth.example/acme'] }, 'issuer'],
  ['RFC 9068 §4: aud of another API', { aud: 'https://other.example' }, 'audience'],
  ['RFC 9068 §4: aud a longer name', { aud: 'https://api.example/' }, 'audience'],
  [
    'RFC 7519 §4.1.3: aud a list with something else than texts',
    { aud: ['https://api.example', 1] },
    'audience',
  ],
  ['RFC 7519 §4.1.4: exp now', { exp: 1_800_000_000 }, 'expired'],
  ['RFC 7519 §4.1.4: exp as text', { exp: '1900000000' }, 'claim_missing'],
  ['RFC 7519 §4.1.5: nbf in two minutes', { nbf: 1_800_000_120 }, 'not_yet_valid'],
  ['RFC 7519 §4.1.5: nbf as text', { nbf: '1' }, 'claim_missing'],
  ['trust R17: iat in two minutes', { iat: 1_800_000_120 }, 'not_yet_valid'],
  ['001-12: an ID token by its token_use', { token_use: 'id' }, 'token_type'],
  ['RFC 7800 §3.1: an unknown cnf', { cnf: { jwk: {} } }, 'confirmation_unknown'],
  ['RFC 7800 §3.1: an empty cnf', { cnf: {} }, 'confirmation_unknown'],
  ['RFC 7800 §3.1: cnf null', { cnf: null }, 'confirmation_unknown'],
  ['RFC 9068 §2.2.3: scope a number', { scope: 7 }, 'claim_missing'],
]
for (const [title, claims, reason] of altered) {
  test(`${title} is refused`, async () => {
    const world = createWorld()
    assert.equal(await reasonOf({}, world.token(claims), world), reason)
  })
}

const headers: readonly (readonly [string, object, string])[] = [
  ['RFC 8725 §3.11: typ JWT', { typ: 'JWT' }, 'token_type'],
  ['RFC 8725 §3.11: no typ', { typ: undefined }, 'token_type'],
  ['RFC 8725 §3.11: a logout token', { typ: 'logout+jwt' }, 'token_type'],
  ['RFC 8725 §3.1: alg none', { alg: 'none' }, 'key_unknown'],
  ['trust 39: alg nOnE', { alg: 'nOnE' }, 'key_unknown'],
  ['RFC 8725 §3.1: an algorithm that the key does not have', { alg: 'RS256' }, 'key_unknown'],
  ['RFC 8725 §3.1: an algorithm named like a member of every object', { alg: 'constructor' }, 'key_unknown'],
  ['RFC 7515 §4.1.11: crit', { crit: ['exp'] }, 'token_malformed'],
  ['trust 40: zip', { zip: 'DEF' }, 'token_malformed'],
  ['RFC 7797: b64', { b64: false }, 'token_malformed'],
  ['003-09: no kid', { kid: undefined }, 'key_unknown'],
  ['RFC 7515 §4.1.4: kid as a number', { kid: 1 }, 'key_unknown'],
]
for (const [title, header, reason] of headers) {
  test(`${title} is refused`, async () => {
    const world = createWorld()
    assert.equal(await reasonOf({}, world.token({}, header), world), reason)
  })
}

test('001-18: a payload whose slashes are escaped is parsed, and not compared as text', async () => {
  const world = createWorld()
  const escaped = JSON.stringify(standardClaims).replaceAll('/', String.raw`\/`)
  const header = JSON.stringify(standardHeader(world.key))
  const input = [header, escaped].map((text) => Buffer.from(text).toString('base64url')).join('.')
  const token = `${input}.${signText(world.key, input)}`
  const decision = await guardOf(world).check(requestWith(token), { scope: 'invoices/read' })
  assert.ok(decision.isAllowed)
})

test('RFC 9068 §4: typ is a media type, whose case does not count', async () => {
  const world = createWorld()
  for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt'])
    assert.equal(await reasonOf({}, world.token({}, { typ }), world), 'allowed')
})

test('trust 39: keys and URLs in the header are not looked at', async () => {
  const world = createWorld()
  const own = createKey('ES256', 'key-1')
  const header = {
    ...standardHeader(own),
    jwk: own.jwk,
    jku: 'https://evil.example/jwks',
    x5u: 'https://evil.example',
  }
  assert.equal(await reasonOf({}, signJwt(own, header, standardClaims), world), 'signature')
  assert.ok(world.asked.every((url) => url.startsWith('https://auth.example/')))
})

test('003-09: tokens without kid are tried with the keys of their algorithm, when the switch says so', async () => {
  const world = createWorld('RS256')
  const others = Array.from({ length: 3 }, (_, index) => createKey('RS256', `other-${index}`))
  world.keys.unshift(...others, createKey('ES256', 'ec'))
  const token = world.token({}, { kid: undefined })
  assert.equal(await reasonOf({ tokens: { acceptMissing: ['kid'] } }, token, world), 'allowed')
  const named = world.token({}, { kid: null })
  assert.equal(await reasonOf({ tokens: { acceptMissing: ['kid'] } }, named, world), 'key_unknown')
})

test('001-15, 001-17, 003: each laxness of a dialect is a switch of its own, and together they open', async () => {
  const world = createWorld('RS256')
  const { aud: _aud, ...claims } = { ...standardClaims, iss: 'https://idp.example/pool', token_use: 'access' }
  const token = signJwt(world.key, { alg: 'RS256', kid: 'key-1' }, claims)
  const tokens = { issuer: 'https://idp.example/pool', require: { token_use: 'access' } }
  const guard = guardOf(world, { tokens: { ...tokens, acceptMissing: ['typ', 'aud'] } })
  assert.ok((await guard.check(requestWith(token), { scope: 'invoices/read' })).isAllowed)
  // Without an audience nothing but the scope tells APIs apart.
  assert.ok(!(await guard.check(requestWith(token))).isAllowed)
  for (const acceptMissing of [['typ'], ['aud']] as const)
    assert.notEqual(await reasonOf({ tokens: { ...tokens, acceptMissing } }, token, world), 'allowed')
  const untold = { acceptMissing: ['typ', 'aud'] as const }
  assert.equal(await reasonOf({ tokens: untold }, token, world), 'issuer')
})
