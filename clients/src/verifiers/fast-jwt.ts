/** fast-jwt, which leaves the fetching of keys to its caller. */

import { createPublicKey } from 'node:crypto'
import { createVerifier } from 'fast-jwt'
import { keyAlgorithms } from '../material.ts'
import { packageVersion } from '../package-version.ts'
import type { Verifier } from '../verifier.ts'

interface KeySet {
  readonly keys: readonly { readonly kid: string }[]
}

async function fetchKey(jwksUri: string, kid: unknown): Promise<string> {
  const { keys } = (await (await fetch(jwksUri)).json()) as KeySet
  const jwk = keys.find((key) => key.kid === kid)
  if (!jwk) throw new Error('unknown key')
  return createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }).toString()
}

export const fastJwt: Verifier = {
  name: 'fast-jwt',
  algorithms: keyAlgorithms,
  refusals: {
    changed: /FAST_JWT_INVALID_SIGNATURE$/,
    expired: /FAST_JWT_EXPIRED$/,
    wrongAudience: /aud claim value is not allowed/,
  },
  notes: ['It does not fetch keys: `key` is a function that gets them by `kid` and gives back PEM.'],
  version: () => packageVersion('fast-jwt'),
  verify: (token, { issuer, audience, jwksUri, algorithm }) =>
    createVerifier({
      key: ({ header }: { header: { kid?: unknown } }) => fetchKey(jwksUri, header.kid),
      ...{ allowedIss: issuer, allowedAud: audience, algorithms: [algorithm], checkTyp: 'at+jwt' },
    })(token),
}
