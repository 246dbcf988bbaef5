/** A baseline that signs wrongly would be fast and worthless: every way is checked with node:crypto. */
import assert from 'node:assert/strict'
import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { test } from 'node:test'
import { type Algorithm, algorithms, generatePrivateKey, waysToSign } from '../src/signers.ts'

function isGood(algorithm: Algorithm, data: Buffer, privateKey: KeyObject, signature: Buffer): boolean {
  const key = createPublicKey(privateKey)
  if (algorithm === 'EdDSA') return verify(null, data, key, signature)
  if (algorithm === 'ES256') return verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature)
  if (algorithm === 'RS256') return verify('sha256', data, key, signature)
  const padding = constants.RSA_PKCS1_PSS_PADDING
  return verify('sha256', data, { key, padding, saltLength: 32 }, signature)
}

for (const algorithm of algorithms) {
  test(`RFC 7518 §3: every way the baseline signs ${algorithm} makes signatures that verify`, async () => {
    const key = generatePrivateKey(algorithm)
    for (const way of waysToSign(algorithm, key)) {
      // Enough that ES256 meets an r or s that DER writes with a byte more and with a byte less.
      const count = algorithm === 'ES256' ? 600 : 3
      for (let turn = 0; turn < count; turn += 1) {
        const data = Buffer.from(`payload ${turn}`)
        const signature = await new Promise<Buffer>((resolve) => way.sign(data, resolve))
        assert.ok(isGood(algorithm, data, key, signature), `${way.name}, turn ${turn}`)
      }
    }
  })
}
