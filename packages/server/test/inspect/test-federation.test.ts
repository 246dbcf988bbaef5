// What `sallyport federation test` says is what the token endpoint would do with the same token at the same moment.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createIssuerKeys } from '../../src/federation/issuer-keys.ts'
import { testFederation } from '../../src/inspect/test-federation.ts'
import { createRemoteKeySets } from '../../src/keys/remote-key-sets.ts'
import { forEachStore, startTestServer } from '../harness.ts'
import { assertInvalidClient, assertToken, freshAddress } from '../oauth/answers.ts'
import { publish } from '../oauth/published.ts'
import { setCredential, setDisabled } from '../oauth/rows.ts'
import { app, blueprint, tenant } from '../oauth/sample.ts'
import { makeKey, reasonOf, sign, withAssertion } from '../oauth/signed.ts'

const issuer = 'https://issuer.example'

forEachStore((_engine, suite) => {
  test('issue 3, item 3: whoever is refused whatever the token says is not let in by the command either', async (t) => {
    const key = await makeKey()
    const { fetchJson } = publish(issuer, key, 'k')
    const credentials = [{ id: 'rule', federation: { issuer, subject: 'job' } }]
    const robot = app('robot', { client_id: 'robot', client_authentication: ['federation'], credentials })
    const server = await startTestServer(t, suite, blueprint(tenant('acme', [robot])), {}, { fetchJson })
    const { db, clock } = server
    const onFailure = () => {}
    const keySets = createRemoteKeySets({ fetchJson, clock, onFailure })
    const issuerKeys = createIssuerKeys({ fetchJson, keySets, clock, onFailure })
    const claims = { iss: issuer, sub: 'job', aud: 'https://localhost:8443/acme', exp: clock() + 300 }
    const token = await sign(key, claims, { kid: 'k' })
    const reasons = async () => {
      const issuersOf = () => ['https://localhost:8443/acme'] as const
      const { rules } = await testFederation(token, 'acme', { db, issuerKeys, now: clock(), issuersOf })
      return rules.map((rule) => rule.reasons)
    }
    const send = () =>
      server.token('acme', { ...withAssertion(token, { client_id: 'robot' }), clientAddress: freshAddress() })
    assertToken(await send())
    assert.deepEqual(await reasons(), [[]])
    for (const [noun, id] of [
      ['app', 'robot'],
      ['organization', 'customer'],
      ['tenant', 'acme'],
    ] as const) {
      await setDisabled(db, noun, 'acme', id, clock())
      await server.advance(1)
      assertInvalidClient(await send())
      assert.deepEqual(await reasons(), [[reasonOf(server)]])
      await setDisabled(db, noun, 'acme', id, null)
      await server.advance(1)
      assertToken(await send())
    }
    await setCredential(db, 'acme', 'robot', 'rule', { disabled_at: clock() })
    await server.advance(1)
    assertInvalidClient(await send())
    assert.deepEqual(await reasons(), [['the credential is expired or disabled']])
  })
})
