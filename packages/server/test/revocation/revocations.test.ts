/** Which facts of a token a cut-off matches, and which not. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TokenFacts } from '@sallyport/protocol'
import { revocationsOf } from '../../src/revocation/revocations.ts'
import type { Revocation } from '../../src/store/revocations.ts'

const cutOff = (kind: Revocation['kind'], subjectId: string, issuedUntil = 100): Revocation => ({
  ...{ kind, subjectId, issuedUntil },
  expiresAt: null,
})
const facts: TokenFacts = {
  ...{ issuedAt: 100, keyId: 'key', tokenId: 'token', clientId: 'client', credentialId: 'main' },
  ...{ organizationId: 'customer', userId: 'ada' },
}

test('product 4: a cut-off hits by each fact it can be about, and by no other', () => {
  const subjects = [
    ['tenant', 'acme'],
    ['key', 'key'],
    ['organization', 'customer'],
    ['app', 'client'],
    ['credential', 'client main'],
    ['user', 'ada'],
    ['token', 'token'],
  ] as const
  for (const [kind, subjectId] of subjects) {
    assert.equal(revocationsOf('acme', [cutOff(kind, subjectId)]).hits(facts), kind)
    assert.equal(revocationsOf('acme', [cutOff(kind, subjectId, 99)]).hits(facts), null)
    assert.equal(revocationsOf('acme', [cutOff(kind, `${subjectId}x`)]).hits(facts), null)
  }
  // An id of one kind is nothing to another.
  assert.equal(revocationsOf('acme', [cutOff('app', 'customer'), cutOff('user', 'client')]).hits(facts), null)
  assert.equal(revocationsOf('acme', [cutOff('credential', 'other main')]).hits(facts), null)
})

test('settled: a token that does not say with which credential it was got dies with any of its client', () => {
  const { credentialId: _, ...unnamed } = facts
  assert.equal(revocationsOf('acme', [cutOff('credential', 'client second')]).hits(unnamed), 'credential')
  assert.equal(revocationsOf('acme', [cutOff('credential', 'client second', 99)]).hits(unnamed), null)
  assert.equal(revocationsOf('acme', [cutOff('credential', 'other second')]).hits(unnamed), null)
  assert.equal(revocationsOf('acme', [cutOff('credential', 'client second')]).hits(facts), null)
})

test('003-02: a token without iat is as old as can be: any cut-off hits it, and where there is none it lives', () => {
  const { issuedAt: _, ...undated } = facts
  const ageless: TokenFacts = { ...undated, issuedAt: undefined }
  assert.equal(revocationsOf('acme', [cutOff('app', 'client', 1)]).hits(ageless), 'app')
  assert.equal(revocationsOf('acme', [cutOff('app', 'another', 1)]).hits(ageless), null)
  assert.equal(revocationsOf('acme', []).hits(ageless), null)
})
