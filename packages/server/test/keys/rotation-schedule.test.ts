/** Product decision 9 as a table: which step of a key's life is due, and when. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  dueSteps,
  keySetMaxAgeSeconds,
  publishedSeconds,
  type RotationRules,
  retiresAt,
  rotationRules,
  type ScheduledKey,
  scheduledSteps,
  signingKeyOf,
} from '../../src/keys/rotation-schedule.ts'
import type { TenantRecord } from '../../src/store/tenants.ts'

const day = 86_400

const rules: RotationRules = {
  algorithm: 'ES256',
  hmacApiIds: [],
  keyIdEncoding: 'base64url',
  rotationSeconds: 90 * day,
  longestTokenSeconds: 3_600,
  outageGraceSeconds: 600,
}

const key = (kid: string, state: ScheduledKey['state'], more: Partial<ScheduledKey> = {}): ScheduledKey => ({
  kid,
  state,
  algorithm: 'ES256',
  apiId: null,
  longestTokenSeconds: 3_600,
  updatedAt: 0,
  ...more,
})

/** `kind kid→state …`, or `create algorithm`. */
const words = (steps: ReturnType<typeof dueSteps>) =>
  steps.map((step) =>
    step.kind === 'create'
      ? `create ${step.algorithm} after ${step.after}`
      : `${step.kind} ${step.moves.map(({ kid, to }) => `${kid}→${to}`).join(' ')}`,
  )

/** Nothing a second before, and these steps on the second. */
function assertDue(keys: readonly ScheduledKey[], at: number, expected: readonly string[], by = rules) {
  assert.deepEqual(words(dueSteps(keys, by, at)), expected)
  if (expected.length > 0 && at > 0) assert.deepEqual(words(dueSteps(keys, by, at - 1)), [])
}

test('product 9: a key is published for two lifetimes of the key set before it signs (trust 119)', () => {
  assert.equal(publishedSeconds, 2 * keySetMaxAgeSeconds)
  const keys = [key('old', 'active'), key('new', 'next', { updatedAt: 1_000 })]
  assertDue(keys, 1_000 + publishedSeconds, ['activate old→retiring new→active'])
})

test('product 9: a rotation begins by itself after key_rotation_days, and with 0 never', () => {
  assertDue([key('old', 'active')], 90 * day, ['create ES256 after old'])
  assertDue([key('old', 'active')], 10_000 * day, [], { ...rules, rotationSeconds: null })
})

test('product 9: a key is retired when the last token it signed has ended, also one that a node without database signed', () => {
  const keys = [key('new', 'active'), key('old', 'retiring', { updatedAt: 500 })]
  assertDue(keys, 500 + 3_600 + 600 + 300, ['retire old→retired'])
})

test('product 9: a lifetime that the settings have gone down from still counts for what was signed under it', () => {
  const lowered = { ...rules, longestTokenSeconds: 60 }
  const old = key('old', 'retiring')
  assert.equal(retiresAt(old, lowered), 3_600 + 900)
  assert.equal(retiresAt({ ...old, longestTokenSeconds: 0 }, lowered), 60 + 900)
  assert.equal(retiresAt({ ...old, longestTokenSeconds: null }, lowered), null)
})

test('003-08: a key whose tokens never end is never retired by itself', () => {
  const endless = { ...rules, longestTokenSeconds: null, rotationSeconds: null }
  const keys = [key('new', 'active'), key('old', 'retiring', { longestTokenSeconds: null })]
  assertDue(keys, 100 * 365 * day, [], endless)
})

test('product 9: another algorithm is published before it signs, and the one before signs till then', () => {
  const rsa = { ...rules, algorithm: 'RS256' } as const
  const slot = { apiId: null, algorithm: 'RS256' } as const
  const old = key('old', 'active')
  assert.equal(signingKeyOf([old], slot), old)
  assertDue([old], 0, ['create RS256 after old'], rsa)
  const next = key('rsa', 'next', { algorithm: 'RS256', updatedAt: 50 })
  assert.equal(signingKeyOf([old, next], slot), old)
  assertDue([old, next], 50 + publishedSeconds, ['activate old→retiring rsa→active'], rsa)
  // Back again before it had signed: it never will.
  assertDue([old, next], 50, ['discard rsa→retired'])
})

test('product 9: two active keys are one too many, whatever has led there', () => {
  const keys = [key('old', 'active', { algorithm: 'RS256' }), key('new', 'active')]
  assert.equal(signingKeyOf(keys, { apiId: null, algorithm: 'ES256' })?.kid, 'new')
  assertDue(keys, 0, ['replace old→retiring'])
})

test('000-15: a symmetric key, which nobody publishes, takes over as soon as all nodes can know it', () => {
  const own = { ...rules, hmacApiIds: ['rest'] }
  const hmac = (kid: string, state: ScheduledKey['state']) =>
    key(kid, state, { algorithm: 'HS512', apiId: 'rest' })
  assertDue([hmac('a', 'active'), hmac('b', 'next')], 60, ['activate a→retiring b→active'], own)
  // The API is gone, or signs with the tenant's key now.
  assertDue([hmac('a', 'active'), hmac('b', 'next')], 0, ['replace a→retiring', 'discard b→retired'])
  assertDue([hmac('a', 'retiring')], 3_600 + 900, ['retire a→retired'])
})

test('settled: a tenant without a key has nothing to rotate; its first is made when it is asked', () => {
  assert.deepEqual(scheduledSteps([], rules), [])
  assert.deepEqual(scheduledSteps([key('old', 'retired')], rules), [])
})

test('RFC 8594: after its sunset a dialect without exp binds new keys no more', () => {
  const record = (sunset: string): TenantRecord => ({
    ...{ id: 'acme', name: 'Acme', environment: 'test', disabledAt: null, blueprint: null },
    ...{
      createdAt: 0,
      updatedAt: 0,
      hosts: [],
      apis: [],
      plans: [],
      signingKeys: [],
      takesRegistrations: false,
      formerDialects: [],
    },
    settings: { dialect: { sunset, token: { claims: { iat: '${iat}' } } } },
  })
  const longest = (now: number) => rotationRules(record('1970-01-02'), now).longestTokenSeconds
  assert.deepEqual([longest(day - 1), longest(day)], [null, 86_400])
})
