/** What a tenant can demand of its clients' proofs and tokens: the schema, shared by tenants, APIs and apps. */

import { signatureAlgorithms } from '@sallyport/protocol'
import { type Static, Type } from 'typebox'
import { macAlgorithms } from '../keys/macs.ts'

export const AssertionAlgorithms = Type.Array(Type.Enum([...signatureAlgorithms, ...macAlgorithms]), {
  minItems: 1,
})

/** `any`: bound to a DPoP key or to a certificate, as the client likes. */
export const SenderConstraint = Type.Enum(['none', 'dpop', 'mtls', 'any'])
export type SenderConstraint = Static<typeof SenderConstraint>

export const SecuritySettings = Type.Object({
  /** `fapi2` obeys the FAPI 2.0 Security Profile and overrules what is set more loosely beside it. */
  security: Type.Optional(Type.Enum(['standard', 'fapi2'])),
  /** What client assertions may be signed with. */
  assertion_algorithms: Type.Optional(AssertionAlgorithms),
  /** The `aud` of client assertions: the issuer alone, or for clients of before 2025 also the token endpoint's URL. */
  assertion_audience: Type.Optional(Type.Enum(['issuer', 'issuer_or_token_endpoint'])),
  /** What all its tokens must be bound to. */
  sender_constraint: Type.Optional(SenderConstraint),
  /** RFC 9449 §8: whether DPoP proofs must hold a nonce of ours. */
  dpop_nonce: Type.Optional(Type.Enum(['off', 'required'])),
  /** What is done about a secret that came in clear or in a URL, once it has proven real: `quarantine` ends its use. */
  exposed_secrets: Type.Optional(Type.Enum(['quarantine', 'flag'])),
  /** PEM of the authorities, intermediate ones too, whose client certificates count for `tls_client_auth`. */
  certificate_authorities: Type.Optional(
    Type.Array(
      Type.String({
        pattern: '^-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\s]+-----END CERTIFICATE-----\\s*$',
        description: 'one certificate in PEM',
      }),
      { minItems: 1 },
    ),
  ),
})
export type SecuritySettings = Static<typeof SecuritySettings>
