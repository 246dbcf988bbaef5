/** What a token is bound to: whoever uses it must prove to hold the key (RFC 7800 §3.1). */

/** The members of `cnf`. Both at once when a tenant asks for the one and an API for the other. */
export interface Confirmation {
  /** RFC 9449 §6.1: the SHA-256 thumbprint of the DPoP key, in base64url. */
  readonly jkt?: string
  /** RFC 8705 §3.1: the SHA-256 thumbprint of the certificate, in base64url. */
  readonly 'x5t#S256'?: string
}

const isThumbprint = (value: unknown): value is string =>
  typeof value === 'string' && /^[A-Za-z0-9_-]{43}$/.test(value)

/** The `cnf` of a token that somebody brings. Null for one that we cannot have proven: nobody may pass it by. */
export function readConfirmation(cnf: unknown): Confirmation | null {
  if (typeof cnf !== 'object' || cnf === null || Array.isArray(cnf)) return null
  const members = Object.entries(cnf)
  const isKnown = members.every(([name, value]) => ['jkt', 'x5t#S256'].includes(name) && isThumbprint(value))
  return isKnown && members.length > 0 ? Object.fromEntries(members) : null
}

/** Neither part can hold a comma. */
export const confirmationKey = ({ jkt = '', 'x5t#S256': x5t = '' }: Confirmation): string => `${jkt},${x5t}`
