/** What the ways to present a client secret share: they differ in where the id and the secret stand. */

import { refuse } from '@sallyport/protocol'
import type { AuthenticationMethod } from '../../apps/authentication-methods.ts'
import type { OAuthRequest } from '../request.ts'
import type { Presentation } from './presentation.ts'
import { proveSecret, type SecretClaim } from './prove-secret.ts'

interface SecretPlace {
  readonly name: string
  readonly method: AuthenticationMethod
  isPresentedIn(request: OAuthRequest): boolean
  words(request: OAuthRequest): string | null
  /** No claim at all means malformed credentials. */
  claims(request: OAuthRequest): readonly SecretClaim[]
}

export type SecretPresentation = Presentation & Pick<SecretPlace, 'claims'>

export const secretPresentation = (place: SecretPlace): SecretPresentation => ({
  ...place,
  prove(request, deps) {
    const claims = place.claims(request)
    if (claims.length === 0) refuse('invalid_client', `malformed ${place.name}`)
    return proveSecret(request, place.method, claims, deps)
  },
})
