// RFC 9449 §11.1: a proof that was used is remembered for as long as it is good.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createProofMemory } from '../src/binding/proof-memory.ts'

const life = (now: number) => ({ now, expiresAt: now + 60 })

test('RFC 9449 §11.1: no flood of other proofs lets one in twice while it is good', () => {
  const memory = createProofMemory()
  assert.equal(memory.use('stolen', life(1000)), 'first')
  for (let made = 0; made < 250_000; made += 1) memory.use(`other ${made}`, life(1000 + made / 5_000))
  assert.equal(memory.use('stolen', { now: 1059, expiresAt: 1060 }), 'used')
})

test('trust 15: proofs that are over are forgotten, and while there is no room for another none is taken', () => {
  const memory = createProofMemory(4)
  for (const id of ['a', 'b', 'c', 'd']) assert.equal(memory.use(id, life(1000)), 'first')
  assert.equal(memory.use('e', life(1030)), 'unknown')
  assert.equal(memory.use('a', life(1030)), 'used')
  for (const id of ['e', 'f', 'g']) assert.equal(memory.use(id, life(1061)), 'first', id)
  assert.equal(memory.use('a', life(1061)), 'first')
})
