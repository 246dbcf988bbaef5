import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../test/property.ts'
import {
  formatRefusalId,
  parseRefusalId,
  type RefusalReason,
  type RefusalTerms,
  refusals,
} from '../src/index.ts'

const entries = Object.entries(refusals) as [RefusalReason, RefusalTerms][]
const reasons = entries.map(([reason]) => reason)

const ids = fc.record({
  reason: fc.constantFrom(...reasons),
  at: fc.integer({ min: 0, max: 0xffffffff }),
  random: fc.uint8Array({ minLength: 5, maxLength: 5 }),
})

/** Ids with these numbers stand in logs: a line may be added here, and none changed or used again. */
const numbers: Readonly<Record<RefusalReason, number>> = {
  ...{ no_credentials: 0, credentials_malformed: 1, token_malformed: 2, token_type: 3, key_unknown: 5 },
  ...{ signature: 6, issuer: 7, audience: 8, expired: 9, not_yet_valid: 10, claim_missing: 11 },
  ...{ revoked_tenant: 12, revoked_organization: 13, revoked_app: 14, revoked_credential: 15 },
  ...{ revoked_user: 16, revoked_token: 17, revoked_key: 18, inactive: 19, bound_to_dpop_key: 20 },
  ...{ not_bound: 21, dpop_proof: 22, dpop_nonce: 23, certificate: 24, confirmation_unknown: 25 },
  ...{ insufficient_scope: 26, path_malformed: 27, path_unknown: 28, method_unknown: 29 },
  ...{ rate_limited: 30, keys_unavailable: 31, introspection_unavailable: 32, feed_cut: 33 },
  ...{ policy_unavailable: 34, proofs_unavailable: 35, limits_unavailable: 36 },
}

test('issue 6, 1: a reason keeps its number, and no number is given twice', () => {
  assert.deepEqual(Object.fromEntries(entries.map(([reason, { number }]) => [reason, number])), numbers)
  assert.equal(new Set(Object.values(numbers)).size, reasons.length)
  assert.ok(Object.values(numbers).every((number) => Number.isInteger(number) && number >= 0 && number < 256))
})

test('issue 6, 1: an id says why and when, in characters that every log and shell leaves as they are', () => {
  fc.assert(
    fc.property(ids, ({ reason, at, random }) => {
      const id = formatRefusalId(reason, at, random)
      assert.match(id, /^sp_refusal_[0-9A-Za-z]{20}$/)
      assert.deepEqual(parseRefusalId(id), { reason, at })
    }),
  )
})

test('issue 6, 1: an id that was cut, lengthened or mistyped, even by one character, is none', () => {
  const digits = fc.constantFrom(...'059AZaz_-é ')
  fc.assert(
    fc.property(ids, fc.nat({ max: 30 }), digits, ({ reason, at, random }, place, digit) => {
      const id = formatRefusalId(reason, at, random)
      const changed = [
        id.slice(0, place) + digit + id.slice(place + 1),
        id.slice(0, -1 - (place % 20)),
        id + digit,
        id.toUpperCase(),
      ]
      for (const other of changed) if (other !== id) assert.equal(parseRefusalId(other), null, other)
    }),
  )
})

test('issue 6, 1: two refusals of one second have different ids', () => {
  const [one, other] = [1, 2].map((byte) => formatRefusalId('expired', 7, new Uint8Array(5).fill(byte)))
  assert.notEqual(one, other)
  assert.throws(() => formatRefusalId('expired', 7, new Uint8Array(4)), /random bytes/)
})

/** RFC 6750 §3.1, RFC 9449 §7.1 and §9; without a code: no token came, or the answer is not about one. */
const codes: Readonly<Record<string, number>> = {
  invalid_token: 401,
  insufficient_scope: 403,
  invalid_dpop_proof: 401,
  use_dpop_nonce: 401,
}

test('RFC 6750 §3.1, RFC 9449 §7.1: each error code comes with its status, and no code without a token', () => {
  for (const [reason, { status, error }] of entries) {
    if (error !== null) assert.equal(status, codes[error], reason)
    else if (status === 401) assert.equal(reason, 'no_credentials')
    else assert.ok([400, 404, 405, 429, 503].includes(status), reason)
  }
  assert.equal(refusals.insufficient_scope.status, 403)
})

test('RFC 6749 §5.2: what the caller is told stands in a quoted string, and tells nothing of other customers', () => {
  for (const [reason, { says, why, next }] of entries) {
    assert.match(says, /^[A-Z][\x20\x21\x23-\x5b\x5d-\x7e]*\.$/, reason)
    for (const text of [why, next]) assert.match(text, /^[A-Z`].{10,299}\.$/, `${reason}: ${text}`)
  }
  const revoked = entries.filter(([reason]) => reason.startsWith('revoked_'))
  assert.equal(new Set(revoked.map(([, { says }]) => says)).size, 1)
})
