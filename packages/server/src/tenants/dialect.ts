/** A dialect, compiled: how one tenant's token endpoint differs from the standard. Data, never code. */

import { type CompiledTemplate, compileTemplate, type JsonObject } from '@sallyport/protocol'
import type { SigningKeyRecord } from '../store/signing-keys.ts'
import type { ApiRecord, TenantRecord } from '../store/tenants.ts'
import type { ApiSettings, DialectSettings } from './settings.ts'
import { certainVariables, claimVariables, headerVariables, responseVariables } from './template-variables.ts'

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
  /** Those that each token has: what has no value is left out. */
  readonly certainMembers: ReadonlySet<string>
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

function certainMembersOf(template: Readonly<Record<string, unknown>>): ReadonlySet<string> {
  const isCertain = (value: unknown) =>
    typeof value !== 'string' ||
    compiled({ value }, claimVariables).variables.every((variable) => certainVariables.has(variable))
  return new Set(Object.entries(template).flatMap(([name, value]) => (isCertain(value) ? [name] : [])))
}

let editions = 0

export function compileDialect(settings: DialectSettings): Dialect {
  const { request = {}, response = {}, token = {} } = settings
  const names = request.query_credentials
  const claims = token.claims ?? standardClaims
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
    claims: compiled(claims, claimVariables),
    claimNames: claimNamesOf(claims),
    claimMembers: new Set(Object.keys(claims)),
    certainMembers: certainMembersOf(claims),
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
  /** Epoch seconds: since then nothing is issued in it, but by nodes that have yet to hear of the change. */
  readonly until: number
}

const isOpaque = ({ settings }: ApiRecord) => (settings as ApiSettings).token_format === 'opaque'

type LeftBehind = Pick<TenantRecord, 'formerDialects' | 'apis'> & {
  readonly signingKeys: readonly Pick<SigningKeyRecord, 'createdAt'>[]
}

/**
 * Those of which tokens may still be good, the latest first: one of the keys that could have signed them is, or they are
 * opaque, and no key has.
 */
export const compileFormerDialects = ({
  formerDialects,
  signingKeys,
  apis,
}: LeftBehind): readonly FormerDialect[] =>
  formerDialects
    .filter(({ until }) => apis.some(isOpaque) || signingKeys.some(({ createdAt }) => createdAt <= until))
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
