/** simple-oauth2: secrets only, no discovery. */

import { ClientCredentials } from 'simple-oauth2'
import { type Client, given } from '../client.ts'
import { packageVersion } from '../package-version.ts'

export const simpleOauth2: Client = {
  name: 'simple-oauth2',
  language: 'JavaScript',
  isPinned: true,
  proofs: ['client_secret_basic', 'client_secret_post'],
  dpop: false,
  discovery: [],
  refusal: /^Error: Response Error: 401 Unauthorized invalid_client$/,
  notes: [
    'It encodes id and secret in the header as RFC 6749 says, or with `credentialsEncodingMode: "loose"` not at all; both are understood.',
    'Its path of the token endpoint is `/oauth/token` unless `tokenPath` says otherwise.',
  ],
  version: () => packageVersion('simple-oauth2'),
  async token({ issuer, clientId, secret, proof }) {
    const client = new ClientCredentials({
      client: { id: clientId, secret: given(secret, 'secret') },
      auth: { tokenHost: issuer, tokenPath: `${new URL(issuer).pathname}/oauth2/token` },
      options: { authorizationMethod: proof === 'client_secret_post' ? 'body' : 'header' },
    })
    const { token } = await client.getToken({ scope: 'read' })
    return { accessToken: String(token.access_token), tokenType: String(token.token_type) }
  },
}
