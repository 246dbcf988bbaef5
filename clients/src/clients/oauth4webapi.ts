/** oauth4webapi: the same author's lower layer, every step by hand. */

import * as oauth from 'oauth4webapi'
import { withCertificate } from '../certificate-fetch.ts'
import { type Client, given, type Order, proofs } from '../client.ts'
import { packageVersion } from '../package-version.ts'

function authentication({ proof, secret, key, certificate }: Order): oauth.ClientAuth {
  if (key) return oauth.PrivateKeyJwt(key.privateKey)
  if (certificate) return oauth.TlsClientAuth()
  if (proof === 'client_secret_post') return oauth.ClientSecretPost(given(secret, 'secret'))
  if (proof === 'client_secret_jwt') return oauth.ClientSecretJwt(given(secret, 'secret'))
  return oauth.ClientSecretBasic(given(secret, 'secret'))
}

async function token(order: Order, algorithm: 'oauth2' | 'oidc', fetch: typeof globalThis.fetch | undefined) {
  const issuer = new URL(order.issuer)
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm }),
  )
  const client: oauth.Client = {
    client_id: order.clientId,
    use_mtls_endpoint_aliases: order.certificate !== undefined,
  }
  const DPoP = order.dpop && oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
  const ask = async () => {
    const parameters = new URLSearchParams({ scope: 'read' })
    const options = { ...(DPoP && { DPoP }), ...(fetch && { [oauth.customFetch]: fetch as never }) }
    const response = await oauth.clientCredentialsGrantRequest(
      server,
      client,
      authentication(order),
      parameters,
      options,
    )
    return oauth.processClientCredentialsResponse(server, client, response)
  }
  return ask().catch((error: unknown) => {
    if (DPoP && oauth.isDPoPNonceError(error)) return ask()
    throw error
  })
}

export const oauth4webapi: Client = {
  name: 'oauth4webapi',
  language: 'JavaScript',
  isPinned: true,
  proofs,
  dpop: true,
  discovery: ['RFC 8414', 'OpenID Connect'],
  refusal: /^WWWAuthenticateChallengeError: .* 401$/,
  notes: [
    'It reports a wrong secret or key as openid-client does, and takes certificates like it.',
    'It leaves the repetition after `use_dpop_nonce` to its caller.',
  ],
  version: () => packageVersion('oauth4webapi'),
  token: (order, discovery = 'RFC 8414') =>
    withCertificate(order.certificate, async (fetch) => {
      const answer = await token(order, discovery === 'RFC 8414' ? 'oauth2' : 'oidc', fetch)
      return { accessToken: answer.access_token, tokenType: answer.token_type }
    }),
}
