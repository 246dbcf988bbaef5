/** Exchanging tokens and bringing assertions: a tenant where a broker may, and what it sends. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import {
  type Doubles,
  oneStore,
  type StoreSuite,
  startTestServer,
  type TestReply,
  type TestRequest,
  type TestServer,
} from '../harness.ts'
import { assertError, assertToken, freshAddress } from './answers.ts'
import { resourceServer, tokenOf } from './ends.ts'
import { app, blueprint, organization, type Part, restApi, tenant } from './sample.ts'
import { freshId, type Key, type Members, makeKey, sign } from './signed.ts'

export const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
export const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
export const jwtType = 'urn:ietf:params:oauth:token-type:jwt'

export const idp = 'https://idp.example'
export const rest = 'https://api.acme.example'
export const files = 'https://files.acme.example'

export const filesApi: Part = { id: 'files', audience: files, scopes: { list: 'List', get: 'Get' } }
export const vaultApi: Part = {
  id: 'vault',
  audience: 'vault',
  scopes: { open: 'Open' },
  token_format: 'opaque',
}

export const grantTypes = ['client_credentials', tokenExchange, jwtBearer]
const granted = { rest: ['read', 'write'], files: ['list', 'get'], vault: ['open'] }

/** What a test changes of the tenant. */
export interface Changes {
  readonly tenant?: Part
  readonly broker?: Part
  readonly policy?: Part
  readonly sync?: Part
  readonly customer?: Part
  readonly provider?: Part
  readonly trusted?: Part
  readonly alsoTrusted?: readonly Part[]
  readonly apps?: readonly Part[]
}

export function exchangeTenant(key: Key, changes: Changes = {}): Part {
  const policy = { subjects: ['sync'], targets: ['files', 'vault'], ...changes.policy }
  const broker = app('broker', {
    client_id: 'broker',
    grant_types: grantTypes,
    scopes: granted,
    default_api: 'rest',
    token_exchange: policy,
    ...changes.broker,
  })
  const relay = app('relay', {
    client_id: 'relay',
    grant_types: grantTypes,
    scopes: granted,
    default_api: 'rest',
    token_exchange: { subjects: ['sync', 'broker'], targets: ['files'] },
  })
  const api = app('api', { scopes: {}, introspects: ['rest', 'files', 'vault'] })
  return tenant('acme', [], {
    apis: [restApi, filesApi, vaultApi],
    token_exchange: true,
    trusted_issuers: [
      {
        issuer: idp,
        jwks: { keys: [{ ...key.publicJwk, kid: 'idp' }] },
        accepts: ['assertion', 'id_jag', 'subject_token'],
        apps: ['broker', 'relay'],
        ...changes.trusted,
      },
      ...(changes.alsoTrusted ?? []),
    ],
    organizations: [
      organization(
        'customer',
        [app('sync', { client_id: 'sync', ...changes.sync }), app('other')],
        changes.customer,
      ),
      organization('provider', [broker, relay, api, ...(changes.apps ?? [])], changes.provider),
    ],
    ...changes.tenant,
  })
}

export interface Exchange {
  readonly server: TestServer
  readonly key: Key
  /** A token of the app named, by its own credentials. */
  of(appId: string, credentialId?: string): Promise<string>
  /** As the broker, unless `more` says otherwise. */
  exchange(subject: string, form?: Form, more?: More): Promise<TestReply>
  bear(assertion: string, form?: Form, more?: More): Promise<TestReply>
  /** A good assertion of the outside issuer but for what the test changes; `undefined` leaves a claim out. */
  claims(changes?: Members): Members
  assertion(changes?: Members, header?: Members, by?: Key): Promise<string>
  idJag(changes?: Members, header?: Members, by?: Key): Promise<string>
}

export type Form = Readonly<Record<string, string>>
export type More = Omit<TestRequest, 'url' | 'body'>

const without = (form: Form): Form =>
  Object.fromEntries(Object.entries(form).filter(([, value]) => value !== '-'))

export async function startExchange(
  t: TestContext,
  changes: Changes = {},
  suite: StoreSuite = oneStore,
  doubles: Doubles = {},
): Promise<Exchange> {
  const key = await makeKey()
  const text = blueprint(
    exchangeTenant(key, changes),
    tenant('elsewhere', [app('sync', { client_id: 'sync' }), resourceServer]),
  )
  const server = await startTestServer(t, suite, text, {}, doubles)
  const send = (body: Form, more: More) =>
    server.token('acme', {
      body: without(body),
      clientAddress: freshAddress(),
      basic: server.credential('acme', 'broker'),
      ...more,
    })
  const claims = (more: Members = {}): Members => {
    const now = server.clock()
    const aud = 'https://localhost:8443/acme'
    const all = { iss: idp, sub: 'alice', aud, jti: freshId(), iat: now, exp: now + 300, ...more }
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  }
  return {
    server,
    key,
    claims,
    of: (appId, credentialId) => tokenOf(server, appId, 'acme', credentialId),
    exchange: (subject, form = {}, more = {}) =>
      send(
        { grant_type: tokenExchange, subject_token: subject, subject_token_type: accessTokenType, ...form },
        more,
      ),
    bear: (assertion, form = {}, more = {}) => send({ grant_type: jwtBearer, assertion, ...form }, more),
    assertion: (more = {}, header = {}, by = key) => sign(by, claims(more), { kid: 'idp', ...header }),
    idJag: (more = {}, header = {}, by = key) =>
      sign(by, claims({ client_id: 'broker', resource: rest, scope: 'read', ...more }), {
        kid: 'idp',
        typ: 'oauth-id-jag+jwt',
        ...header,
      }),
  }
}

/** The URL the tenant `acme` is served under by a host of its own, and a request that comes by it. */
export const ownHost = 'https://auth.acme.example:8443'
export const atOwnHost = (server: TestServer, body: Form, appId = 'broker') =>
  server.request({
    ...{ method: 'POST', url: '/oauth2/token', host: new URL(ownHost).host, body },
    basic: server.credential('acme', appId),
    clientAddress: freshAddress(),
  })

/** RFC 8693 §2.2.1. */
export function assertExchanged(reply: TestReply, type = accessTokenType): string {
  const token = assertToken(reply)
  assert.equal(reply.json.issued_token_type, type)
  return token
}

export const assertRefusedToken = (reply: TestReply) => {
  assertError(reply, 'invalid_request')
  assert.match(reply.json.error_description, /^The (subject|actor) token is not valid here/)
}
