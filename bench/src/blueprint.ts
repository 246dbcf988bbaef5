/** The bench's tenants as a blueprint: one per algorithm, all issuing the token of `claims.ts`, one that reuses tokens, and one whose tokens are opaque. */
import { accessTokenSeconds, audience, extraClaims, issuer, scope } from './claims.ts'
import { type Algorithm, algorithms } from './signers.ts'

/** Each is served at `https://bench.example/{tenant}`. */
export type BenchTenant = Lowercase<Algorithm> | 'reuse' | 'opaque'

export const tenantOf = (algorithm: Algorithm): BenchTenant => algorithm.toLowerCase() as BenchTenant

export const benchTenants: readonly BenchTenant[] = ['es256', 'eddsa', 'rs256', 'ps256', 'reuse', 'opaque']

const benchApi = 'orders'
export const benchPlan = extraClaims.plan
/** What every organization of the bench is called, so that every token has the length of the baselines' tokens. */
export const organizationName = extraClaims.org_name
export const organizationAttributes = { org_id: extraClaims.org_id } as const
export const appSettings = { scopes: { [benchApi]: scope.split(' ') } } as const

/** The API's own app, which asks what a token is. */
export const resourceServerSettings = { introspects: [benchApi] } as const

/** The claims of `tokenClaims`, each read from where an operator would keep it. */
const claims = {
  iss: '${issuer}',
  sub: '${client_id}',
  aud: '${audience}',
  client_id: '${client_id}',
  scope: '${scope}',
  iat: '${iat}',
  exp: '${exp}',
  jti: '${jti}',
  org_id: '${organization.attributes.org_id}',
  org_name: '${organization.name}',
  plan: '${plan.id}',
  environment: '${tenant.environment}',
} as const

function tenantEntry(id: BenchTenant) {
  return {
    id,
    name: `Bench ${id}`,
    environment: extraClaims.environment,
    token_issuer: issuer,
    signing_algorithm: algorithms.find((algorithm) => tenantOf(algorithm) === id) ?? 'ES256',
    access_token_seconds: accessTokenSeconds,
    token_reuse: id === 'reuse',
    dialect: { token: { claims } },
    apis: [
      {
        id: benchApi,
        audience,
        scopes: Object.fromEntries(scope.split(' ').map((name) => [name, name])),
        token_format: id === 'opaque' ? 'opaque' : 'jwt',
      },
    ],
    plans: [{ id: benchPlan, price: 'paid' }],
  }
}

/** YAML by way of JSON, which is YAML. */
export const blueprintText = JSON.stringify({ blueprint: 'bench', tenants: benchTenants.map(tenantEntry) })
