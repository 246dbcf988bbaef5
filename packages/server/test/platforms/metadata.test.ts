// Metadata and key sets of the five platforms, at every well-known form, by path and by host.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calculateJwkThumbprint } from 'jose'
import { blueprintOf, type PlatformName, platformNames, sharedServer } from './platforms.ts'

const server = sharedServer(platformNames.map(blueprintOf))

const hosts: Partial<Record<PlatformName, string>> = {
  nxtsoft: 'auth.nxtsoft.localhost:8443',
  token: 'api.token.localhost:8443',
  tokenos: 'tokenos.localhost:8443',
}
const documents = ['oauth-authorization-server', 'openid-configuration'] as const

for (const name of platformNames) {
  test(`RFC 8414 §3, trust 115: ${name} has its metadata under its path, inserted and appended, and nowhere near it`, async () => {
    for (const document of documents) {
      const inserted = await server().request({ url: `/.well-known/${document}/${name}` })
      const appended = await server().request({ url: `/${name}/.well-known/${document}` })
      assert.equal(inserted.status, 200)
      assert.equal(inserted.json.issuer, `https://localhost:8443/${name}`)
      assert.equal(inserted.json.jwks_uri, `https://localhost:8443/${name}/oauth2/jwks`)
      assert.deepEqual(appended, inserted)
      for (const url of [
        `/.well-known/${document}/${name}/`,
        `/${name}/.well-known/${document}/`,
        `/${name}/.well-known/${document}/${name}`,
        `/.well-known/${document}`,
        `/${name}//.well-known/${document}`,
        `/${name}/..%2f.well-known/${document}`,
      ]) {
        assert.equal((await server().request({ url })).status, 404, url)
      }
    }
  })

  const host = hosts[name]
  if (host === undefined) continue
  test(`RFC 8414 §3: ${name} has its metadata under its host, and no other tenant has`, async () => {
    for (const document of documents) {
      const reply = await server().request({ host, url: `/.well-known/${document}` })
      assert.equal(reply.json.issuer, `https://${host}`)
      assert.equal(reply.json.token_endpoint, `https://${host}/oauth2/token`)
      assert.equal(reply.json.jwks_uri, `https://${host}/oauth2/jwks`)
      for (const other of platformNames) {
        const url = `/.well-known/${document}/${other}`
        assert.equal((await server().request({ host, url })).status, 404, url)
      }
    }
  })
}

test('OIDC Discovery §3: the required members are there, and no endpoint that does not exist is named', async () => {
  for (const name of platformNames) {
    const { json } = await server().request({ url: `/${name}/.well-known/openid-configuration` })
    assert.deepEqual(Object.keys(json), [
      'issuer',
      'token_endpoint',
      'jwks_uri',
      'introspection_endpoint',
      'revocation_endpoint',
      'scopes_supported',
      'response_types_supported',
      'grant_types_supported',
      ...['token', 'introspection', 'revocation'].flatMap((name) => [
        `${name}_endpoint_auth_methods_supported`,
        `${name}_endpoint_auth_signing_alg_values_supported`,
      ]),
      'introspection_signing_alg_values_supported',
      'dpop_signing_alg_values_supported',
      'subject_types_supported',
      'id_token_signing_alg_values_supported',
    ])
    assert.deepEqual(json.grant_types_supported, ['client_credentials'])
    assert.deepEqual(json.response_types_supported, [])
  }
})

test('RFC 7517 §4, trust 118: each key set holds one public key with alg, use and a kid of the form that its tenant asks for', async () => {
  const kids = new Set<string>()
  const expected = {
    nanotrust: 'ES256',
    nxtsoft: 'RS256',
    nitrobox: 'ES256',
    token: 'RS256',
    tokenos: 'ES256',
  }
  for (const name of platformNames) {
    const { json } = await server().request({ url: `/${name}/oauth2/jwks` })
    assert.equal(json.keys.length, 1)
    const [jwk] = json.keys
    const members = jwk.kty === 'RSA' ? ['n', 'e'] : ['crv', 'x', 'y']
    assert.deepEqual(Object.keys(jwk), ['kty', 'kid', 'use', 'alg', ...members])
    assert.deepEqual([jwk.use, jwk.alg], ['sig', expected[name]])
    assert.match(jwk.kid, name === 'nxtsoft' ? /^[A-Za-z0-9+/]{43}=$/ : /^[\w-]{43}$/)
    kids.add(jwk.kid)
  }
  assert.equal(kids.size, platformNames.length)
})

test('RFC 7638 §3: the id of a key is its thumbprint, in base64 with padding where the platform writes it so', async () => {
  for (const name of platformNames) {
    const { json } = await server().request({ url: `/${name}/oauth2/jwks` })
    const [jwk] = json.keys
    const thumbprint = Buffer.from(await calculateJwkThumbprint(jwk, 'sha256'), 'base64url')
    assert.equal(jwk.kid, thumbprint.toString(name === 'nxtsoft' ? 'base64' : 'base64url'), name)
  }
})

test('001-09: the key set is the same by path and by host', async () => {
  for (const [name, host] of Object.entries(hosts)) {
    const byPath = await server().request({ url: `/${name}/oauth2/jwks` })
    assert.deepEqual(await server().request({ host, url: '/oauth2/jwks' }), byPath)
  }
})
