// trust.md R14, R17, R12: the counters themselves, where time and memory are concerned.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Attempt, createWrongAttempts } from '../../src/limits/wrong-attempts.ts'

const at = (now: number, more: Partial<Attempt> = {}): Attempt => ({
  ...{ tenantId: 'acme', clientId: 'client', address: '192.0.2.1', now },
  ...more,
})

test('trust R14: the limit is ten, exactly, in every window of a minute', () => {
  const attempts = createWrongAttempts()
  for (let window = 0; window < 3; window += 1) {
    const start = 1000 + window * 60
    for (let number = 1; number <= 9; number += 1) assert.equal(attempts.count(at(start + number)), 0)
    assert.equal(attempts.waitSeconds(at(start + 10)), 0)
    assert.equal(attempts.count(at(start + 10)), 0)
    assert.equal(attempts.waitSeconds(at(start + 10)), 51)
    assert.equal(attempts.count(at(start + 10)), 51)
    assert.equal(attempts.count(at(start + 60)), 1)
  }
})

test('trust F9: an attempt that proves right after all is taken back, and only that one', () => {
  const attempts = createWrongAttempts()
  for (let number = 0; number < 10; number += 1) attempts.count(at(1000))
  assert.equal(attempts.waitSeconds(at(1000)), 60)
  attempts.forgive(at(1000))
  assert.equal(attempts.waitSeconds(at(1000)), 0)
  assert.equal(attempts.count(at(1000)), 0)
  assert.equal(attempts.count(at(1000)), 60)
  // Nothing to take back: no counter falls below zero.
  for (let number = 0; number < 20; number += 1) attempts.forgive(at(1000, { clientId: 'other' }))
  for (let number = 0; number < 10; number += 1)
    assert.equal(attempts.count(at(1000, { clientId: 'other' })), 0)
  assert.equal(attempts.count(at(1000, { clientId: 'other' })), 60)
})

test('trust R17: a clock that was set back does not lengthen a wait', () => {
  const attempts = createWrongAttempts()
  for (let number = 0; number < 20; number += 1) attempts.count(at(10_000))
  assert.equal(attempts.waitSeconds(at(10_000)), 60)
  assert.equal(attempts.waitSeconds(at(6_400)), 0)
  assert.equal(attempts.count(at(6_400)), 0)
  for (let number = 0; number < 9; number += 1) attempts.count(at(6_400))
  assert.ok(attempts.count(at(6_401)) <= 60)
})

test('trust F37: tenant, network and name cannot run into each other', () => {
  const attempts = createWrongAttempts()
  for (let number = 0; number < 20; number += 1) attempts.count(at(1000, { clientId: '192.0.2.2 client' }))
  for (const other of [
    { address: '192.0.2.2' },
    { tenantId: 'other' },
    { clientId: '192.0.2.2' },
    { clientId: 'client 192.0.2.2' },
  ]) {
    assert.equal(attempts.waitSeconds(at(1000, other)), 0)
  }
})

test('trust 44: a flood of names from one network pushes no throttled client out of memory', () => {
  const attempts = createWrongAttempts()
  for (let number = 0; number < 10; number += 1) attempts.count(at(1000))
  for (let number = 0; number < 120_000; number += 1) {
    attempts.count(at(1000, { clientId: `name-${number}`, address: '198.51.100.7' }))
  }
  assert.equal(attempts.waitSeconds(at(1000)), 60)
})

test('trust R12: many names and networks leave a bounded number of counters', () => {
  const attempts = createWrongAttempts()
  const before = process.memoryUsage().heapUsed
  for (let number = 0; number < 120_000; number += 1) {
    const address = `2001:db8:${(number >> 8).toString(16)}:${(number & 255).toString(16)}::1`
    attempts.count(at(1000, { clientId: `name-${number}`, address }))
  }
  assert.ok(process.memoryUsage().heapUsed - before < 100 * 1024 * 1024)
  assert.equal(attempts.count(at(1000)), 0)
})
