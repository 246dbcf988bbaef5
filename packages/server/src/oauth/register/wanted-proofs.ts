/** What a client says it will prove itself with: exactly what its method needs, and nothing that no method would use. */

import { readPublicJwk, refuse } from '@sallyport/protocol'
import type { AuthenticationMethod } from '../../apps/authentication-methods.ts'
import type { WantedProof } from '../../apps/registration.ts'
import type { CertificateSource } from '../../blueprint/schema.ts'
import { certificateOf, firstOfX5c } from './certificate-of-key.ts'
import type { KeySet } from './kinds.ts'
import type { ClientMetadata, MemberName } from './metadata.ts'
import { refuseMember } from './refuse-member.ts'
import { isPlainUrl } from './web-addresses.ts'

/** RFC 8705 §2.1.2: the names that a certificate can be told by. */
const certificateNames = {
  tls_client_auth_subject_dn: 'subject_dn',
  tls_client_auth_san_dns: 'san_dns',
  tls_client_auth_san_uri: 'san_uri',
  tls_client_auth_san_ip: 'san_ip',
  tls_client_auth_san_email: 'san_email',
} as const satisfies Partial<Record<MemberName, keyof CertificateSource>>

type NameMember = keyof typeof certificateNames
export const certificateNameMembers = Object.entries(certificateNames) as readonly (readonly [
  NameMember,
  (typeof certificateNames)[NameMember],
])[]

export function wantedProofs(metadata: ClientMetadata, method: AuthenticationMethod): readonly WantedProof[] {
  // RFC 7591 §2: which of the two would count, nobody could say.
  if (metadata.jwks !== undefined && metadata.jwks_uri !== undefined)
    refuseMember('jwks_uri', 'and jwks cannot both be.')
  refuseUnused(metadata, method)
  if (method === 'private_key_jwt') return keysOf(metadata)
  if (method === 'tls_client_auth') return [nameOf(metadata)]
  return method === 'self_signed_tls_client_auth' ? certificatesOf(metadata) : []
}

function refuseUnused(metadata: ClientMetadata, method: AuthenticationMethod): void {
  const used: readonly MemberName[] =
    method === 'private_key_jwt'
      ? ['jwks', 'jwks_uri']
      : method === 'self_signed_tls_client_auth'
        ? ['jwks']
        : method === 'tls_client_auth'
          ? certificateNameMembers.map(([name]) => name)
          : []
  const all: readonly MemberName[] = ['jwks', 'jwks_uri', ...certificateNameMembers.map(([name]) => name)]
  const unused = all.find((name) => metadata[name] !== undefined && !used.includes(name))
  if (unused !== undefined) refuseMember(unused, `proves nothing with ${method}: leave it out.`)
}

function keysOf({ jwks, jwks_uri: address }: ClientMetadata): readonly WantedProof[] {
  if (address !== undefined)
    return isPlainUrl(address) ? [{ jwks_uri: address }] : refuseMember('jwks_uri', 'must be an https URL.')
  if (jwks === undefined) return refuseMember('jwks', 'or jwks_uri is needed for private_key_jwt.')
  checkCertificates(jwks)
  return jwks.keys.map((key) => ({ public_key: key }))
}

/** Here the key proves, and its certificate is not kept; of another key it is still a mistake that somebody should hear of. */
function checkCertificates({ keys }: KeySet): void {
  if (keys.some((key) => key.x5c !== undefined && certificateOf(key) === null))
    refuseMember('jwks', 'has an x5c whose first certificate is not of the key beside it.')
}

function nameOf(metadata: ClientMetadata): WantedProof {
  const [first, second] = certificateNameMembers.filter(([member]) => metadata[member] !== undefined)
  if (first === undefined || second !== undefined)
    return refuse('invalid_client_metadata', 'not one name of a certificate', exactlyOne)
  const [member, name] = first
  return { certificate: { [name]: metadata[member] } }
}

const exactlyOne = `Exactly one of ${Object.keys(certificateNames).join(', ')} is needed for tls_client_auth.`

/** RFC 8705 §2.2.2: each key brings its certificate. */
function certificatesOf({ jwks }: ClientMetadata): readonly WantedProof[] {
  if (jwks === undefined) return refuseMember('jwks', 'is needed for self_signed_tls_client_auth, with x5c.')
  return jwks.keys.map((key) => {
    const read = certificateOf(key)
    if (read === null) return refuseMember('jwks', 'must hold the certificate of each public key as x5c.')
    return { certificate: { sha256: read.thumbprintSha256 } }
  })
}

/** As it is shown again: the public members and the one certificate that proves, and nothing that came along. */
export const certificateSet = ({ jwks }: ClientMetadata): KeySet => ({
  keys: (jwks?.keys ?? []).flatMap((key) => {
    const read = readPublicJwk(key)
    return 'jwk' in read ? [{ ...read.jwk, x5c: [firstOfX5c(key)] }] : []
  }),
})
