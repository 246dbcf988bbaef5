/** An assertion under a secret that both sides know, and that the server keeps sealed for it. */

import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { sealSecret } from '../../src/keys/sealed-secret.ts'
import { saveCredential } from '../../src/store/credentials.ts'
import { oneStore, startTestServer, type TestServer } from '../harness.ts'
import { assertInvalidClient, assertToken, freshAddress } from './answers.ts'
import { app, blueprint, tenant } from './sample.ts'
import { assertionClaims, withAssertion } from './signed.ts'

test('OpenID Connect Core §9: client_secret_jwt proves with the sealed secret, once, and only where registered', async (t) => {
  const apps = [app('shared', { client_id: 'shared', client_authentication: ['client_secret_jwt'] })]
  const server = await startTestServer(t, oneStore, blueprint(tenant('acme', apps)))
  const secret = `sp_test_${'s'.repeat(49)}`
  await saveShared(server, secret)
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const mac = (key: string, alg = 'HS256', claims = assertionClaims('shared', server.clock())) => {
    const input = `${encode({ alg })}.${encode(claims)}`
    return `${input}.${createHmac(alg.replace('HS', 'sha'), key).update(input).digest('base64url')}`
  }
  const send = (assertion: string) =>
    server.token('acme', { ...withAssertion(assertion), clientAddress: freshAddress() })
  const once = mac(secret)
  assertToken(await send(once))
  assertInvalidClient(await send(once))
  assertToken(await send(mac(secret, 'HS384')))
  assertInvalidClient(await send(mac(`${secret}x`)))
  assertInvalidClient(await send(mac('')))
  // The secret itself is not what this client is registered for.
  assertInvalidClient(await server.token('acme', { basic: ['shared', secret] }))
})

const saveShared = ({ db, store }: TestServer, secret: string) =>
  db.write((tx) =>
    saveCredential(tx, 'acme', 'shared', {
      id: 'main',
      ...store.hasher.hash('acme', 'shared', secret),
      sealedSecret: sealSecret(
        store.sealer,
        { tenantId: 'acme', clientId: 'shared', credentialId: 'main' },
        secret,
      ),
    }),
  )
