/**
 * A vector at the front door: as bytes for the check that every signed thing here comes to, as a client assertion, and as
 * a DPoP proof.
 *
 * What protects: `verifySignature` gets the very bytes of the vector, with a key that came in as a JWK, so whatever is
 * wrong with the number, the padding or the key has to be found there. The signature of a vector belongs to its own
 * message, which is never a JWS, so around an assertion it can only be refused; that says that no odd signature gets
 * past, or crashes, the parsers before the check. Where the private key is given, the same texts with a good signature
 * must be taken: without that, refusing everything would look like safety.
 */

import { constants, createPrivateKey, createPublicKey, createSecretKey, sign } from 'node:crypto'
import { checkClientAssertion, checkDpopProof, type Jws, readJws } from '@sallyport/protocol'
import {
  importJwk,
  importVerificationKey,
  verifyMac,
  verifySignature,
} from '../../src/keys/verify-signature.ts'
import type { BytesVector, JwsVector, Members, Vector } from './wycheproof.ts'

/** What must happen to a vector. `either` is left to us, as long as nothing breaks. */
export type Expectation = 'accept' | 'refuse' | 'either'

export const ourAlgorithms: readonly string[] = ['ES256', 'ES384', 'EdDSA', 'Ed25519', 'PS256', 'RS256']
const macAlgorithms: readonly string[] = ['HS256', 'HS384', 'HS512']

/** Said here once more and in other words than the code under test says it: a key that it may not refuse. */
export function isOurKey(jwk: Members): boolean {
  const { kty, crv, n, e, alg, use, key_ops: operations } = jwk
  if (jwk.d !== undefined || (use !== undefined && use !== 'sig')) return false
  if (operations !== undefined && !(operations as readonly string[]).includes('verify')) return false
  const fitting = { 'P-256': ['ES256'], 'P-384': ['ES384'], Ed25519: ['EdDSA', 'Ed25519'] }[String(crv)]
  const algorithms = kty === 'RSA' ? ['PS256', 'RS256'] : (fitting ?? [])
  if (alg !== undefined && !algorithms.includes(String(alg))) return false
  if (!isReadByPlatform(jwk)) return false
  if (kty !== 'RSA') return fitting !== undefined
  const bits = integer(n).toString(2).length
  const exponent = integer(e)
  return bits >= 2048 && bits <= 8192 && exponent >= 65_537n && exponent < 1n << 32n && exponent % 2n === 1n
}

function isReadByPlatform(jwk: Members): boolean {
  try {
    const { x, y } = createPublicKey({ format: 'jwk', key: JSON.parse(JSON.stringify(jwk)) }).export({
      format: 'jwk',
    })
    return x === jwk.x && y === jwk.y
  } catch {
    return false
  }
}

const integer = (value: unknown): bigint =>
  BigInt(`0x0${Buffer.from(String(value), 'base64url').toString('hex')}`)

export function expectationOf(vector: Vector): Expectation {
  return vector.kind === 'bytes' ? expectationOfBytes(vector) : expectationOfJws(vector)
}

function expectationOfBytes({ result, jwk, algorithm, signature }: BytesVector): Expectation {
  if (signature === null || !isOurKey(jwk)) return 'refuse'
  // Good under a name that is not ours is good under none of ours; what is bad there may well be good here.
  if (algorithm === null) return result === 'valid' ? 'refuse' : 'either'
  return { valid: 'accept', invalid: 'refuse', acceptable: 'either' }[result] as Expectation
}

/** RFC 7515 §2: three parts in base64url. */
const compact = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/

function expectationOfJws({ result, jwk, jws }: JwsVector): Expectation {
  const alg = headerOf(jws).alg
  const isKnown =
    jwk.kty === 'oct' ? macAlgorithms.includes(String(alg)) : ourAlgorithms.includes(String(alg))
  const fits = jwk.alg === undefined || jwk.alg === alg
  // A MAC is made with a secret of ours, which no JWK describes: what the key says of itself cannot be misread here.
  if (jwk.kty === 'oct' && !fits) return 'either'
  if (!compact.test(jws) || !isKnown || !fits || (jwk.kty !== 'oct' && !isOurKey(jwk))) return 'refuse'
  return { valid: 'accept', invalid: 'refuse', acceptable: 'either' }[result] as Expectation
}

function headerOf(jws: string): Members {
  try {
    return JSON.parse(Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString())
  } catch {
    return {}
  }
}

/** The algorithms under which the check takes the vector, of all that it knows. */
export function acceptedUnder(vector: Vector): readonly string[] {
  return vector.kind === 'bytes' ? bytesAcceptedUnder(vector) : jwsAcceptedUnder(vector)
}

function bytesAcceptedUnder({ jwk, message, signature }: BytesVector): readonly string[] {
  const key = importVerificationKey(jwk)
  if (key === null || signature === null) return []
  const input = message.toString('latin1')
  return [...ourAlgorithms, ...macAlgorithms, 'none', ''].filter((name) =>
    verifySignature(key, name, input, signature),
  )
}

function jwsAcceptedUnder({ jwk, jws }: JwsVector): readonly string[] {
  const read = readAnyPayload(jws)
  if (read === null) return []
  const { algorithm, signingInput, signature } = read
  if (jwk.kty === 'oct') {
    const key = createSecretKey(Buffer.from(String(jwk.k), 'base64url'))
    return verifyMac(key, algorithm, signingInput, signature) ? [algorithm] : []
  }
  const key = importVerificationKey(jwk)
  return key !== null && verifySignature(key, algorithm, signingInput, signature) ? [algorithm] : []
}

/**
 * As `readJws`, of which each part is read by it. The payload of a vector is often "foo", and were it refused for being
 * no JSON object, nothing would be said about the signature.
 */
function readAnyPayload(text: string): Omit<Jws, 'payload'> | null {
  const whole = readJws(text)
  if (whole !== null) return whole
  const [header = '', payload = '', signature = '', ...more] = text.split('.')
  const emptyObject = 'e30'
  const around = readJws(`${header}.${emptyObject}.${signature}`)
  const isPayload = readJws(`${encode({ alg: 'x' })}.${emptyObject}.${payload}`) !== null
  if (around === null || !isPayload || more.length > 0) return null
  return { ...around, signingInput: `${header}.${payload}` }
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const now = 1_800_000_000
const clientId = 'robot'
const issuer = 'https://issuer.example/acme'
const tokenUrl = `${issuer}/oauth2/token`

export const assertionInput = (algorithm: string): string =>
  `${encode({ alg: algorithm })}.${encode({ iss: clientId, sub: clientId, aud: issuer, jti: 'one', iat: now, exp: now + 60 })}`

export const proofInput = (algorithm: string, jwk: Members): string =>
  `${encode({ typ: 'dpop+jwt', alg: algorithm, jwk })}.${encode({ jti: 'one', htm: 'POST', htu: tokenUrl, iat: now })}`

export interface Taken {
  /** Whether it is what it should be, its signature aside. */
  readonly isRead: boolean
  readonly isTaken: boolean
}

/** As `private_key_jwt` does it: the key is one that was registered. */
export function takeAssertion(text: string, jwk: Members): Taken {
  const jws = readJws(text)
  const key = importVerificationKey(jwk)
  if (jws === null) return { isRead: false, isTaken: false }
  const claims = checkClientAssertion(jws.payload, { clientId, audiences: [issuer], now })
  const isSigned = key !== null && verifySignature(key, jws.algorithm, jws.signingInput, jws.signature)
  return { isRead: claims.ok, isTaken: claims.ok && isSigned }
}

/** As a DPoP proof is taken: the key is the one that it brings. */
export function takeProof(text: string): Taken {
  const jws = readJws(text)
  if (jws === null) return { isRead: false, isTaken: false }
  const algorithms = new Set(ourAlgorithms)
  const proof = checkDpopProof(jws, { method: 'POST', urls: [tokenUrl], algorithms, now })
  const key = proof.ok ? importJwk(proof.jwk) : null
  const isSigned = key !== null && verifySignature(key, jws.algorithm, jws.signingInput, jws.signature)
  return { isRead: proof.ok, isTaken: isSigned }
}

export const withSignature = (input: string, signature: Uint8Array): string =>
  `${input}.${Buffer.from(signature).toString('base64url')}`

/** The signature of a JWS under one of our algorithms, by nothing of the code under test. */
export function signJws(algorithm: string, privateJwk: Members, input: string | Buffer): Buffer {
  const key = createPrivateKey({ format: 'jwk', key: JSON.parse(JSON.stringify(privateJwk)) })
  const bytes = Buffer.from(input)
  switch (algorithm) {
    case 'ES256':
      return sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' })
    case 'ES384':
      return sign('sha384', bytes, { key, dsaEncoding: 'ieee-p1363' })
    case 'PS256':
      return sign('sha256', bytes, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 })
    case 'RS256':
      return sign('sha256', bytes, key)
    default:
      return sign(null, bytes, key)
  }
}
