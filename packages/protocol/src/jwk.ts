/** One public key as somebody else sends or registers it: RFC 7517, RFC 7518 §6, RFC 8037 §2. */

import { decodeBase64url } from './base64url.ts'
import { isRocaModulus } from './roca.ts'
import type { SignatureAlgorithm } from './signature-checks.ts'

/** A public key, with the members that make it up and no others. */
export interface Jwk {
  readonly kty: 'EC' | 'OKP' | 'RSA'
  readonly crv?: string
  readonly x?: string
  readonly y?: string
  readonly n?: string
  readonly e?: string
  readonly kid?: string
  readonly alg?: string
}

/** What is wrong with a key, in words that repeat nothing of it. */
export type JwkProblem = string

interface Curve {
  readonly bytes: number
  readonly algorithms: Algorithms
}

type Algorithms = readonly SignatureAlgorithm[]

// RFC 7518 §6.2.1.2: coordinates have the full length of the curve.
const curves: Readonly<Record<string, Curve>> = {
  'P-256': { bytes: 32, algorithms: ['ES256'] },
  'P-384': { bytes: 48, algorithms: ['ES384'] },
}
const rsaAlgorithms: Algorithms = ['PS256', 'RS256']
const edwardsAlgorithms: Algorithms = ['EdDSA', 'Ed25519']
// SPIFFE JWT-SVID §6: the keys of a trust domain that sign its JWTs, beside others that sign its certificates.
const signatureUses: readonly unknown[] = ['sig', 'jwt-svid']
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
const minimumRsaBits = 2048
// What somebody registers or publishes costs us a computation at each stranger's request.
const maximumRsaBits = 4096
const exponentBytes = 3

type Members = Readonly<Record<string, unknown>>

/** The algorithms that a key may be used with: its own `alg`, or all that fit it. */
export const algorithmsOfJwk = (jwk: Jwk): readonly string[] =>
  jwk.alg === undefined ? algorithmsFitting(jwk) : [jwk.alg]

function algorithmsFitting({ kty, crv }: Jwk): readonly string[] {
  if (kty === 'RSA') return rsaAlgorithms
  return kty === 'OKP' ? edwardsAlgorithms : (curves[crv ?? '']?.algorithms ?? [])
}

/** What of a key may be shown to people: whoever sends a private one by mistake must not find it on a screen too. */
export const publicMembersOf = (jwk: Members): Members =>
  Object.fromEntries(Object.entries(jwk).filter(([name]) => !privateMembers.includes(name)))

/**
 * Reads a public signature key strictly: EC on P-256 or P-384, Ed25519, RSA of 2048 to 4096 bits.
 *
 * The problem is a text for whoever registers the key: a private or symmetric key, another type or curve, a number of
 * the wrong length or spelling, `use` or `key_ops` that do not allow verifying, an `alg` that does not fit. Whether a
 * point lies on its curve is left to the library that imports the key. RFC 7517 §4, RFC 7518 §6.
 */
export function readPublicJwk(value: unknown): { readonly jwk: Jwk } | { readonly problem: JwkProblem } {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { problem: 'no JSON object' }
  const members = value as Members
  if (privateMembers.some((name) => Object.hasOwn(members, name))) {
    return { problem: 'a private or symmetric key; only the public half may leave its owner' }
  }
  const key = readKey(members)
  if (typeof key === 'string') return { problem: key }
  const jwk: Jwk = { ...key, ...textMember(members, 'kid'), ...textMember(members, 'alg') }
  const problem = problemOfUse(members, jwk)
  return problem === null ? { jwk } : { problem }
}

const textMember = (members: Members, name: 'kid' | 'alg'): Partial<Jwk> => {
  const value = members[name]
  return typeof value === 'string' && value.length <= 200 ? { [name]: value } : {}
}

function problemOfUse({ use, key_ops: operations, alg, kid }: Members, jwk: Jwk): JwkProblem | null {
  if (use !== undefined && !signatureUses.includes(use)) return 'a key whose use is not sig'
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) {
    return 'a key whose key_ops do not include verify'
  }
  if (alg !== undefined && (jwk.alg === undefined || !algorithmsFitting(jwk).includes(jwk.alg))) {
    return 'an alg that does not fit the key'
  }
  return kid !== undefined && jwk.kid === undefined ? 'a kid that is no text of at most 200 characters' : null
}

function readKey(members: Members): Jwk | JwkProblem {
  switch (members.kty) {
    case 'EC':
      return readEcKey(members)
    case 'OKP':
      return members.crv === 'Ed25519' && hasBytes(members.x, 32)
        ? { kty: 'OKP', crv: 'Ed25519', x: members.x }
        : 'an OKP key that is no Ed25519 key'
    case 'RSA':
      return readRsaKey(members)
    default:
      return 'a kty other than EC, OKP and RSA'
  }
}

function readEcKey({ crv, x, y }: Members): Jwk | JwkProblem {
  const curve = typeof crv === 'string' && Object.hasOwn(curves, crv) ? curves[crv] : undefined
  if (curve === undefined) return 'a curve other than P-256 and P-384'
  if (!hasBytes(x, curve.bytes) || !hasBytes(y, curve.bytes)) return 'a coordinate of the wrong length'
  return { kty: 'EC', crv: crv as string, x, y }
}

function readRsaKey({ n, e }: Members): Jwk | JwkProblem {
  const modulus = bytesOf(n)
  const exponent = bytesOf(e)
  if (modulus === null || exponent === null) return 'an RSA key without modulus or exponent'
  const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24
  // RFC 7518 §6.3.1.1: no leading zero bytes; §3.3: 2048 bits or more.
  if (modulus[0] === 0 || bits < minimumRsaBits || bits > maximumRsaBits) {
    return `an RSA key of other than ${minimumRsaBits} to ${maximumRsaBits} bits`
  }
  if (isRocaModulus(modulus)) return 'an RSA key that anyone can factor (CVE-2017-15361)'
  // An even modulus is no product of two primes, and slow to compute with.
  if (!isOdd(modulus)) return 'an RSA modulus that is even'
  const isFit = exponent.length === exponentBytes && exponent[0] !== 0 && isOdd(exponent)
  return isFit
    ? { kty: 'RSA', n: n as string, e: e as string }
    : 'an RSA exponent that is even, too small or too large'
}

const isOdd = (bytes: Uint8Array): boolean => (bytes.at(-1) ?? 0) % 2 === 1

function bytesOf(value: unknown): Uint8Array | null {
  return typeof value === 'string' && value.length <= 2_000 ? decodeBase64url(value) : null
}

const hasBytes = (value: unknown, count: number): value is string => bytesOf(value)?.length === count

/** What a key's thumbprint is the hash of; hashing is the caller's. RFC 7638 §3.2, RFC 8037 §2. */
export function jwkThumbprintInput({ kty, crv, x, y, n, e }: Jwk): string {
  switch (kty) {
    case 'EC':
      return JSON.stringify({ crv, kty, x, y })
    case 'OKP':
      return JSON.stringify({ crv, kty, x })
    case 'RSA':
      return JSON.stringify({ e, kty, n })
  }
}
