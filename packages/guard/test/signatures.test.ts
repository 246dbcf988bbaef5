// ECDSA signatures at their edges, through the conversion to DER and through Web Crypto alike: RFC 7518 §3.4.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPublicJwk } from '@sallyport/protocol'
import { systemRuntime } from '../src/runtime/system.ts'
import { webRuntime } from '../src/runtime/web.ts'
import { createKey, signJwt } from './world.ts'

const orders: Readonly<Record<string, string>> = {
  ES256: 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
  ES384: `${'f'.repeat(48)}c7634d81f4372ddf581a0db248b0a77aecec196accc52973`,
}

/** The number in so many bytes. */
const numberOf = (value: bigint, bytes: number): Buffer =>
  Buffer.from(value.toString(16).padStart(bytes * 2, '0'), 'hex')

function edges(algorithm: string, good: Buffer): Readonly<Record<string, Buffer>> {
  const half = good.length / 2
  const order = BigInt(`0x${orders[algorithm]}`)
  const largest = (1n << BigInt(half * 8)) - 1n
  const [r, s] = [good.subarray(0, half), good.subarray(half)]
  const pair = (one: Buffer | bigint, other: Buffer | bigint): Buffer =>
    Buffer.concat([one, other].map((part) => (typeof part === 'bigint' ? numberOf(part, half) : part)))
  return {
    'all zeros (CVE-2022-21449)': pair(0n, 0n),
    'r = 0': pair(0n, s),
    's = 0': pair(r, 0n),
    'r = s = 1': pair(1n, 1n),
    'r = n': pair(order, s),
    's = n': pair(r, order),
    'both n': pair(order, order),
    'r = n + 1': pair(order + 1n, s),
    'all ones': pair(largest, largest),
    's with n more or less': pair(r, (BigInt(`0x${s.toString('hex')}`) + order) & largest),
    'both swapped': pair(s, r),
    'a byte less': good.subarray(1),
    'a byte less at the end': good.subarray(0, -1),
    'a zero before': Buffer.concat([Buffer.alloc(1), good]),
    'a zero behind': Buffer.concat([good, Buffer.alloc(1)]),
    'two bytes more': Buffer.concat([Buffer.alloc(1), r, Buffer.alloc(1), s]),
    empty: Buffer.alloc(0),
    DER: Buffer.concat([Buffer.from([0x30, half * 2 + 4, 2, half]), r, Buffer.from([2, half]), s]),
    'twice the length': Buffer.concat([good, good]),
  }
}

for (const [name, runtime] of Object.entries({ 'node:crypto': systemRuntime, 'Web Crypto': webRuntime })) {
  for (const algorithm of ['ES256', 'ES384']) {
    test(`trust 39: ${algorithm} signatures at the edges are wrong, and never an error, with ${name}`, async () => {
      const signing = createKey(algorithm, 'key-1')
      const read = readPublicJwk(signing.jwk)
      assert.ok('jwk' in read)
      const key = await runtime.importKey(read.jwk)
      assert.ok(key)
      const jwt = signJwt(signing, {}, {})
      const end = jwt.lastIndexOf('.')
      const [input, good] = [jwt.slice(0, end), Buffer.from(jwt.slice(end + 1), 'base64url')]
      assert.equal(await key.hasSigned(algorithm, input, good), true)
      for (const [title, signature] of Object.entries(edges(algorithm, good)))
        assert.equal(await key.hasSigned(algorithm, input, signature), false, title)
      for (const other of ['ES256', 'ES384', 'RS256', 'HS256', 'none', 'constructor', '__proto__'])
        if (other !== algorithm) assert.equal(await key.hasSigned(other, input, good), false, other)
    })
  }
}
