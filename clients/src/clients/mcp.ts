/** The MCP SDK's providers for clients that act for themselves, in front of an MCP server that names our tenant. */

import {
  auth,
  ClientCredentialsProvider,
  DpopSession,
  type OAuthClientProvider,
  PrivateKeyJwtProvider,
} from '@modelcontextprotocol/client'
import { type Client, given, keyAlgorithmOf, type Order } from '../client.ts'
import { audience } from '../instance.ts'
import { packageVersion } from '../package-version.ts'

/**
 * RFC 9728: the MCP server says which authorization server it trusts. Everything else goes to the network, and what comes
 * back as metadata gets the member that the SDK demands.
 */
export const beforeMcpServer =
  (issuer: string): typeof fetch =>
  async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    if (url.origin === new URL(audience).origin) return mcpServer(url, issuer)
    const response = await fetch(input, init)
    if (!response.ok || !url.pathname.startsWith('/.well-known/')) return response
    const metadata = (await response.json()) as object
    return Response.json({ ...metadata, authorization_endpoint: `${issuer}/none` })
  }

const mcpServer = ({ pathname }: URL, issuer: string): Response =>
  pathname === '/.well-known/oauth-protected-resource/mcp'
    ? Response.json({ resource: audience, authorization_servers: [issuer] })
    : new Response('', { status: 404 })

function providerFor({ proof, clientId, issuer: expectedIssuer, secret, key }: Order): OAuthClientProvider {
  const algorithm = keyAlgorithmOf(proof)
  const common = { clientId, expectedIssuer, scope: 'read' }
  if (key && algorithm) {
    return new PrivateKeyJwtProvider({ ...common, privateKey: key.privatePem, algorithm })
  }
  if (proof === 'client_secret_jwt') {
    return new PrivateKeyJwtProvider({ ...common, privateKey: given(secret, 'secret'), algorithm: 'HS256' })
  }
  return new ClientCredentialsProvider({ ...common, clientSecret: given(secret, 'secret') })
}

export const mcp: Client = {
  name: '@modelcontextprotocol/client',
  language: 'JavaScript',
  isPinned: true,
  proofs: [
    'client_secret_basic',
    'client_secret_post',
    'client_secret_jwt',
    'private_key_jwt ES256',
    'private_key_jwt PS256',
    'private_key_jwt RS256',
  ],
  dpop: true,
  discovery: ['RFC 8414'],
  refusal: /^OAuthError: Client authentication failed\. invalid_client$/,
  notes: [
    'It refuses metadata without `authorization_endpoint`, which RFC 8414 asks for only with grants that use one; a `fetchFn` that adds any URL there helps.',
    '`ClientCredentialsProvider` takes `client_secret_basic` wherever metadata lists it, so an app with `client_secret_post` alone needs `token_endpoint_auth_method` in its client information.',
    'It asks a second time when it is refused.',
    'It sends `resource`, so the URL of the MCP server is the audience of an API.',
    'It signs with an Ed25519 key only when that is given as a JWK.',
  ],
  version: () => packageVersion('@modelcontextprotocol/client'),
  async token(order) {
    const provider = providerFor(order)
    if (order.dpop) {
      const session = await DpopSession.create({ alg: 'ES256' })
      provider.dpop = () => session
    }
    if (order.proof === 'client_secret_post') {
      const information = await provider.clientInformation()
      provider.clientInformation = () =>
        ({ ...information, token_endpoint_auth_method: 'client_secret_post' }) as never
    }
    await auth(provider, { serverUrl: audience, fetchFn: beforeMcpServer(order.issuer) })
    const tokens = await provider.tokens()
    return { accessToken: given(tokens, 'tokens').access_token, tokenType: tokens?.token_type }
  },
}
