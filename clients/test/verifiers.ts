// Each verifier with tokens of each algorithm: the good one passes, a changed, expired or misdirected one does not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simpleOauth2 } from '../src/clients/simple-oauth2.ts'
import { audience, signingTenants } from '../src/instance.ts'
import { type KeyAlgorithm, keyAlgorithms } from '../src/material.ts'
import type { Expectation } from '../src/verifier.ts'
import { verifiers } from '../src/verifiers/index.ts'
import { canRun, findings, orderFor, partsOf, refused, running } from './setting.ts'

async function freshToken(algorithm: KeyAlgorithm): Promise<string> {
  const order = orderFor('client_secret_basic', { tenant: signingTenants[algorithm] })
  const { accessToken } = await simpleOauth2.token(order)
  assert.equal(partsOf(accessToken).header.alg, algorithm)
  return accessToken
}

function expectation(algorithm: KeyAlgorithm): Expectation {
  const issuer = running().issuer(signingTenants[algorithm])
  return { issuer, jwksUri: `${issuer}/oauth2/jwks`, audience, algorithm, ca: running().ca }
}

/** One bit of the byte after `mark`, or of some byte in the middle. */
function flipped(token: string, part: number, mark?: string): string {
  const parts = token.split('.')
  const bytes = Buffer.from(parts[part] ?? '', 'base64url')
  const index = mark === undefined ? 20 : bytes.indexOf(mark) + mark.length
  assert.ok(index < bytes.length)
  bytes[index] = (bytes[index] ?? 0) ^ 1
  return parts.with(part, bytes.toString('base64url')).join('.')
}

for (const verifier of verifiers) {
  const { name, refusals, algorithms } = verifier
  for (const algorithm of algorithms) {
    test(`clients: ${name} takes a token signed with ${algorithm}, and no changed, expired or misdirected one`, async (t) => {
      if (!canRun(t, verifier)) return
      const [token, expected] = [await freshToken(algorithm), expectation(algorithm)]
      const { client_id: clientId } = await verifier.verify(token, expected)
      assert.equal(clientId, 'basic')
      const refusal = (bad: string, changes: Partial<Expectation> = {}) =>
        refused(verifier.verify(bad, { ...expected, ...changes }))
      assert.match(await refusal(flipped(token, 2)), refusals.changed)
      assert.match(await refusal(flipped(token, 1, '"org_id":"')), refusals.changed)
      await refusal(flipped(token, 0))
      assert.match(await refusal(running().expiredToken(algorithm)), refusals.expired)
      assert.match(await refusal(token, { audience: 'https://other.example' }), refusals.wrongAudience)
      await refusal(token, { issuer: running().issuer('bound') })
      findings.note(name, algorithm, 'works')
    })
  }

  const others = keyAlgorithms.filter((algorithm) => !algorithms.includes(algorithm))
  for (const algorithm of others) {
    test(`clients: ${name} does not know ${algorithm}`, async (t) => {
      if (!canRun(t, verifier)) return
      await refused(verifier.verify(await freshToken(algorithm), expectation(algorithm)))
    })
  }
}
