// product.md decisions 5 and 6: what is kept of a secret says nothing about it, nor about whose it is.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createSealer } from '../../src/keys/sealing.ts'
import { createSecretHasher, sameVerifier } from '../../src/keys/secret-hasher.ts'
import { insertPepper, listPeppers } from '../../src/store/peppers.ts'
import { forEachStore } from '../harness.ts'

const sealer = createSealer([Buffer.alloc(32, 1)], randomBytes)

forEachStore((_engine, suite) => {
  test('product decision 5: equal secrets of two clients or tenants look different, and run into nothing', async (t) => {
    const { db } = await suite.open(t)
    const hasher = await createSecretHasher(db, sealer, randomBytes)
    const verifiers = [
      hasher.hash('acme', 'one', 'secret'),
      hasher.hash('acme', 'two', 'secret'),
      hasher.hash('other', 'one', 'secret'),
      hasher.hash('acme', 'one', 'secret '),
      hasher.hash('acme', 'onesecret', ''),
      hasher.hash('acmeone', '', 'secret'),
    ].map(({ verifier }) => Buffer.from(verifier).toString('hex'))
    assert.equal(new Set(verifiers).size, verifiers.length)
    assert.equal(verifiers[0]?.length, 64)
  })

  test('product decision 6: two databases have two peppers, and one keeps its own', async (t) => {
    const [one, other] = [await suite.open(t), await suite.open(t)]
    const hash = async (db: typeof one.db) =>
      (await createSecretHasher(db, sealer, randomBytes)).hash('acme', 'one', 'secret').verifier
    assert.deepEqual(await hash(one.db), await hash(one.db))
    assert.deepEqual(await hash(one.db), await hash(await one.openAgain()))
    assert.notDeepEqual(await hash(one.db), await hash(other.db))
  })

  test('settled: the newest pepper hashes, older ones still verify, and an unknown one verifies nothing', async (t) => {
    const { db } = await suite.open(t)
    const before = await createSecretHasher(db, sealer, randomBytes)
    const old = before.hash('acme', 'one', 'secret')
    await db.write((tx) => insertPepper(tx, { version: 2, sealed: sealer.seal(randomBytes(32), 'pepper 2') }))
    const hasher = await createSecretHasher(db, sealer, randomBytes)
    assert.equal(hasher.currentVersion, 2)
    assert.deepEqual([...hasher.versions].sort(), [1, 2])
    assert.equal(hasher.hash('acme', 'one', 'secret').pepperVersion, 2)
    const again = hasher.compute(1, 'acme', 'one', 'secret')
    assert.ok(again && sameVerifier(again, old.verifier))
    assert.notDeepEqual(hasher.hash('acme', 'one', 'secret').verifier, old.verifier)
    assert.equal(hasher.compute(3, 'acme', 'one', 'secret'), null)
    // Peppers of two versions may not change places.
    const [first, second] = await listPeppers(db)
    assert.ok(first && second)
    assert.throws(() => sealer.open(second.sealed, `pepper ${first.version}`))
  })
})

test('product decision 5: verifiers are compared whole', () => {
  const verifier = randomBytes(32)
  assert.ok(sameVerifier(verifier, Buffer.from(verifier)))
  assert.ok(!sameVerifier(verifier, verifier.subarray(0, 31)))
  assert.ok(!sameVerifier(verifier, Buffer.alloc(0)))
  for (let byte = 0; byte < 32; byte += 1) {
    const altered = Buffer.from(verifier)
    altered.writeUInt8(altered.readUInt8(byte) ^ 1, byte)
    assert.ok(!sameVerifier(verifier, altered))
  }
})
