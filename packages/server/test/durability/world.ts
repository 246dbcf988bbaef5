/** What these tests declare: a tenant of JWTs and one of opaque tokens, and clients that prove themselves with keys. */
import { app, blueprint, type Part, proving, restApi, tenant } from '../oauth/sample.ts'
import { type Key, type Members, makeKey, proof, sign } from '../oauth/signed.ts'
import { issuerOf, type Node, type NodeReply, type Site } from './nodes.ts'

const outsideIssuer = 'https://idp.example'
const jwtBearerGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const jwtBearerAssertion = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const day = { access_token_seconds: 86_400, maximum_access_token_seconds: 86_400 }

export interface World {
  readonly key: Key
  readonly text: string
}

export async function createWorld(): Promise<World> {
  const key = await makeKey()
  const prover = proving('prover', 'private_key_jwt', { public_key: key.publicJwk })
  const broker = app('broker', { grant_types: ['client_credentials', jwtBearerGrant] })
  const api = app('api', { scopes: {}, introspects: ['rest'] })
  const apps = [app('sync'), app('rotating'), prover, broker, api]
  const trusted: Part = {
    issuer: outsideIssuer,
    jwks: { keys: [{ ...key.publicJwk, kid: 'idp' }] },
    accepts: ['assertion'],
    apps: ['broker'],
  }
  const opaque = { ...restApi, token_format: 'opaque' }
  const text = blueprint(
    tenant('acme', apps, { ...day, trusted_issuers: [trusted] }),
    tenant('opaque', [app('sync'), api], { ...day, apis: [opaque] }),
  )
  return { key, text }
}

const now = () => Math.floor(Date.now() / 1000)
let identifiers = 0
const freshId = () => `${process.pid}-${++identifiers}`

/** A request that may succeed once: asked again, whoever brings it is refused. */
export interface Once {
  readonly path: string
  readonly form: Readonly<Record<string, string>>
  readonly basic?: readonly [string, string]
  readonly dpop?: string
}

type MakeOnce = (world: World, site: Site) => Promise<Once>

const path = '/acme/oauth2/token'
const grant = { grant_type: 'client_credentials' }
const claims = (clientId: string): Members => {
  const iat = now()
  return { iss: clientId, sub: clientId, aud: issuerOf('acme'), jti: freshId(), iat, exp: iat + 240 }
}

export const clientAssertion: MakeOnce = async ({ key }) => ({
  path,
  form: {
    ...grant,
    client_assertion_type: jwtBearerAssertion,
    client_assertion: await sign(key, claims('prover')),
  },
})

export const dpopProof: MakeOnce = async ({ key }, site) => ({
  path,
  form: grant,
  basic: site.credential('acme', 'sync'),
  dpop: await proof(key, now(), { jti: freshId(), htu: `https://localhost${path}` }),
})

export const grantAssertion: MakeOnce = async ({ key }, site) => ({
  path,
  form: {
    grant_type: jwtBearerGrant,
    assertion: await sign(key, { ...claims('nobody'), iss: outsideIssuer, sub: 'alice' }, { kid: 'idp' }),
  },
  basic: site.credential('acme', 'broker'),
})

export const ask = (node: Node, { path: to, form, ...more }: Once): Promise<NodeReply> =>
  node.post(to, form, more)

export type TenantId = 'acme' | 'opaque'

export const askToken = (node: Node, site: Site, tenantId: TenantId): Promise<NodeReply> =>
  node.post(`/${tenantId}/oauth2/token`, grant, { basic: site.credential(tenantId, 'sync') })

export const revoke = (node: Node, site: Site, tenantId: TenantId, token: string): Promise<NodeReply> =>
  node.post(`/${tenantId}/oauth2/revoke`, { token }, { basic: site.credential(tenantId, 'sync') })

export const introspect = (node: Node, site: Site, tenantId: TenantId, token: string): Promise<NodeReply> =>
  node.post(`/${tenantId}/oauth2/introspect`, { token }, { basic: site.credential(tenantId, 'api') })
