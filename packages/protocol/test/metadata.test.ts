import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  buildAuthorizationServerMetadata,
  buildOpenIdConfiguration,
  type Capabilities,
} from '../src/index.ts'

const capabilities: Capabilities = {
  endpoints: { token: '/oauth2/token', jwks: '/oauth2/jwks' },
  grantTypes: ['client_credentials'],
  tokenEndpointAuthMethods: ['client_secret_basic', 'client_secret_post'],
  signingAlgorithms: ['ES256'],
}
const issuer = 'https://localhost:8443/nitrobox'

test('RFC 8414 §2: the document names the issuer, the endpoints there are, and what they take', () => {
  assert.deepEqual(buildAuthorizationServerMetadata(capabilities, issuer), {
    issuer,
    token_endpoint: `${issuer}/oauth2/token`,
    jwks_uri: `${issuer}/oauth2/jwks`,
    response_types_supported: [],
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
  })
})

test('RFC 8414 §2: endpoints elsewhere, scopes and assertion algorithms are there if given', () => {
  const metadata = buildAuthorizationServerMetadata(
    {
      ...capabilities,
      endpoints: {
        ...capabilities.endpoints,
        token: 'https://api.example.com/auth/token',
        introspection: '/oauth2/introspect',
      },
      scopes: ['read'],
      tokenEndpointAuthSigningAlgorithms: ['ES256'],
    },
    'https://auth.example.com/',
  )
  assert.equal(metadata.issuer, 'https://auth.example.com/')
  assert.equal(metadata.token_endpoint, 'https://api.example.com/auth/token')
  assert.equal(metadata.introspection_endpoint, 'https://auth.example.com/oauth2/introspect')
  assert.deepEqual(metadata.scopes_supported, ['read'])
  assert.deepEqual(metadata.token_endpoint_auth_signing_alg_values_supported, ['ES256'])
})

test('ID-JAG §7: profiles of grants are there if given', () => {
  const idJag = 'urn:ietf:params:oauth:grant-profile:id-jag'
  const metadata = buildAuthorizationServerMetadata({ ...capabilities, grantProfiles: [idJag] }, issuer)
  assert.deepEqual(metadata.authorization_grant_profiles_supported, [idJag])
})

test('000-04: OpenID Connect discovery has its required members, and no endpoint that does not exist', () => {
  const configuration = buildOpenIdConfiguration(capabilities, issuer)
  assert.deepEqual(configuration.subject_types_supported, ['public'])
  assert.deepEqual(configuration.id_token_signing_alg_values_supported, ['ES256'])
  assert.equal('authorization_endpoint' in configuration, false)
  assert.equal('userinfo_endpoint' in configuration, false)
})
