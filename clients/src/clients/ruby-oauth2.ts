/** ruby-oauth2, as Debian ships it. */

import type { Client } from '../client.ts'
import { ruby } from '../machine-clients.ts'
import { runScript } from '../run-script.ts'
import { tokenEndpoint } from '../token-endpoint.ts'

export const rubyOauth2: Client = {
  name: 'ruby-oauth2',
  language: 'Ruby',
  isPinned: false,
  proofs: ['client_secret_basic', 'client_secret_post', 'tls_client_auth', 'self_signed_tls_client_auth'],
  dpop: false,
  discovery: [],
  refusal: /^OAuth2::Error: invalid_client: /,
  notes: ['It sends id and secret in the header as they are; that is understood.'],
  version: () => ruby().version,
  whyAbsent: () => ruby().problem,
  async token(order) {
    const { proof, clientId, secret, certificate, ca } = order
    const url = await tokenEndpoint(order)
    const [accessToken = ''] = await runScript(
      'ruby',
      'ruby-oauth2-token.rb',
      { proof, url, clientId, secret, certificate, ca },
      { ca, environment: ruby().environment },
    )
    return { accessToken, tokenType: undefined }
  },
}
