/** openid-client: discovery, every standard method, DPoP with nonces. */

import * as openid from 'openid-client'
import { withCertificate } from '../certificate-fetch.ts'
import { type Client, given, type Order, proofs } from '../client.ts'
import { packageVersion } from '../package-version.ts'

function authentication({ proof, secret, key, certificate }: Order): openid.ClientAuth {
  if (key) return openid.PrivateKeyJwt(key.privateKey)
  if (certificate) return openid.TlsClientAuth()
  if (proof === 'client_secret_post') return openid.ClientSecretPost(given(secret, 'secret'))
  if (proof === 'client_secret_jwt') return openid.ClientSecretJwt(given(secret, 'secret'))
  return openid.ClientSecretBasic(given(secret, 'secret'))
}

export const openidClient: Client = {
  name: 'openid-client',
  language: 'JavaScript',
  isPinned: true,
  proofs,
  dpop: true,
  discovery: ['RFC 8414', 'OpenID Connect'],
  refusal: /^WWWAuthenticateChallengeError: .* 401$/,
  notes: [
    'It reports a wrong secret or key as `WWWAuthenticateChallengeError` with `status` 401, for the answer has a challenge.',
    'It names `Ed25519` as the algorithm of its assertions with such a key.',
    'With a certificate it needs `use_mtls_endpoint_aliases` and a `customFetch` that shows it.',
  ],
  version: () => packageVersion('openid-client'),
  token: (order, discovery = 'RFC 8414') =>
    withCertificate(order.certificate, async (fetch) => {
      const config = await openid.discovery(
        new URL(order.issuer),
        order.clientId,
        { use_mtls_endpoint_aliases: order.certificate !== undefined },
        authentication(order),
        {
          algorithm: discovery === 'RFC 8414' ? 'oauth2' : 'oidc',
          ...(fetch && { [openid.customFetch]: fetch as openid.CustomFetch }),
        },
      )
      const DPoP = order.dpop && openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'))
      const answer = await openid.clientCredentialsGrant(config, { scope: 'read' }, DPoP ? { DPoP } : {})
      return { accessToken: answer.access_token, tokenType: answer.token_type }
    }),
}
