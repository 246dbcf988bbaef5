// What integrators would stumble over: each sentence in the notes of docs/clients.md, held to be true.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OAuth2Client } from '@badgateway/oauth2-client'
import {
  auth,
  ClientCredentialsProvider,
  discoverAuthorizationServerMetadata,
  PrivateKeyJwtProvider,
} from '@modelcontextprotocol/client'
import { JwtVerifier } from 'aws-jwt-verify'
import { exportJWK } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { ClientCredentials, type ModuleOptions } from 'simple-oauth2'
import { authlib, authlibTokens } from '../src/clients/authlib.ts'
import { clients } from '../src/clients/index.ts'
import { beforeMcpServer } from '../src/clients/mcp.ts'
import { audience, imported } from '../src/instance.ts'
import { assertTokenFor, canRun, orderFor, partsOf, refused, running } from './setting.ts'

for (const client of clients) {
  for (const proof of ['client_secret_basic', 'client_secret_post'] as const) {
    test(`clients: ${client.name} is understood with an id and a secret that it may encode (${proof})`, async (t) => {
      if (!canRun(t, client)) return
      const order = { ...orderFor(proof), ...imported }
      assertTokenFor(order, await client.token(order))
    })
  }
}

const tokenUrl = () => new URL(`${running().issuer('acme')}/oauth2/token`)

test('clients: simple-oauth2 is understood when it encodes nothing, and looks elsewhere unless told the path', async () => {
  const client = (auth: ModuleOptions['auth'], credentialsEncodingMode: 'loose' | 'strict') =>
    new ClientCredentials({
      ...{ client: { id: imported.clientId, secret: imported.secret }, auth },
      options: { credentialsEncodingMode },
    })
  const { origin: tokenHost, pathname: tokenPath } = tokenUrl()
  const { token } = await client({ tokenHost, tokenPath }, 'loose').getToken({})
  assert.equal(partsOf(String(token.access_token)).claims.client_id, imported.clientId)
  assert.match(await refused(client({ tokenHost }, 'strict').getToken({})), /404/)
})

test('clients: @badgateway/oauth2-client is understood when it encodes colons alone', async () => {
  const client = new OAuth2Client({
    ...imported,
    clientSecret: imported.secret,
    tokenEndpoint: tokenUrl().href,
  })
  const { accessToken } = await client.clientCredentials()
  assert.equal(partsOf(accessToken).claims.client_id, imported.clientId)
})

test('clients: @badgateway/oauth2-client looks for metadata at the root, and takes the first method there', async () => {
  const { issuer, secret } = running()
  const lost = new OAuth2Client({
    server: issuer('acme'),
    clientId: 'basic',
    clientSecret: secret('acme', 'basic'),
  })
  assert.match(await refused(lost.clientCredentials()), /not_found/)
  const wrongMethod = new OAuth2Client({
    discoveryEndpoint: `${new URL(issuer('acme')).origin}/.well-known/oauth-authorization-server/acme`,
    server: issuer('acme'),
    clientId: 'post',
    clientSecret: secret('acme', 'post'),
  })
  assert.match(await refused(wrongMethod.clientCredentials()), /invalid_client/)
})

test('clients: the MCP SDK refuses metadata without authorization_endpoint', async () => {
  const report = await refused(discoverAuthorizationServerMetadata(running().issuer('acme')))
  assert.match(report, /authorization_endpoint/)
})

const mcpFlow = () => ({ serverUrl: audience, fetchFn: beforeMcpServer(running().issuer('acme')) })

test('clients: the MCP SDK takes client_secret_basic wherever metadata lists it', async () => {
  const { issuer, secret } = running()
  const provider = new ClientCredentialsProvider({
    ...{ clientId: 'post', clientSecret: secret('acme', 'post'), expectedIssuer: issuer('acme') },
  })
  assert.match(await refused(auth(provider, mcpFlow())), /invalid_client/)
})

test('clients: the MCP SDK signs with an Ed25519 key as a JWK and not as PEM', async () => {
  const { issuer, material } = running()
  const { privateKey, privatePem } = material.keys.EdDSA
  const provider = (key: string | Record<string, unknown>) =>
    new PrivateKeyJwtProvider({
      ...{ clientId: 'key-eddsa', algorithm: 'EdDSA', expectedIssuer: issuer('acme'), scope: 'read' },
      privateKey: key,
    })
  assert.match(await refused(auth(provider(privatePem), mcpFlow())), /Unsupported algorithm EdDSA/)
  const asJwk = provider({ ...(await exportJWK(privateKey)) })
  assert.equal(await auth(asJwk, mcpFlow()), 'AUTHORIZED')
  assert.equal(partsOf(asJwk.tokens()?.access_token ?? '').claims.client_id, 'key-eddsa')
})

test('clients: the MCP SDK sends the URL of the MCP server as resource, and asks twice when it is refused', async () => {
  const { issuer, secret } = running()
  const bodies: string[] = []
  const { serverUrl, fetchFn } = mcpFlow()
  const watched: typeof fetch = (input, init) => {
    if (init?.method === 'POST') bodies.push(String(init.body))
    return fetchFn(input, init)
  }
  const clientSecret = secret('signs-ps256', 'basic')
  const provider = new ClientCredentialsProvider({
    ...{ clientId: 'imported-not', clientSecret, expectedIssuer: issuer('acme') },
  })
  await refused(auth(provider, { serverUrl, fetchFn: watched }))
  assert.equal(bodies.length, 2)
  assert.equal(new URLSearchParams(bodies[0]).get('resource'), audience)
})

test('clients: openid-client names Ed25519 as the algorithm of an Ed25519 key', async () => {
  const order = orderFor('private_key_jwt EdDSA')
  const bodies: URLSearchParams[] = []
  const fetchAndKeep: openid.CustomFetch = (url, options) => {
    if (options.body instanceof URLSearchParams) bodies.push(options.body)
    return fetch(url, options as RequestInit)
  }
  const config = await openid.discovery(
    new URL(order.issuer),
    order.clientId,
    undefined,
    openid.PrivateKeyJwt(order.key?.privateKey ?? assert.fail('no key')),
    { [openid.customFetch]: fetchAndKeep },
  )
  await openid.clientCredentialsGrant(config)
  const assertion = bodies[0]?.get('client_assertion') ?? assert.fail('no assertion')
  assert.equal(partsOf(assertion).header.alg, 'Ed25519')
})

test('clients: oauth4webapi leaves the repetition after use_dpop_nonce to its caller', async () => {
  const { issuer, clientId, secret = '' } = orderFor('client_secret_basic', { tenant: 'bound' })
  const server = { issuer, token_endpoint: `${issuer}/oauth2/token` }
  const client = { client_id: clientId }
  const DPoP = oauth.DPoP({}, await oauth.generateKeyPair('ES256'))
  const ask = async () => {
    const authentication = oauth.ClientSecretBasic(secret)
    const sent = oauth.clientCredentialsGrantRequest(server, client, authentication, {}, { DPoP })
    return oauth.processClientCredentialsResponse(server, client, await sent)
  }
  await assert.rejects(ask(), oauth.isDPoPNonceError)
  assert.equal((await ask()).token_type, 'dpop')
})

test('clients: Authlib is refused with its own audience and lifetime, and with claims that it has used before', async (t) => {
  if (!canRun(t, authlib)) return
  const orderAt = (tenant: string) => orderFor('private_key_jwt ES256', { tenant })
  assert.match(await refused(authlibTokens(orderAt('acme'), 'documented')), authlib.refusal)
  assert.match(await refused(authlibTokens(orderAt('lenient'), 'documented')), authlib.refusal)
  assert.match(await refused(authlibTokens(orderAt('acme'), 'adjusted once', 2)), authlib.refusal)
  assert.equal((await authlibTokens(orderAt('acme'), 'adjusted', 2)).length, 2)
})

test('clients: aws-jwt-verify needs jwksUri', async () => {
  const issuer = running().issuer('acme')
  const token = running().expiredToken('ES256')
  const report = await refused(JwtVerifier.create({ issuer, audience }).verify(token))
  assert.match(report, /\.well-known\/jwks\.json/)
})
