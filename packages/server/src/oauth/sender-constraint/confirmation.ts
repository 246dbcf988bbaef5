/** What a token is bound to: whoever uses it must prove to hold the key (RFC 7800 §3.1). */

/** The members of `cnf`. Both at once when a tenant asks for the one and an API for the other. */
export interface Confirmation {
  /** RFC 9449 §6.1: the SHA-256 thumbprint of the DPoP key, in base64url. */
  readonly jkt?: string
  /** RFC 8705 §3.1: the SHA-256 thumbprint of the certificate, in base64url. */
  readonly 'x5t#S256'?: string
}

/** Neither part can hold a comma. */
export const confirmationKey = ({ jkt = '', 'x5t#S256': x5t = '' }: Confirmation): string => `${jkt},${x5t}`
