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
  /** Empty where what was sent cannot be read as an id and a secret. */
  claims(request: OAuthRequest): readonly SecretClaim[]
  /** Why there is no claim, for the log. */
  problem(request: OAuthRequest): string
}

export type SecretPresentation = Presentation & Pick<SecretPlace, 'claims'>

export const secretPresentation = (place: SecretPlace): SecretPresentation => ({
  ...place,
  prove(request, deps) {
    const claims = place.claims(request)
    if (claims.length === 0) refuse('invalid_client', place.problem(request))
    return proveSecret(request, place.method, claims, deps)
  },
})
