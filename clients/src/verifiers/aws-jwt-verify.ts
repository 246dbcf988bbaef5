/** aws-jwt-verify, which is for any issuer, not for AWS alone. */

import { JwtVerifier } from 'aws-jwt-verify'
import { packageVersion } from '../package-version.ts'
import type { Verifier } from '../verifier.ts'

export const awsJwtVerify: Verifier = {
  name: 'aws-jwt-verify',
  algorithms: ['ES256', 'EdDSA', 'RS256'],
  refusals: {
    changed: /^Error: Invalid signature$/,
    expired: /^Error: Token expired at /,
    wrongAudience: /^Error: Audience not allowed: /,
  },
  notes: [
    'It knows no PS256.',
    'Without `jwksUri` it asks `{issuer}/.well-known/jwks.json`, which Sallyport does not serve.',
  ],
  version: () => packageVersion('aws-jwt-verify'),
  verify: (token, { issuer, audience, jwksUri }) =>
    JwtVerifier.create({ issuer, audience, jwksUri }).verify(token),
}
