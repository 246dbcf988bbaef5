/** Secrets that must be read again, because a MAC is made with them (`client_secret_jwt`): sealed, each to its place. */

import type { Sealer } from './sealing.ts'

/** Where a sealed secret belongs; at any other place it does not open. */
export interface SecretPlace {
  readonly tenantId: string
  readonly clientId: string
  readonly credentialId: string
}

// None of the three can hold a blank.
export const secretContext = ({ tenantId, clientId, credentialId }: SecretPlace): string =>
  `client secret ${tenantId} ${clientId} ${credentialId}`

export const sealSecret = (sealer: Sealer, place: SecretPlace, secret: string): Uint8Array =>
  sealer.seal(Buffer.from(secret), secretContext(place))

/** Throws if the master key, or the place, is another one. */
export const openSecret = (sealer: Sealer, place: SecretPlace, sealed: Uint8Array): string =>
  Buffer.from(sealer.open(sealed, secretContext(place))).toString()
