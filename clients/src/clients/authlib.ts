/** Authlib's session for requests, in a Python of its own where the machine has none with it. */

import { type Client, keyAlgorithmOf, type Order } from '../client.ts'
import { authlibPython } from '../machine-clients.ts'
import { runScript } from '../run-script.ts'
import { tokenEndpoint } from '../token-endpoint.ts'

/** Where the assertion comes from: as its documents show it, or with what this server asks for. */
export type Assertion = 'documented' | 'adjusted' | 'adjusted once'

export async function authlibTokens(order: Order, assertion: Assertion, count = 1): Promise<string[]> {
  const { proof, issuer, clientId, secret, key, certificate, folder, ca } = order
  const url = await tokenEndpoint(order)
  return runScript(
    'python3',
    'authlib-token.py',
    {
      ...{ proof, issuer, url, clientId, secret, certificate, assertion, count, folder },
      ...(key && { key: key.privatePem, algorithm: keyAlgorithmOf(proof) }),
    },
    { ca, environment: { ...authlibPython().environment, REQUESTS_CA_BUNDLE: ca } },
  )
}

export const authlib: Client = {
  name: 'Authlib',
  language: 'Python',
  isPinned: false,
  proofs: [
    'client_secret_basic',
    'client_secret_post',
    'client_secret_jwt',
    'private_key_jwt ES256',
    'private_key_jwt EdDSA',
    'private_key_jwt PS256',
    'private_key_jwt RS256',
    'tls_client_auth',
    'self_signed_tls_client_auth',
  ],
  dpop: false,
  discovery: [],
  refusal: /^OAuthError: invalid_client/,
  notes: [
    'Its assertions live for an hour, so `PrivateKeyJWT` and `ClientSecretJWT` need `claims` with an `exp` of at most five minutes, and the issuer in place of the token endpoint.',
    'It keeps the `jti` of its first assertion in `claims`, so they are made anew for each token.',
    'It sends id and secret in the header as they are; that is understood.',
    'For certificates it is set to `none`, and the session gets them as `cert`.',
  ],
  version: () => authlibPython().version,
  whyAbsent: () => authlibPython().problem,
  async token(order) {
    const [accessToken = ''] = await authlibTokens(order, 'adjusted')
    return { accessToken, tokenType: undefined }
  },
}
