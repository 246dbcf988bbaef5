/** What `inspect` says of proofs and assertions, which people take for tokens as they look like them. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { inspectToken } from '../../src/inspect/inspect-token.ts'
import { forEachStore, type StoreSuite, startTestServer, type TestServer } from '../harness.ts'
import { app, blueprint, tenant } from '../oauth/sample.ts'

const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const jwk = await exportJWK(publicKey)
const other = await generateKeyPair('ES256')

const proofOf = (
  claims: JWTPayload,
  header = {},
  key: Parameters<SignJWT['sign']>[0] = privateKey,
): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk, ...header }).sign(key)

const assertionOf = (claims: JWTPayload, header = {}): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: 'ES256', ...header }).sign(privateKey)

forEachStore((_engine, store: StoreSuite) => {
  async function prepare(t: Parameters<typeof startTestServer>[0]) {
    const server: TestServer = await startTestServer(t, store, blueprint(tenant('plain', [app('sync')])))
    const now = server.clock()
    const deps = { db: server.db, sealer: server.store.sealer, now }
    async function said(text: string) {
      const { isGood, kind, problems, nextSteps } = await inspectToken(text, deps)
      assert.deepEqual([isGood, problems.length, nextSteps.length], [false, 1, 1])
      return { kind, sentence: problems[0] ?? '', nextStep: nextSteps[0] ?? '' }
    }
    return { now, deps, said }
  }

  test('RFC 9449 §4.3: a DPoP proof is told from a token, with what is wrong with it and what to do', async (t) => {
    const { now, said } = await prepare(t)
    const url = 'https://localhost:8443/plain/oauth2/token'
    const claims = { htm: 'POST', htu: url, jti: 'one', iat: now }
    assert.deepEqual(await said(await proofOf(claims)), {
      kind: 'dpop_proof',
      sentence: `This is a DPoP proof for POST ${url}, not a token; as a proof it is good by itself, for one request.`,
      nextStep:
        'Send it in the header DPoP of that request, and give the token here: the one in Authorization.',
    })
    const refused: [proof: string, sentence: RegExp, nextStep: RegExp][] = [
      [
        await proofOf({ ...claims, iat: now - 61 }),
        /: proof too old or from the future\.$/,
        /within a minute/,
      ],
      [await proofOf({ ...claims, exp: now - 60 }), /: proof expired\.$/, /make a new proof/],
      [await proofOf({ ...claims, htm: 'post' }), /: proof for another method\.$/, /in capitals/],
      [await proofOf({ ...claims, htu: 'mailto:a@example.com' }), /: proof for another URL\.$/, /public URL/],
      [await proofOf({ ...claims, jti: '' }), /: proof without a usable jti\.$/, /1 to 256/],
      [await proofOf(claims, {}, other.privateKey), /: proof not signed with its key\.$/, /private key/],
      [await proofOf(claims, { jwk: undefined }), /: proof with /, /jwk/],
      [await proofOf(claims, { alg: 'HS256' }, Buffer.alloc(32)), /algorithm not allowed\.$/, /ES256/],
      [(await proofOf(claims)).replace(/\.[^.]+$/, '.*'), /: proof malformed\.$/, /whole/],
    ]
    for (const [proof, sentence, nextStep] of refused) {
      const answer = await said(proof)
      assert.equal(answer.kind, 'dpop_proof')
      assert.match(answer.sentence, /^This is a DPoP proof .*not a token; as a proof it is refused: /)
      assert.match(answer.sentence, sentence)
      assert.match(answer.nextStep, nextStep)
    }
  })

  test('product: a private key in the header of a proof is told of, and not repeated', async (t) => {
    const { now, deps, said } = await prepare(t)
    const { d = '', ...rest } = await exportJWK(privateKey)
    const proof = await proofOf(
      { htm: 'POST', htu: 'https://localhost/', jti: 'one', iat: now },
      { jwk: { ...rest, d } },
    )
    assert.match((await said(proof)).sentence, /private/)
    const report = await inspectToken(proof, deps)
    assert.deepEqual(report.header?.jwk, rest)
    assert.ok(!JSON.stringify(report).includes(d))
  })

  test('RFC 7523 §3: a client assertion is told from a token, with its audience and what is wrong with it', async (t) => {
    const { now, said } = await prepare(t)
    const aud = 'https://localhost:8443/plain'
    const claims = { iss: 'k2v7', sub: 'k2v7', aud, jti: 'one', exp: now + 60 }
    assert.deepEqual(await said(await assertionOf(claims)), {
      kind: 'client_assertion',
      sentence: `This looks like a client assertion of k2v7 for ${aud}, not a token; its claims are good, if that is the issuer it is sent to, and its signature was not checked.`,
      nextStep:
        'Send it as client_assertion to the token endpoint, once, and give the token here that this answers.',
    })
    const refused: [assertion: string, sentence: RegExp, nextStep: RegExp][] = [
      [await assertionOf({ ...claims, exp: now - 60 }), /: assertion expired\.$/, /compare the clocks/],
      [await assertionOf({ ...claims, exp: now + 301 }), /lives longer than five minutes\.$/, /five minutes/],
      [await assertionOf({ ...claims, aud: [aud] }), /: assertion for another audience\.$/, /not in a list/],
      [await assertionOf({ ...claims, jti: '' }), /without a usable jti\.$/, /1 to 256/],
      [await assertionOf({ ...claims, iat: now + 61 }), /: assertion from the future\.$/, /clocks/],
      [
        new UnsecuredJWT(claims).encode(),
        /: assertion algorithm not allowed\.$/,
        /^Sign it with one of ES256/,
      ],
    ]
    for (const [assertion, sentence, nextStep] of refused) {
      const answer = await said(assertion)
      assert.equal(answer.kind, 'client_assertion')
      assert.match(
        answer.sentence,
        /^This looks like a client assertion .*not a token; as an assertion it is refused: /,
      )
      assert.match(answer.sentence, sentence)
      assert.match(answer.nextStep, nextStep)
    }
  })

  test('RFC 8725 §3.11: the token of a stranger is taken for no assertion', async (t) => {
    const { now, said } = await prepare(t)
    const claims = { iss: 'https://issuer.example', sub: 'k2v7', aud: 'here', exp: now + 60 }
    assert.equal((await said(await assertionOf(claims))).kind, 'other_token')
    const ofItself = { ...claims, iss: 'k2v7' }
    assert.equal((await said(await assertionOf(ofItself, { typ: 'at+jwt' }))).kind, 'other_token')
  })
})
