/** Every verifier, in the order of the table. */

import type { Verifier } from '../verifier.ts'
import { authlib } from './authlib.ts'
import { awsJwtVerify } from './aws-jwt-verify.ts'
import { expressOauth2JwtBearer } from './express-oauth2-jwt-bearer.ts'
import { fastJwt } from './fast-jwt.ts'
import { goOidc } from './go-oidc.ts'
import { jose } from './jose.ts'
import { jsonwebtoken } from './jsonwebtoken.ts'

export const verifiers: readonly Verifier[] = [
  jose,
  fastJwt,
  jsonwebtoken,
  awsJwtVerify,
  expressOauth2JwtBearer,
  authlib,
  goOidc,
]
