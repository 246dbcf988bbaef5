/** A rule over an outside issuer's tokens: its schema, for blueprints and the store. */

import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const

const federationPresets = ['github', 'gitlab', 'kubernetes', 'oidc', 'spiffe'] as const
export type FederationPreset = (typeof federationPresets)[number]

const ClaimText = Type.String({ minLength: 1, maxLength: 1024, description: 'a text' })

export const FederationRule = Type.Object(
  {
    /** What the tokens of this issuer look like; `oidc` where nothing is known of them. */
    preset: Type.Optional(Type.Enum(federationPresets)),
    issuer: Type.String({
      pattern: '^https://[^\\s?#@]{1,2000}$',
      description: 'an https URL without query or fragment, exactly as it stands in iss',
    }),
    /** Where its keys are, if its metadata does not say or cannot be reached: a SPIFFE bundle, a cluster's key set. */
    jwks_uri: Type.Optional(
      Type.String({ pattern: '^https://[^\\s#@]{1,2000}$', description: 'the https URL of a JWK set' }),
    ),
    /** The `aud` of its tokens; otherwise the tenant's issuer. */
    audience: Type.Optional(
      Type.String({ pattern: '^[\\x21-\\x7E]{1,2048}$', description: 'a text without blanks' }),
    ),
    /** The `sub`, exact, or with `*` for a part of it. */
    subject: Type.Optional(
      Type.String({
        pattern: '^[\\x20-\\x7E]{1,1024}$',
        description: 'the sub of its tokens, exact or with * in place of a part',
      }),
    ),
    /** Claims that must be there: a claim with several texts may hold any of them. */
    claims: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[\\x21-\\x7E]{1,256}$' }),
        Type.Union([ClaimText, Type.Array(ClaimText, { minItems: 1, maxItems: 100 })], {
          description: 'a text, or a list of texts of which one must be there',
        }),
        { description: 'a map of claim names to a text or a list of texts' },
      ),
    ),
  },
  closed,
)
export type FederationRule = Static<typeof FederationRule>
