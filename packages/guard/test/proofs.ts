// Tokens bound to a key, and the proofs of its holder.
import assert from 'node:assert/strict'
import { jwkThumbprintInput, readPublicJwk } from '@sallyport/protocol'
import { createKey, type SigningKey, sha256, signJwt, startedAt } from './world.ts'

export const holder = createKey('ES256')

function thumbprint({ jwk }: SigningKey): string {
  const read = readPublicJwk(jwk)
  assert.ok('jwk' in read)
  return sha256(jwkThumbprintInput(read.jwk))
}

export const boundTo = (key: SigningKey) => ({ cnf: { jkt: thumbprint(key) } })

let proofs = 0

export function proof(token: string, claims: object = {}, header: object = {}, key = holder): string {
  const { kty, crv, x, y, n, e } = key.jwk
  const standard = {
    htm: 'GET',
    htu: 'https://api.example/invoices',
    iat: startedAt,
    jti: `proof-${++proofs}`,
  }
  return signJwt(
    key,
    { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y, n, e }, ...header },
    { ...standard, ath: sha256(token), ...claims },
  )
}
