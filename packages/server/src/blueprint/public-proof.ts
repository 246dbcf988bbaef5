/** What a stored credential proves with, as far as anybody may know: who reads it sees what lets a workload in. */

import type { Jwk } from '@sallyport/protocol'
import { type Static, Type } from 'typebox'
import { FederationRule } from '../federation/rule.ts'
import { jwkThumbprint } from '../keys/jwk-thumbprint.ts'
import { formOfFormat } from './proof.ts'
import { CredentialEntry } from './schema.ts'

const Text = Type.Optional(Type.String())
const { jwks_uri, certificate } = CredentialEntry.properties

/** One of them; of a secret none. */
export const PublicProof = {
  /** RFC 7638: the thumbprint names the key without showing it. */
  public_key: Type.Optional(
    Type.Object({ thumbprint: Type.String(), kty: Text, crv: Text, kid: Text, alg: Text }),
  ),
  jwks_uri,
  certificate,
  federation: Type.Optional(FederationRule),
}
type PublicProof = { readonly [Form in keyof typeof PublicProof]?: Static<(typeof PublicProof)[Form]> }

/** `verifier` is null for a secret, as the store lists it. */
export function publicProofOf(format: string, verifier: Uint8Array | null): PublicProof {
  if (verifier === null) return {}
  const text = Buffer.from(verifier).toString()
  switch (formOfFormat(format)) {
    case 'public_key':
      return { public_key: shownKey(JSON.parse(text)) }
    case 'jwks_uri':
      return { jwks_uri: text }
    case 'certificate':
      return { certificate: JSON.parse(text) }
    case 'federation':
      return { federation: JSON.parse(text) }
    case 'secret':
      return {}
  }
}

function shownKey(jwk: Jwk) {
  const { kty, crv, kid, alg } = jwk
  return {
    thumbprint: jwkThumbprint(jwk),
    kty,
    ...(crv && { crv }),
    ...(kid && { kid }),
    ...(alg && { alg }),
  }
}
