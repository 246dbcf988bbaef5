// product.md decision 6: what is sealed opens only with its key, only whole, and only where it belongs.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createSealer, SealBroken } from '../../src/keys/sealing.ts'

const masterKey = Buffer.alloc(32, 1)
const sealer = createSealer([masterKey], randomBytes)
const secret = Buffer.from('a private key or a pepper')
const context = 'signing key acme k1'

test('product decision 6: sealed bytes open to what was sealed, and hold nothing of it', () => {
  for (const plain of [Buffer.alloc(0), secret, randomBytes(5000)]) {
    const sealed = sealer.seal(plain, context)
    assert.deepEqual(sealer.open(sealed, context), plain)
    if (plain.length > 0) assert.ok(!Buffer.from(sealed).includes(plain.subarray(0, 16)))
  }
  assert.notDeepEqual(sealer.seal(secret, context), sealer.seal(secret, context))
})

test('product decision 6: one altered bit anywhere, or a byte less or more, is refused', () => {
  const sealed = Buffer.from(sealer.seal(secret, context))
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const altered = Buffer.from(sealed)
    altered.writeUInt8(altered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    assert.throws(() => sealer.open(altered, context), SealBroken, `bit ${bit}`)
  }
  for (let length = 0; length < sealed.length; length += 1) {
    assert.throws(() => sealer.open(sealed.subarray(0, length), context), SealBroken, `${length} bytes`)
  }
  assert.throws(() => sealer.open(Buffer.concat([sealed, Buffer.of(0)]), context), SealBroken)
  assert.throws(() => sealer.open(Buffer.alloc(200), context), SealBroken)
})

test('product decision 6: sealed bytes do not open in another row', () => {
  const sealed = sealer.seal(secret, context)
  for (const other of [
    '',
    'signing key acme k2',
    'signing key other k1',
    'pepper 1',
    `${context} `,
    context.toUpperCase(),
  ]) {
    assert.throws(() => sealer.open(sealed, other), SealBroken, other)
  }
})

test('product decision 6: another master key opens nothing, and says so without showing anything', () => {
  const sealed = sealer.seal(secret, context)
  for (const key of [Buffer.alloc(32, 2), Buffer.alloc(32)]) {
    const other = createSealer([key], randomBytes)
    assert.throws(
      () => other.open(sealed, context),
      (error) => error instanceof SealBroken && !error.message.includes(key.toString('hex')),
    )
  }
  // The same fingerprint with other key bytes cannot be made, but a forged fingerprint can.
  const forged = Buffer.from(createSealer([Buffer.alloc(32, 2)], randomBytes).seal(secret, context))
  Buffer.from(sealed).copy(forged, 1, 1, 5)
  assert.throws(() => sealer.open(forged, context), SealBroken)
})

test('product decision 6: after a replacement the first key seals, and both open', () => {
  const replaced = createSealer([Buffer.alloc(32, 9), masterKey], randomBytes)
  const sealed = replaced.seal(secret, context)
  assert.deepEqual(replaced.open(sealer.seal(secret, context), context), secret)
  assert.deepEqual(createSealer([Buffer.alloc(32, 9)], randomBytes).open(sealed, context), secret)
  assert.throws(() => sealer.open(sealed, context), SealBroken)
})

test('product decision 6: a master key is 32 bytes, and there is at least one', () => {
  assert.throws(() => createSealer([], randomBytes), RangeError)
  for (const length of [0, 16, 31, 33, 64]) {
    assert.throws(() => createSealer([Buffer.alloc(length)], randomBytes), RangeError)
  }
})
