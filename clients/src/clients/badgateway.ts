/** @badgateway/oauth2-client: secrets only. */

import { OAuth2Client } from '@badgateway/oauth2-client'
import { type Client, given } from '../client.ts'
import { packageVersion } from '../package-version.ts'

export const badgateway: Client = {
  name: '@badgateway/oauth2-client',
  language: 'JavaScript',
  isPinned: true,
  proofs: ['client_secret_basic', 'client_secret_post'],
  dpop: false,
  discovery: ['RFC 8414'],
  refusal: /^Error: OAuth2 error invalid_client\./,
  notes: [
    'It looks for metadata at the root of `server`, so a tenant with a path needs `discoveryEndpoint`.',
    'It takes the first method in the metadata that it knows, so an app with `client_secret_post` alone needs `authenticationMethod`.',
    'Without metadata it encodes only colons in the header; that is understood.',
    'It hides `token_type`.',
  ],
  version: () => packageVersion('@badgateway/oauth2-client'),
  async token({ issuer, clientId, secret, proof }) {
    const { origin, pathname } = new URL(issuer)
    const client = new OAuth2Client({
      server: origin,
      discoveryEndpoint: `/.well-known/oauth-authorization-server${pathname}`,
      clientId,
      clientSecret: given(secret, 'secret'),
      ...(proof === 'client_secret_post' && { authenticationMethod: proof }),
    })
    const { accessToken } = await client.clientCredentials({ scope: ['read'] })
    return { accessToken, tokenType: undefined }
  },
}
