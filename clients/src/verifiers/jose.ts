/** jose, which fetches and keeps the key set by itself. */

import { createRemoteJWKSet, jwtVerify } from 'jose'
import { keyAlgorithms } from '../material.ts'
import { packageVersion } from '../package-version.ts'
import type { Verifier } from '../verifier.ts'

export const jose: Verifier = {
  name: 'jose',
  algorithms: keyAlgorithms,
  refusals: {
    changed: /ERR_JWS_SIGNATURE_VERIFICATION_FAILED$/,
    expired: /ERR_JWT_EXPIRED$/,
    wrongAudience: /unexpected "aud" claim value/,
  },
  notes: ['`typ: "at+jwt"` holds the tokens to RFC 9068.'],
  version: () => packageVersion('jose'),
  async verify(token, { issuer, audience, jwksUri, algorithm }) {
    const keys = createRemoteJWKSet(new URL(jwksUri))
    const { payload } = await jwtVerify(token, keys, {
      ...{ issuer, audience },
      typ: 'at+jwt',
      algorithms: [algorithm],
    })
    return payload
  },
}
