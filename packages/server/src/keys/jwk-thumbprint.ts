/** RFC 7638: what a public key is called by those who do not show it. */

import { hash } from 'node:crypto'
import { type Jwk, jwkThumbprintInput } from '@sallyport/protocol'

export const jwkThumbprint = (jwk: Jwk, encoding: 'base64url' | 'base64' = 'base64url'): string =>
  hash('sha256', jwkThumbprintInput(jwk), encoding)
