/** A blueprint with every setting that the schema knows, and the schema's settings as a list, to hold one against the other. */

import { readFileSync } from 'node:fs'
import { grantTypes } from '../../src/apps/settings.ts'
import { readAuthorityText } from '../../src/blueprint/certificates.ts'

const partnerCa = readFileSync(
  new URL('../../../../docs/examples/keys/partner-ca.pem', import.meta.url),
  'utf8',
)
// In the form in which it is kept.
const authorities = readAuthorityText(partnerCa) as readonly string[]

const ed25519 = { kty: 'OKP', crv: 'Ed25519', x: 'gg3Yqwe-_Sd-VvGhlfL6PI2Yz-MfXCoZpbXIZ3UGwAU' }

const dialect = {
  deprecated: '2027-01-01',
  sunset: '2028-01-01',
  request: {
    token_path: '/auth/token',
    multipart: true,
    default_grant_type: 'client_credentials',
    grant_type_header: true,
    query_credentials: { client_id: 'key', client_secret: 'secret' },
  },
  response: {
    token_type: 'bearer',
    members: { token_type: '${token_type}', access_token: '${access_token}', version: 2, on: ['yes', null] },
  },
  token: {
    header: { kid: '${kid}', alg: '${alg}' },
    claims: {
      sub: '${client_id}',
      exp: '${exp}',
      iss: '${issuer}',
      owner: { b: 1, a: '${organization.id}' },
    },
  },
}

const trustedIssuers = [
  {
    issuer: 'https://idp.example',
    jwks_uri: 'https://idp.example/keys',
    algorithms: ['ES256'],
    accepts: ['assertion', 'subject_token'],
    subject: 'agent-*',
    claims: { team: ['a', 'b'], zone: 'eu' },
    subject_token_audience: 'wide',
    apps: ['*'],
    scopes: { orders: ['orders:read'] },
    maximum_assertion_seconds: 300,
    maximum_access_token_seconds: 600,
  },
  { issuer: 'https://other.example', jwks: { keys: [{ ...ed25519, kid: 'one' }] }, apps: ['service'] },
]

const credentials = [
  { id: 'key', public_key: { ...ed25519, kid: 'key-1' }, expires_at: '2027-06-30' },
  { id: 'mark', certificate: { sha256: 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg' } },
  { id: 'name-dn', certificate: { subject_dn: 'CN=app,O=Example' } },
  { id: 'name-dns', certificate: { san_dns: 'app.example' } },
  { id: 'name-email', certificate: { san_email: 'app@app.example' } },
  { id: 'name-ip', certificate: { san_ip: '192.0.2.1' } },
  { id: 'name-uri', certificate: { san_uri: 'spiffe://example/app' } },
  { id: 'old', secret: 'generated', expires_at: '2027-06-30T13:05:09Z' },
  { id: 'published', jwks_uri: 'https://app.example/jwks' },
  {
    id: 'workload',
    federation: {
      preset: 'gitlab',
      issuer: 'https://gitlab.example',
      jwks_uri: 'https://gitlab.example/keys',
      audience: 'wide',
      subject: 'project_path:a/b:*',
      claims: { environment: ['live', 'yes'], ref: 'main' },
    },
  },
]

const service = {
  id: 'service',
  name: 'Service: "quoted", # and\nbroken\u2028\u202e in two',
  client_id: 'service-01',
  grant_types: [...grantTypes],
  client_authentication: [
    ...['client_secret_basic', 'private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'],
    'federation',
  ],
  scopes: { orders: ['orders:read', 'invoices:*'], reports: ['reports:read'] },
  default_api: 'orders',
  default_scopes: ['orders:read'],
  access_token_seconds: 1200,
  introspects: ['orders'],
  token_reuse: false,
  token_type: 'Bearer',
  assertion_algorithms: ['EdDSA'],
  sender_constraint: 'none',
  dialect: 'standard',
  token_exchange: { subjects: ['*'], targets: ['reports'], mode: 'delegation', actors: ['plain'] },
  limits: [{ api: 'orders', endpoint: 'GET /orders/{order}', requests: 50, window_seconds: 60 }],
  attributes: { region: 'eu', list: ['a', 1, true, null, { deep: [[]] }], no: 'no', ratio: 0.1, empty: {} },
  credentials,
}

const tenant = {
  id: 'wide',
  name: 'null',
  environment: 'test',
  hosts: ['a.wide.example', 'b.wide.example'],
  token_issuer: 'https://wide.example',
  signing_algorithm: 'RS256',
  key_rotation_days: 30,
  key_id: 'base64',
  access_token_seconds: 900,
  minimum_access_token_seconds: 60,
  maximum_access_token_seconds: 3600,
  token_reuse: true,
  outage_grace_seconds: 0,
  secret_expiry_warning_days: 14,
  client_id: { length: 32, alphabet: 'alphanumeric' },
  dialect,
  token_exchange: true,
  trusted_issuers: trustedIssuers,
  pair: 'wide-live',
  security: 'standard',
  assertion_algorithms: ['EdDSA', 'RS256'],
  assertion_audience: 'issuer_or_token_endpoint',
  sender_constraint: 'none',
  dpop_nonce: 'off',
  exposed_secrets: 'flag',
  certificate_authorities: authorities,
  apis: [
    {
      id: 'orders',
      audience: 'https://api.wide.example/orders',
      name: 'Orders',
      resources: ['https://orders.wide.example/v1', 'https://orders.wide.example/v2?x=%20'],
      scopes: { 'orders:write': 'Write', 'orders:read': 'Read', 'invoices:*': '' },
      token_format: 'opaque',
      access_token_seconds: 600,
      sender_constraint: 'none',
      endpoints: [
        {
          ...{ method: 'GET', path: '/orders/{order}', scope: 'orders:read' },
          limit: { requests: 600, window_seconds: 60 },
        },
      ],
    },
    {
      id: 'reports',
      audience: 'reports',
      scopes: { 'reports:read': 'Read' },
      token_format: 'jwt',
      signing_algorithm: 'HS512',
    },
  ],
  plans: [
    {
      id: 'trial',
      name: 'Trial',
      price: 'free',
      approval: true,
      scopes: { orders: ['orders:read'] },
      access_token_seconds: 300,
      limits: [
        { api: 'orders', endpoint: 'GET /orders/{order}', requests: 10, window_seconds: 60 },
        { requests: 100, window_seconds: 3600 },
      ],
    },
  ],
  organizations: [
    {
      id: 'customer',
      name: 'Customer',
      plan: 'trial',
      attributes: { uid: 4711 },
      apps: [{ id: 'plain', name: 'Plain', client_id: 'plain-01' }, service],
    },
  ],
}

/** In the order in which an export says it. */
export const wide = {
  blueprint: 'wide',
  tenants: [tenant, { id: 'wide-live', name: 'Live', environment: 'live', pair: 'wide' }],
}

interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>
  readonly items?: Shape
  readonly anyOf?: readonly Shape[]
}

/** Every setting of a schema under its dotted path; lists and choices add nothing to it. */
export function settingsOf({ properties = {}, items, anyOf = [] }: Shape, at = ''): string[] {
  const own = Object.entries(properties).flatMap(([name, shape]) => [
    `${at}${name}`,
    ...settingsOf(shape, `${at}${name}.`),
  ])
  const inner = [...(items ? [items] : []), ...anyOf].flatMap((shape) => settingsOf(shape, at))
  return [...new Set([...own, ...inner])]
}

/** Those of them that a value has. */
export function settingsIn(value: unknown, at = ''): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap((item) => settingsIn(item, at)))]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) => [
    `${at}${name}`,
    ...settingsIn(member, `${at}${name}.`),
  ])
}
