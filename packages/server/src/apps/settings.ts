/** What an app can be set to: one schema, for blueprints and the store. */

import { type Static, Type } from 'typebox'
import { AssertionAlgorithms, SenderConstraint } from '../tenants/security-settings.ts'
import { AppIds, Attributes, Identifier, PlacedLimits, ScopesByApi, ScopeToken } from '../tenants/settings.ts'
import { authenticationMethodNames } from './authentication-methods.ts'

export const tokenExchangeType = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const jwtBearerType = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

export const grantTypes = ['client_credentials', tokenExchangeType, jwtBearerType] as const

/** RFC 8693: what the app may exchange; nothing that does not stand here. */
export const TokenExchangePolicy = Type.Object(
  {
    /** The apps whose tokens it may bring, beside its own. */
    subjects: Type.Optional(AppIds),
    /** The APIs that it may get a token for with one for another API. */
    targets: Type.Optional(Type.Array(Identifier)),
    /** Whether the token says who acts (`act`), or speaks as its subject alone. */
    mode: Type.Optional(Type.Enum(['delegation', 'impersonation'])),
    /** The apps whose tokens it may bring to show who acts, beside its own. */
    actors: Type.Optional(Type.Array(Identifier)),
  },
  { additionalProperties: false },
)
export type TokenExchangePolicy = Static<typeof TokenExchangePolicy>

export const AppSettings = Type.Object(
  {
    grant_types: Type.Optional(Type.Array(Type.Enum(grantTypes))),
    client_authentication: Type.Optional(Type.Array(Type.Enum(authenticationMethodNames), { minItems: 1 })),
    /** What the app is granted, by API; nothing unless it stands here. */
    scopes: Type.Optional(ScopesByApi),
    /** Which API a request without `resource` or `audience` means; needed when it has several. */
    default_api: Type.Optional(Identifier),
    /** What a request without `scope` gets; otherwise all that the app is granted on the API. */
    default_scopes: Type.Optional(Type.Array(ScopeToken)),
    access_token_seconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 31_536_000, description: 'whole seconds, 1 to 31536000' }),
    ),
    /** The APIs whose resource server this app is: it may ask what their tokens are, and follow their revocations. */
    introspects: Type.Optional(Type.Array(Identifier)),
    token_reuse: Type.Optional(Type.Boolean()),
    token_type: Type.Optional(Type.Enum(['Bearer', 'bearer'])),
    /** The algorithms of its assertions, where the tenant allows more. */
    assertion_algorithms: Type.Optional(AssertionAlgorithms),
    /** What its tokens must be bound to; the strictest of app, API and tenant holds. */
    sender_constraint: Type.Optional(SenderConstraint),
    /** `standard` opts out of the tenant's dialect. */
    dialect: Type.Optional(Type.Enum(['tenant', 'standard'])),
    token_exchange: Type.Optional(TokenExchangePolicy),
    /** In place of those of its plan and of the endpoints; the provider's people set them. */
    limits: Type.Optional(PlacedLimits),
    attributes: Type.Optional(Attributes),
  },
  { additionalProperties: false },
)
export type AppSettings = Static<typeof AppSettings>
