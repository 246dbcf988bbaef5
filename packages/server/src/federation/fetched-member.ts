/** Which member of an issuer's entry says where its keys are fetched from. */

interface Issuer {
  readonly issuer: string
  readonly jwks_uri?: string
  readonly jwks?: object
}

/** Null where the keys are given. Without a place of keys the issuer's own metadata says it. */
export function fetchedMember({ jwks, jwks_uri }: Issuer): 'issuer' | 'jwks_uri' | null {
  if (jwks !== undefined) return null
  return jwks_uri === undefined ? 'issuer' : 'jwks_uri'
}
