/** Who verifies tokens: the guard, three libraries, and the signature alone as the least that the work can cost. */

import { type KeyObject, verify as verifySignature } from 'node:crypto'
import type { Guard, RequestView } from '@sallyport/guard'
import type { Soon } from '@sallyport/protocol'
import { createVerifier } from 'fast-jwt'
import { jwtVerify } from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import { audience, issuer, scope } from '../claims.ts'
import { fastestVerification, splitToDer, waysToVerify } from '../signers.ts'
import type { BenchIssuer } from './issuer.ts'

export interface Verifier {
  readonly name: string
  /** True for a token that opens the API. `index` is the token's place in the pool. */
  verify(authorization: string, index: number): Soon<boolean>
}

const tokenOf = (authorization: string): string => authorization.slice('Bearer '.length)

const signatureAlone = 'crypto.verify alone'

/** All is read and decoded beforehand. */
export function signatureVerifier(
  { algorithm, publicKey }: BenchIssuer,
  tokens: readonly string[],
): Verifier {
  const digest = algorithm === 'EdDSA' ? null : 'sha256'
  const { key, fromJoined } = fastestForm(algorithm === 'ES256', publicKey)
  const inputs = tokens.map((token) => Buffer.from(token.slice(0, token.lastIndexOf('.'))))
  const signatures = tokens.map((token) =>
    fromJoined(Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url')),
  )
  return {
    name: signatureAlone,
    verify: (_, index) => verifySignature(digest, inputs[index] as Buffer, key, signatures[index] as Buffer),
  }
}

/** ES256 is raced at start, because Node's versions differ in it. */
function fastestForm(isEcdsa: boolean, key: KeyObject) {
  const asItIs = (signature: Buffer): Buffer => signature
  if (!isEcdsa) return { key, fromJoined: asItIs }
  return fastestVerification(waysToVerify(key)).name === 'ieee-p1363'
    ? { key: { key, dsaEncoding: 'ieee-p1363' } as const, fromJoined: asItIs }
    : { key, fromJoined: splitToDer }
}

export function guardVerifier(name: string, guard: Guard): Verifier {
  const requirement = { scope: scope.split(' '), endpoint: 'GET /orders' }
  return {
    name,
    verify(authorization) {
      const decision = guard.check(requestWith(authorization), requirement)
      return decision instanceof Promise ? decision.then(({ isAllowed }) => isAllowed) : decision.isAllowed
    },
  }
}

export const requestWith = (authorization: string): RequestView => ({
  method: 'GET',
  url: '/orders',
  headers: { get: (name) => (name === 'authorization' ? authorization : null) },
})

export function fastJwtVerifier(name: string, { publicKey }: BenchIssuer, cache: number | false): Verifier {
  const key = publicKey.export({ type: 'spki', format: 'pem' })
  const verify = createVerifier({ key, cache, allowedIss: issuer, allowedAud: audience, checkTyp: 'at+jwt' })
  return { name, verify: (authorization) => verify(tokenOf(authorization)).scope === scope }
}

export const joseVerifier = ({ algorithm, publicKey: key }: BenchIssuer): Verifier => {
  const options = { issuer, audience, typ: 'at+jwt', algorithms: [algorithm] }
  return {
    name: 'jose',
    verify: async (authorization) =>
      (await jwtVerify(tokenOf(authorization), key, options)).payload.scope === scope,
  }
}

/** Knows no EdDSA. */
export function jsonwebtokenVerifier({ algorithm, publicKey: key }: BenchIssuer): Verifier | null {
  if (algorithm === 'EdDSA') return null
  const options = { issuer, audience, algorithms: [algorithm] }
  return {
    name: 'jsonwebtoken',
    verify(authorization) {
      const payload = jsonwebtoken.verify(tokenOf(authorization), key, options)
      return typeof payload === 'object' && payload.scope === scope
    },
  }
}
