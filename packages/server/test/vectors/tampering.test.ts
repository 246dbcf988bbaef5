// The token endpoint itself, with real assertions and proofs whose signatures were tampered with: tampering.ts is the list.

import assert from 'node:assert/strict'
import { KeyObject } from 'node:crypto'
import { test } from 'node:test'
import { oneStore, startTestServer } from '../harness.ts'
import { assertError, assertInvalidClient, assertToken, freshAddress } from '../oauth/answers.ts'
import { app, blueprint, proving, tenant } from '../oauth/sample.ts'
import {
  type Algorithm,
  assertionClaims,
  makeKey,
  proof,
  reasonOf,
  sign,
  withAssertion,
} from '../oauth/signed.ts'
import { tamperings } from './tampering.ts'

for (const algorithm of ['ES256', 'ES384', 'EdDSA', 'PS256', 'RS256'] as const) {
  test(`RFC 7523 §3, RFC 9449 §4.3: no tampered ${algorithm} signature is taken for an assertion or a proof`, async (t) => {
    const { key, server } = await start(t, algorithm)
    const variants = (text: string) => {
      const at = text.lastIndexOf('.')
      const [message, signature] = [
        Buffer.from(text.slice(0, at)),
        Buffer.from(text.slice(at + 1), 'base64url'),
      ]
      const privateKey = KeyObject.from(key.privateKey)
      return tamperings({ algorithm, privateKey, message, signature })
        .filter(({ result }) => result === 'invalid')
        .map((one) => ({ ...one, text: `${message}.${one.signature.toString('base64url')}` }))
    }
    const assertion = await sign(key, assertionClaims('robot', server.clock()))
    const sendAssertion = (text: string) =>
      server.token('acme', { ...withAssertion(text), clientAddress: freshAddress() })
    for (const { comment, text } of variants(assertion)) {
      assertInvalidClient(await sendAssertion(text))
      assert.match(String(reasonOf(server)), /no key of the client|assertion malformed/, comment)
    }
    assertToken(await sendAssertion(assertion))

    // Proofs are never signed with it.
    if (algorithm === 'RS256') return
    const dpop = await proof(key, server.clock())
    const basic = server.credential('acme', 'sync')
    const sendProof = (text: string) => server.token('acme', { basic, dpop: [text] })
    for (const { comment, text } of variants(dpop)) {
      assertError(await sendProof(text), 'invalid_dpop_proof')
      assert.match(String(reasonOf(server)), /not signed with its key|proof malformed/, comment)
    }
    // None of them has used up what the good one needs.
    assertToken(await sendProof(dpop))
  })
}

async function start(t: Parameters<typeof startTestServer>[0], algorithm: Algorithm) {
  const key = await makeKey(algorithm)
  const apps = [proving('robot', 'private_key_jwt', { public_key: key.publicJwk }), app('sync')]
  const allowed = { assertion_algorithms: [algorithm] }
  return { key, server: await startTestServer(t, oneStore, blueprint(tenant('acme', apps, allowed))) }
}
