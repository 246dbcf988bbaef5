/** What a tenant, an API, a plan and an organization can be set to: one schema each, for blueprints and the store. */

import { signatureAlgorithms } from '@sallyport/protocol'
import { type Static, Type } from 'typebox'
import { FederationRule } from '../federation/rule.ts'
import type { PublishedAlgorithm } from '../keys/signer.ts'
import { SecuritySettings, SenderConstraint } from './security-settings.ts'

const closed = { additionalProperties: false } as const

const identifierPattern = '^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$'
const scopePattern = '^[\\x21\\x23-\\x5B\\x5D-\\x7E]{1,200}$'

/** A short name that stands in URLs and files. */
export const Identifier = Type.String({
  pattern: identifierPattern,
  description: 'lower-case letters, digits and inner hyphens, 1 to 64 characters',
})

/** RFC 6749 §3.3: one scope token. */
export const ScopeToken = Type.String({
  pattern: scopePattern,
  description: 'a scope: printable characters without blanks, quotes or backslashes',
})

/** Ids of apps; a `*` stands for every app of the tenant. */
export const AppIds = Type.Array(
  Type.String({
    pattern: `^(?:\\*|${identifierPattern.slice(1, -1)})$`,
    description: 'the id of an app, or * for every app of the tenant',
  }),
  { minItems: 1, description: 'a list of app ids, or [*] for every app of the tenant' },
)

const PositiveSeconds = Type.Integer({
  minimum: 1,
  maximum: 31_536_000,
  description: 'whole seconds, 1 to 31536000',
})

const signingAlgorithms = ['ES256', 'RS256', 'PS256', 'EdDSA'] as const satisfies PublishedAlgorithm[]

const Template = Type.Record(Type.String(), Type.Unknown(), {
  description: 'a map of members; a value may be a literal or a ${variable}',
})

/** An ISO date, midnight UTC. */
const DateText = Type.String({
  pattern: '^\\d{4}-\\d{2}-\\d{2}$',
  description: 'a date such as 2027-06-30',
})

/** How the token endpoint differs from the standard on the wire. Everything is off unless it is named here. */
export const DialectSettings = Type.Object(
  {
    /** RFC 9745: since when the dialect is deprecated. */
    deprecated: Type.Optional(DateText),
    /** RFC 8594: from this day the tenant answers as the standard says. */
    sunset: Type.Optional(DateText),
    request: Type.Optional(
      Type.Object(
        {
          /** A second path of the token endpoint, under the issuer. */
          token_path: Type.Optional(
            Type.String({ pattern: '^(?:/[a-z0-9_-]+){1,4}$', description: 'a path such as /auth/token' }),
          ),
          multipart: Type.Optional(Type.Boolean()),
          default_grant_type: Type.Optional(Type.Literal('client_credentials')),
          grant_type_header: Type.Optional(Type.Boolean()),
          /** Names of the query parameters that carry the client id and secret. */
          query_credentials: Type.Optional(
            Type.Object(
              { client_id: Type.String({ minLength: 1 }), client_secret: Type.String({ minLength: 1 }) },
              closed,
            ),
          ),
        },
        closed,
      ),
    ),
    response: Type.Optional(
      Type.Object(
        {
          token_type: Type.Optional(Type.Union([Type.Literal('Bearer'), Type.Literal('bearer')])),
          /** The members of the answer, in order; the default is the standard's. */
          members: Type.Optional(Template),
        },
        closed,
      ),
    ),
    token: Type.Optional(
      Type.Object(
        {
          /** JOSE header members, in order. */
          header: Type.Optional(Template),
          /** Claims, in order. */
          claims: Type.Optional(Template),
        },
        closed,
      ),
    ),
  },
  closed,
)
export type DialectSettings = Static<typeof DialectSettings>

/** API id to scopes, literal or ending in a wildcard. */
export const ScopesByApi = Type.Record(Type.String({ pattern: identifierPattern }), Type.Array(ScopeToken), {
  description: 'a map of API ids to lists of scopes',
})

/** What an outside issuer's tokens may be brought as. */
const trustedUses = ['assertion', 'id_jag', 'subject_token'] as const
export type TrustedUse = (typeof trustedUses)[number]

const { issuer, jwks_uri, subject, claims, audience } = FederationRule.properties

/** RFC 7523 §3, RFC 8693 §2.1: an outside issuer, and what its tokens may open. */
export const TrustedIssuerSettings = Type.Object(
  {
    issuer,
    jwks_uri,
    /** Its keys themselves, where nothing is to be fetched. */
    jwks: Type.Optional(
      Type.Object(
        { keys: Type.Array(Type.Record(Type.String(), Type.Unknown()), { minItems: 1, maxItems: 20 }) },
        { ...closed, description: 'a JWK set of public keys' },
      ),
    ),
    algorithms: Type.Optional(Type.Array(Type.Enum([...signatureAlgorithms]), { minItems: 1 })),
    accepts: Type.Optional(Type.Array(Type.Enum(trustedUses), { minItems: 1 })),
    subject,
    claims,
    /** The `aud` of subject tokens; assertions name this server. */
    subject_token_audience: audience,
    /** The apps that may bring its tokens. */
    apps: AppIds,
    /** When set, its tokens open no scope outside it. */
    scopes: Type.Optional(ScopesByApi),
    maximum_assertion_seconds: Type.Optional(
      Type.Integer({ minimum: 60, maximum: 86_400, description: 'whole seconds, 60 to 86400' }),
    ),
    maximum_access_token_seconds: Type.Optional(PositiveSeconds),
  },
  closed,
)
export type TrustedIssuerSettings = Static<typeof TrustedIssuerSettings>

export const TenantSettings = Type.Object(
  {
    /** The `iss` of its tokens, where it is not the URL that the tenant is served under. */
    token_issuer: Type.Optional(
      Type.String({ pattern: '^https://[^\\s?#]+$', description: 'an https URL without query or fragment' }),
    ),
    signing_algorithm: Type.Optional(
      Type.Enum(signingAlgorithms, {
        description: `one of ${signingAlgorithms.join(', ')}; HS512 is set on an API, whose key it is`,
      }),
    ),
    /** How often the key that signs is replaced by itself; 0 for never. */
    key_rotation_days: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 3_650, description: 'whole days, 0 to 3650' }),
    ),
    /** How key ids are written: the RFC 7638 thumbprint in base64url, or in base64 with its padding. */
    key_id: Type.Optional(Type.Enum(['base64url', 'base64'])),
    access_token_seconds: Type.Optional(PositiveSeconds),
    /** Bounds that clamp every lifetime, whoever set it. */
    minimum_access_token_seconds: Type.Optional(PositiveSeconds),
    maximum_access_token_seconds: Type.Optional(PositiveSeconds),
    token_reuse: Type.Optional(Type.Boolean()),
    /** How long known apps still get tokens, of five minutes at most, while the database is gone; 0 refuses at once. */
    outage_grace_seconds: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 86_400, description: 'whole seconds, 0 to 86400' }),
    ),
    /** How long before a credential's end its owner hears of it; 0 for never. */
    secret_expiry_warning_days: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 90, description: 'whole days, 0 to 90' }),
    ),
    /** The shape of generated client ids. */
    client_id: Type.Optional(
      Type.Object(
        {
          length: Type.Integer({ minimum: 20, maximum: 64 }),
          alphabet: Type.Enum(['lower_alphanumeric', 'alphanumeric']),
        },
        closed,
      ),
    ),
    dialect: Type.Optional(DialectSettings),
    /** RFC 8693: whether its apps may exchange tokens; each needs a policy of its own. */
    token_exchange: Type.Optional(Type.Boolean()),
    trusted_issuers: Type.Optional(Type.Array(TrustedIssuerSettings, { minItems: 1, maxItems: 50 })),
    /** The tenant of the other environment: for a test tenant the live one, and the other way round. */
    pair: Type.Optional(Identifier),
    ...SecuritySettings.properties,
  },
  closed,
)
export type TenantSettings = Static<typeof TenantSettings>

const endpointMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

// Whole segments, literal or a parameter: what a request's path is cut into before it is compared.
const literal = "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+"
const segment = `/(?:${literal}|\\{[A-Za-z_][A-Za-z0-9_-]{0,63}\\})`

const rateLimit = {
  requests: Type.Integer({
    minimum: 1,
    maximum: 1_000_000_000,
    description: 'a whole number, 1 to 1000000000',
  }),
  /** Any stretch of so many seconds, and none that begins with the clock. */
  window_seconds: PositiveSeconds,
}

/** How often one app may ask. */
export const RateLimit = Type.Object(rateLimit, closed)
export type RateLimit = Static<typeof RateLimit>

/** A rate limit of a plan or an app: for all endpoints, those of an API, or one. The more exact one holds. */
export const PlacedLimit = Type.Object(
  {
    api: Type.Optional(Identifier),
    endpoint: Type.Optional(
      Type.String({
        pattern: `^(?:${endpointMethods.join('|')}) /\\S*$`,
        maxLength: 2_060,
        description: 'an endpoint as it is declared, such as GET /orders/{order}',
      }),
    ),
    ...rateLimit,
  },
  closed,
)
export type PlacedLimit = Static<typeof PlacedLimit>

/** Guards ask for what comes of them, app by app. */
export const PlacedLimits = Type.Array(PlacedLimit, { maxItems: 200 })

/** What a resource server offers, and the scope that a token needs for it. */
export const Endpoint = Type.Object(
  {
    method: Type.Enum(endpointMethods),
    path: Type.String({
      pattern: `^(?:/|(?:${segment})+/?)$`,
      maxLength: 2048,
      description: 'a path such as /orders/{order}, each segment literal or a name in braces',
    }),
    scope: ScopeToken,
    /** For every app by itself, where neither the app nor its plan has another. */
    limit: Type.Optional(RateLimit),
  },
  closed,
)
export type Endpoint = Static<typeof Endpoint>

export const ApiSettings = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1 })),
    /** RFC 9728 §1.2: its URLs beside the audience, by which clients may ask for a token as well. */
    resources: Type.Optional(
      Type.Array(
        Type.String({
          pattern: "^https://[A-Za-z0-9\\-._~:/?[\\]@!$&'()*+,;=%]{1,2040}$",
          description: 'an https URL without fragment',
        }),
        { minItems: 1, maxItems: 20 },
      ),
    ),
    /** Scope to what it opens, in words for people. */
    scopes: Type.Record(Type.String({ pattern: scopePattern }), Type.String(), {
      description: 'a map of scopes (without blanks, quotes or backslashes) to what each opens',
    }),
    /** What its tokens are: signed and read by anyone with the keys, or random and known to this server alone. */
    token_format: Type.Optional(Type.Enum(['jwt', 'opaque'])),
    /** HS512 keys belong to one API and are never published; anything else follows the tenant. */
    signing_algorithm: Type.Optional(Type.Literal('HS512')),
    access_token_seconds: Type.Optional(PositiveSeconds),
    /** What tokens for this API must be bound to; the strictest of app, API and tenant holds. */
    sender_constraint: Type.Optional(SenderConstraint),
    /** What it offers, for whoever guards it. */
    endpoints: Type.Optional(Type.Array(Endpoint)),
  },
  closed,
)
export type ApiSettings = Static<typeof ApiSettings>

export const PlanSettings = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1 })),
    price: Type.Enum(['free', 'paid']),
    /** Whether the provider's people must say yes before an organization gets it. */
    approval: Type.Optional(Type.Boolean()),
    /** When set, apps on this plan get no scope outside it. */
    scopes: Type.Optional(ScopesByApi),
    access_token_seconds: Type.Optional(PositiveSeconds),
    /** What each app on this plan may ask, in place of the limits of the endpoints. */
    limits: Type.Optional(PlacedLimits),
  },
  closed,
)
export type PlanSettings = Static<typeof PlanSettings>

/** Free facts about an organization or app, for claim templates: `${organization.attributes.uid}`. */
export const Attributes = Type.Record(Type.String({ pattern: '^[a-z][a-z0-9_]{0,63}$' }), Type.Unknown(), {
  description: 'a map of names in lower-case letters, digits and underscores to any value',
})

export const OrganizationSettings = Type.Object({ attributes: Type.Optional(Attributes) }, closed)
export type OrganizationSettings = Static<typeof OrganizationSettings>
