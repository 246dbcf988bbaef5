/** How the client proves who it is at the token endpoint. */

import * as oauth from 'oauth4webapi'
import type { Effects } from './effects.ts'
import type { ClientOptions } from './options.ts'

const assertionSeconds = 60

export function clientAuthentication(
  options: ClientOptions,
  { clock }: Pick<Effects, 'clock'>,
): oauth.ClientAuth {
  const { clientSecret, privateKey, secretIn = 'header' } = options
  if (clientSecret) {
    return secretIn === 'body' ? oauth.ClientSecretPost(clientSecret) : oauth.ClientSecretBasic(clientSecret)
  }
  if (!privateKey) return oauth.TlsClientAuth()
  return oauth.PrivateKeyJwt(privateKey, {
    [oauth.modifyAssertion](_header, claims) {
      const now = Math.floor(clock())
      Object.assign(claims, { iat: now, nbf: now, exp: now + assertionSeconds })
    },
  })
}
