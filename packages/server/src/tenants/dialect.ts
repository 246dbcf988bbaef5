/** A dialect, compiled: how one tenant's token endpoint differs from the standard. Data, never code. */

import { type CompiledTemplate, compileTemplate, type JsonObject } from '@sallyport/protocol'
import type { SigningKeyRecord } from '../store/signing-keys.ts'
import type { TenantRecord } from '../store/tenants.ts'
import type { DialectSettings } from './settings.ts'
import { claimVariables, headerVariables, responseVariables } from './template-variables.ts'

/** What a request leaned on beyond the standard: counted for each app, so that an end date can be planned. */
export type DialectFeature =
  | 'token_path'
  | 'multipart'
  | 'default_grant_type'
  | 'grant_type_header'
  | 'query_credentials'
  | 'token_type'
  | 'response_members'
  | 'token_header'
  | 'token_claims'

export interface Dialect {
  /** See `Tenant.edition`. */
  readonly edition: number
  readonly deprecatedAt: number | null
  readonly sunsetAt: number | null
  /** A second path of the token endpoint. */
  readonly tokenPath: string | null
  readonly multipart: boolean
  readonly defaultGrantType: string | null
  readonly grantTypeHeader: boolean
  readonly queryCredentials: { readonly clientId: string; readonly clientSecret: string } | null
  readonly tokenType: 'Bearer' | 'bearer'
  readonly responseMembers: CompiledTemplate
  readonly header: CompiledTemplate
  readonly claims: CompiledTemplate
  /** Which claims hold a variable and nothing else, so that a token can be read back. */
  readonly claimNames: ReadonlyMap<string, readonly string[]>
  /** The names of all claims. */
  readonly claimMembers: ReadonlySet<string>
  /** What every answer in this dialect leans on. */
  readonly answerFeatures: readonly DialectFeature[]
}

// RFC 6749 §5.1.
const standardMembers = {
  access_token: '${access_token}',
  token_type: '${token_type}',
  expires_in: '${expires_in}',
  scope: '${scope}',
}

// RFC 9068 §2.1.
const standardHeader = { alg: '${alg}', typ: 'at+jwt', kid: '${kid}' }

// RFC 9068 §2.2, and the two names that revocation by organization or credential looks for.
const standardClaims = {
  iss: '${issuer}',
  sub: '${subject}',
  aud: '${audience}',
  exp: '${exp}',
  iat: '${iat}',
  jti: '${jti}',
  client_id: '${client_id}',
  scope: '${scope}',
  org_id: '${organization.id}',
  cred: '${credential_id}',
}

const midnight = (date: string | undefined): number | null =>
  date === undefined ? null : Date.parse(`${date}T00:00:00Z`) / 1000

function answerFeaturesOf({ response, token }: DialectSettings): DialectFeature[] {
  const features: [DialectFeature, unknown][] = [
    ['token_type', response?.token_type === 'bearer' || undefined],
    ['response_members', response?.members],
    ['token_header', token?.header],
    ['token_claims', token?.claims],
  ]
  return features.flatMap(([feature, present]) => (present === undefined ? [] : [feature]))
}

// The settings come out of JSON, so every value in them is a JSON value.
const compiled = (template: Readonly<Record<string, unknown>>, variables: readonly string[]) =>
  compileTemplate(template as JsonObject, variables)

function claimNamesOf(template: Readonly<Record<string, unknown>>): Dialect['claimNames'] {
  const names = new Map<string, string[]>()
  for (const [name, value] of Object.entries(template)) {
    const variable = typeof value === 'string' ? /^\$\{([^}]+)\}$/.exec(value)?.[1] : undefined
    if (variable !== undefined) names.set(variable, [...(names.get(variable) ?? []), name])
  }
  return names
}

let editions = 0

export function compileDialect(settings: DialectSettings): Dialect {
  const { request = {}, response = {}, token = {} } = settings
  const names = request.query_credentials
  return {
    edition: ++editions,
    deprecatedAt: midnight(settings.deprecated),
    sunsetAt: midnight(settings.sunset),
    tokenPath: request.token_path ?? null,
    multipart: request.multipart ?? false,
    defaultGrantType: request.default_grant_type ?? null,
    grantTypeHeader: request.grant_type_header ?? false,
    queryCredentials: names ? { clientId: names.client_id, clientSecret: names.client_secret } : null,
    tokenType: response.token_type ?? 'Bearer',
    responseMembers: compiled(response.members ?? standardMembers, responseVariables),
    header: compiled(token.header ?? standardHeader, headerVariables),
    claims: compiled(token.claims ?? standardClaims, claimVariables),
    claimNames: claimNamesOf(token.claims ?? standardClaims),
    claimMembers: new Set(Object.keys(token.claims ?? standardClaims)),
    answerFeatures: answerFeaturesOf(settings),
  }
}

export const standardDialect = compileDialect({})

/** RFC 8594 §3: from its end date on, a dialect is gone and the standard answers. */
export const dialectAt = (dialect: Dialect, now: number): Dialect =>
  dialect.sunsetAt !== null && now >= dialect.sunsetAt ? standardDialect : dialect

/** One that a tenant has left. */
export interface FormerDialect {
  readonly dialect: Dialect
  /** Epoch seconds: since then nothing is issued in it. */
  readonly until: number
}

type LeftBehind = Pick<TenantRecord, 'formerDialects'> & {
  readonly signingKeys: readonly Pick<SigningKeyRecord, 'createdAt'>[]
}

/** Those of which tokens may still be good: one of the keys that could have signed them is. The latest first. */
export const compileFormerDialects = ({
  formerDialects,
  signingKeys,
}: LeftBehind): readonly FormerDialect[] =>
  formerDialects
    .filter(({ until }) => signingKeys.some(({ createdAt }) => createdAt <= until))
    // The store holds only what the schema has let in.
    .map(({ token, until }) => ({ dialect: compileDialect({ token } as DialectSettings), until }))

/** What the tokens of a tenant may look like that are about. */
export interface TokenDialects {
  readonly dialect: Dialect
  readonly formerDialects: readonly FormerDialect[]
}

/** Those that the tenant has chosen; then there are the tokens of the standard, which any app may have. */
export const chosenDialects = ({ dialect, formerDialects }: TokenDialects): readonly Dialect[] => [
  dialect,
  ...formerDialects.map((former) => former.dialect),
]

/** Whether each token that is about holds a claim of this variable alone. The standard has those that cut-offs go by. */
export const isNamedInEach = (dialects: TokenDialects, variable: string): boolean =>
  chosenDialects(dialects).every(({ claimNames }) => claimNames.has(variable))
