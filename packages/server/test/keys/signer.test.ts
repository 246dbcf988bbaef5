// RFC 7515, RFC 7518: every signature we make is one that somebody else's library verifies.
import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { test } from 'node:test'
import { compactVerify, createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { createSigner, joinDerSignature } from '../../src/keys/signer.ts'
import { openSigningKey } from '../../src/keys/signing-keys.ts'
import { listSigningKeys } from '../../src/store/signing-keys.ts'
import { forEachStore, startTestServer } from '../harness.ts'
import { assertToken } from '../oauth/answers.ts'
import { app, blueprint, restApi, tenant } from '../oauth/sample.ts'

/** RFC 3279 §2.2.3's encoding of two numbers, as OpenSSL writes it: shortest form, a zero before a set high bit. */
function derOf(r: Buffer, s: Buffer): Buffer {
  const integer = (value: Buffer) => {
    let start = 0
    while (start < value.length - 1 && value[start] === 0) start += 1
    const bytes = value.subarray(start)
    const padded = (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes
    return Buffer.concat([Buffer.of(2, padded.length), padded])
  }
  const body = Buffer.concat([integer(r), integer(s)])
  return Buffer.concat([Buffer.of(0x30, body.length), body])
}

test('RFC 7518 §3.4: r and s of every length stand right-aligned in their 32 bytes', () => {
  const numbers = [
    ...[
      Buffer.of(1),
      Buffer.of(0x7f),
      Buffer.of(0x80),
      Buffer.of(0xff),
      Buffer.alloc(32, 0xff),
      Buffer.alloc(32, 0x7f),
    ],
    ...[
      Buffer.alloc(31, 0x80),
      Buffer.alloc(31, 1),
      Buffer.alloc(30, 0xff),
      Buffer.alloc(16, 0x80),
      Buffer.alloc(2, 0x80),
    ],
  ]
  for (const r of numbers) {
    for (const s of numbers) {
      const joined = joinDerSignature(derOf(r, s))
      const expected = Buffer.alloc(64)
      r.copy(expected, 32 - r.length)
      s.copy(expected, 64 - s.length)
      assert.deepEqual(joined, expected, `${r.length} and ${s.length} bytes`)
    }
  }
})

test('RFC 7518 §3.4: two thousand signatures joined here verify as r and s side by side, the short ones too', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  let short = 0
  for (let number = 0; number < 2000; number += 1) {
    const data = Buffer.from(`message ${number}`)
    const der = sign('sha256', data, privateKey)
    // Longest: 2 + 2 × (2 + 33). A missing byte means a number that begins with at least one zero byte.
    if ((der[3] ?? 0) < 32 || (der[5 + (der[3] ?? 0)] ?? 0) < 32) short += 1
    const signature = joinDerSignature(der)
    assert.equal(signature.length, 64)
    assert.ok(
      verify('sha256', data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature),
      der.toString('hex'),
    )
  }
  // One in 128 on average; the chance of none in 2,000 is below one in a million.
  assert.ok(short > 0)
})

const algorithms = ['ES256', 'RS256', 'PS256', 'EdDSA'] as const

forEachStore((_engine, suite) => {
  test('product decision 9: tokens of every algorithm verify against the published keys with jose', async (t) => {
    const server = await startTestServer(
      t,
      suite,
      blueprint(
        ...algorithms.map((algorithm) =>
          tenant(algorithm.toLowerCase(), [app('sync')], {
            signing_algorithm: algorithm,
            key_id: algorithm === 'RS256' ? 'base64' : 'base64url',
          }),
        ),
      ),
    )
    const keySets = new Map<string, JSONWebKeySet>()
    const tokens = new Map<string, string>()
    for (const algorithm of algorithms) {
      const id = algorithm.toLowerCase()
      keySets.set(algorithm, (await server.request({ url: `/${id}/oauth2/jwks` })).json)
      tokens.set(algorithm, assertToken(await server.token(id, { basic: server.credential(id, 'sync') })))
    }
    const verified = async (token: string, keys: string) => {
      const keySet = keySets.get(keys)
      assert.ok(keySet)
      return jwtVerify(token, createLocalJWKSet(keySet), {
        issuer: `https://localhost:8443/${keys.toLowerCase()}`,
        audience: 'https://api.acme.example',
        typ: 'at+jwt',
        algorithms: [keys],
        currentDate: new Date(server.clock() * 1000),
      })
    }
    for (const algorithm of algorithms) {
      await t.test(`product decision 9: ${algorithm}`, async () => {
        const token = tokens.get(algorithm) ?? ''
        const { protectedHeader } = await verified(token, algorithm)
        assert.equal(protectedHeader.alg, algorithm)
        const keys = keySets.get(algorithm)?.keys ?? []
        assert.deepEqual(
          keys.map(({ kid }) => kid),
          [protectedHeader.kid],
        )
        // Of another tenant, with one bit of the signature, the claims or the header changed: nothing verifies.
        for (const other of algorithms) if (other !== algorithm) await assert.rejects(verified(token, other))
        const [header = '', claims = '', signature = ''] = token.split('.')
        const flipped = (text: string) => {
          const bytes = Buffer.from(text, 'base64url')
          bytes.writeUInt8(bytes.readUInt8(10) ^ 1, 10)
          return bytes.toString('base64url')
        }
        for (const broken of [
          `${header}.${claims}.${flipped(signature)}`,
          `${header}.${flipped(claims)}.${signature}`,
          `${header}.${claims}.`,
        ]) {
          await assert.rejects(verified(broken, algorithm))
        }
      })
    }
  })

  test("000-15: an HS512 token verifies with the API's own 64 bytes, and with no other API's", async (t) => {
    const apis = ['one', 'two'].map((id) => ({ ...restApi, id, audience: id, signing_algorithm: 'HS512' }))
    const both = { scopes: { one: ['read'], two: ['read'] }, default_api: 'one' }
    const server = await startTestServer(t, suite, blueprint(tenant('acme', [app('sync', both)], { apis })))
    const tokenFor = async (audience: string) =>
      assertToken(
        await server.token('acme', {
          basic: server.credential('acme', 'sync'),
          body: { grant_type: 'client_credentials', audience },
        }),
      )
    const tokens = { one: await tokenFor('one'), two: await tokenFor('two') }
    const keys = new Map<string, KeyObject>()
    for (const record of await listSigningKeys(server.db, 'acme')) {
      if (record.apiId !== null) keys.set(record.apiId, openSigningKey(server.store.sealer, 'acme', record))
    }
    assert.deepEqual([...keys.keys()].sort(), ['one', 'two'])
    for (const api of ['one', 'two'] as const) {
      const key = keys.get(api)
      assert.ok(key)
      assert.equal(key.export().length, 64)
      const { protectedHeader } = await compactVerify(tokens[api], key, { algorithms: ['HS512'] })
      assert.equal(protectedHeader.alg, 'HS512')
      await assert.rejects(compactVerify(tokens[api === 'one' ? 'two' : 'one'], key))
    }
  })

  test('settled: a database keeps its keys, and refuses another master key', async (t) => {
    const text = blueprint(tenant('acme', [app('sync')]))
    const server = await startTestServer(t, suite, text)
    const ask = () => server.token('acme', { basic: server.credential('acme', 'sync') })
    assertToken(await ask())
    const before = await listSigningKeys(server.db, 'acme')
    // Dropped from memory and loaded again: the same key.
    await server.db.write(async (tx) => tx.append({ tenantId: 'acme', noun: 'tenant', subjectId: 'acme' }))
    assertToken(await ask())
    assert.deepEqual(await listSigningKeys(server.db, 'acme'), before)
    const { createSecretHasher } = await import('../../src/keys/secret-hasher.ts')
    const { createSealer, SealBroken } = await import('../../src/keys/sealing.ts')
    const wrong = createSealer([Buffer.alloc(32, 8)], () => Buffer.alloc(12))
    await assert.rejects(
      createSecretHasher(server.db, wrong, () => Buffer.alloc(32)),
      SealBroken,
    )
    for (const record of before) assert.throws(() => openSigningKey(wrong, 'acme', record), SealBroken)
    for (const record of before)
      assert.throws(() => openSigningKey(server.store.sealer, 'other', record), SealBroken)
    assert.equal((await server.db.kysely.selectFrom('peppers').selectAll().execute()).length, 1)
  })
})

test('RFC 7515 §5.1: a signer of each algorithm makes what its key verifies', async () => {
  const pairs = {
    ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    EdDSA: generateKeyPairSync('ed25519'),
    RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    PS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  }
  for (const algorithm of algorithms) {
    const { privateKey } = pairs[algorithm]
    const header = Buffer.from(JSON.stringify({ alg: algorithm })).toString('base64url')
    const input = `${header}.${Buffer.from('payload').toString('base64url')}`
    const signature = await createSigner('k', algorithm, privateKey).sign(input)
    const { payload } = await compactVerify(`${input}.${signature}`, createPublicKey(privateKey))
    assert.equal(Buffer.from(payload).toString(), 'payload')
  }
})
