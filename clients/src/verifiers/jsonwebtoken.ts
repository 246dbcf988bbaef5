/** jsonwebtoken, with jwks-rsa for the keys. */

import type { Algorithm, GetPublicKeyOrSecret, JwtPayload } from 'jsonwebtoken'
import jwt from 'jsonwebtoken'
import { JwksClient } from 'jwks-rsa'
import { packageVersion } from '../package-version.ts'
import type { Expectation, Verifier } from '../verifier.ts'

function verifyWithJsonwebtoken(
  token: string,
  { issuer, audience, jwksUri, algorithm }: Expectation,
): Promise<JwtPayload> {
  const client = new JwksClient({ jwksUri })
  const key: GetPublicKeyOrSecret = ({ kid }, done) =>
    client.getSigningKey(kid).then(
      (found) => done(null, found.getPublicKey()),
      (error: Error) => done(error),
    )
  const options = { issuer, audience, algorithms: [algorithm as Algorithm] }
  return new Promise((resolve, reject) =>
    jwt.verify(token, key, options, (error, claims) =>
      error ? reject(error) : resolve(claims as JwtPayload),
    ),
  )
}

export const jsonwebtoken: Verifier = {
  name: 'jsonwebtoken with jwks-rsa',
  algorithms: ['ES256', 'PS256', 'RS256'],
  refusals: {
    changed: /^JsonWebTokenError: invalid signature$/,
    expired: /^TokenExpiredError: jwt expired$/,
    wrongAudience: /^JsonWebTokenError: jwt audience invalid/,
  },
  notes: ['jsonwebtoken knows no EdDSA.'],
  version: () => `${packageVersion('jsonwebtoken')} with ${packageVersion('jwks-rsa')}`,
  verify: verifyWithJsonwebtoken,
}
