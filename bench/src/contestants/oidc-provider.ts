/** Peer: oidc-provider issuing the same JWT access token to one client_secret_basic client, its own in-memory adapter, no debugging; `oidc-provider.ts ES256`. */
import { Provider } from 'oidc-provider'
import { accessTokenSeconds, audience, extraClaims, issuer, scope } from '../claims.ts'
import { generatePrivateKey, isAlgorithm } from '../signers.ts'
import { serve } from './serve.ts'

const [, , algorithm, clientId, clientSecret, proof, publicJwk = ''] = process.argv
if (!isAlgorithm(algorithm)) throw new Error(`unknown algorithm ${algorithm}`)

const jwk = generatePrivateKey(algorithm).export({ format: 'jwk' })
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: clientId,
      ...(proof !== 'assertion' && { client_secret: clientSecret }),
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      ...(proof === 'assertion'
        ? { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [JSON.parse(publicJwk)] } }
        : { token_endpoint_auth_method: 'client_secret_basic' }),
      id_token_signed_response_alg: algorithm,
    },
  ],
  clientDefaults: { id_token_signed_response_alg: algorithm },
  jwks: { keys: [{ ...jwk, alg: algorithm, use: 'sig', kid: 'bench-key-1' }] },
  enabledJWA: { idTokenSigningAlgValues: [algorithm] },
  scopes: scope.split(' '),
  ttl: { ClientCredentials: accessTokenSeconds },
  extraTokenClaims: () => extraClaims,
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    dPoP: { enabled: proof === 'dpop' },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      getResourceServerInfo: () => ({
        audience,
        scope,
        accessTokenTTL: accessTokenSeconds,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: algorithm } },
      }),
    },
  },
})
// The same trust in the proxy in front that our server is given: the load says X-Forwarded-Proto: https.
provider.proxy = true

serve(provider.callback())
