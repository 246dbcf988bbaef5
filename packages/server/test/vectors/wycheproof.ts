/** Test vectors in the JSON of Wycheproof, its old and its new names, as far as they are about signatures that a JWT can bear. */

export type Result = 'valid' | 'invalid' | 'acceptable'
export type Members = Readonly<Record<string, unknown>>

interface Common {
  /** For messages. */
  readonly name: string
  readonly result: Result
  /** RFC 7517, public half; what of it is ours to take is for the code under test. */
  readonly jwk: Members
  readonly privateJwk: Members | null
}

/** A message and its signature, as bytes. */
export interface BytesVector extends Common {
  readonly kind: 'bytes'
  /** The name that JOSE has for it; null where it has none that we take. */
  readonly algorithm: string | null
  readonly message: Buffer
  /** As a JWS has it; null where what the file holds cannot be written so. */
  readonly signature: Buffer | null
}

/** A whole JWS, and the key that it should be held against. */
export interface JwsVector extends Common {
  readonly kind: 'jws'
  readonly jws: string
}

export type Vector = BytesVector | JwsVector

export interface VectorFile {
  readonly vectors: readonly Vector[]
  /** Of kinds that are nothing to us, such as encryption. */
  readonly passedOver: number
}

type Group = Members & { readonly tests: readonly Members[] }

/** Null for JSON that holds no test groups. Throws for a file whose groups are of a known type and cannot be read. */
export function readVectorFile(json: unknown): VectorFile | null {
  const groups = membersOf(json).testGroups
  if (!Array.isArray(groups)) return null
  const vectors: Vector[] = []
  let passedOver = 0
  for (const group of groups as readonly Group[]) {
    const read = readers[textOf(group.type)]
    const found = read ? group.tests.flatMap((test) => read(group, test) ?? []) : []
    vectors.push(...found)
    passedOver += group.tests.length - found.length
  }
  return { vectors: withoutContradictions(vectors), passedOver }
}

type ReadTest = (group: Group, test: Members) => Vector | null

const readers: Readonly<Record<string, ReadTest>> = {
  EcdsaVerify: (group, test) => bytesVector(group, test, fromDer),
  EcdsaP1363Verify: (group, test) => bytesVector(group, test, asItIs),
  EddsaVerify: (group, test) => bytesVector(group, test, asItIs),
  RsassaPkcs1Verify: (group, test) => bytesVector(group, test, asItIs),
  RsassaPkcs1Generate: (group, test) => bytesVector(group, test, asItIs),
  RsassaPssVerify: (group, test) => bytesVector(group, test, asItIs),
  JsonWebSignature: jwsVector,
  JsonWebKey: jwsVector,
}

function bytesVector(
  group: Group,
  test: Members,
  convert: (signature: Buffer, group: Group) => Buffer | null,
): BytesVector {
  return {
    kind: 'bytes',
    name: nameOf(test),
    result: resultOf(test),
    jwk: publicJwkOf(group),
    privateJwk: privateJwkOf(group),
    algorithm: algorithmOf(group),
    message: hex(test.msg),
    signature: convert(hex(test.sig), group),
  }
}

/** A key set counts where its members name one key each; several keys of one name have no reading that is ours. */
function jwsVector(group: Group, test: Members): JwsVector | null {
  const { jws } = test
  const privateKeys = keysOf(group.private)
  const publicKeys = keysOf(group.public)
  if (typeof jws !== 'string') return null
  const keys = publicKeys.length > 0 ? publicKeys : privateKeys
  const kinds = new Set(keys.map(({ kty }) => kty === 'oct'))
  const names = new Set(keys.map(({ kid }) => kid))
  const [jwk] = keys.length === 1 ? keys : keys.filter(({ kid }) => kid === keyIdIn(jws))
  if (jwk === undefined || kinds.size > 1 || names.size < keys.length) return null
  const privateJwk = privateKeys.find(({ d, kid }) => d !== undefined && kid === jwk.kid) ?? null
  const { d, p, q, dp, dq, qi, ...half } = jwk
  const isHalf = publicKeys.length > 0 || jwk.kty === 'oct'
  return {
    kind: 'jws',
    name: nameOf(test),
    result: resultOf(test),
    jwk: isHalf ? jwk : half,
    privateJwk,
    jws,
  }
}

function keyIdIn(jws: string): unknown {
  try {
    return membersOf(JSON.parse(Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString())).kid
  } catch {
    return undefined
  }
}

function keysOf(value: unknown): readonly Members[] {
  if (value === undefined) return []
  const { keys } = membersOf(value)
  return Array.isArray(keys) ? keys.map(membersOf) : [membersOf(value)]
}

/** Some files hold the same text twice, once to be taken and once to be refused: one of the two is a slip of the pen. */
function withoutContradictions(vectors: readonly Vector[]): Vector[] {
  const identity = (vector: Vector) =>
    vector.kind === 'jws' ? JSON.stringify([vector.jwk, vector.jws]) : undefined
  const results = new Map<string, Set<Result>>()
  for (const vector of vectors) {
    const text = identity(vector)
    if (text !== undefined) results.set(text, (results.get(text) ?? new Set()).add(vector.result))
  }
  const isDoubtful = (vector: Vector) => (results.get(identity(vector) ?? '')?.size ?? 1) > 1
  return vectors.map((vector) => (isDoubtful(vector) ? { ...vector, result: 'acceptable' } : vector))
}

const curves: Readonly<Record<string, { readonly crv: string; readonly sha: string; readonly alg: string }>> =
  {
    secp256r1: { crv: 'P-256', sha: 'SHA-256', alg: 'ES256' },
    secp384r1: { crv: 'P-384', sha: 'SHA-384', alg: 'ES384' },
  }

function algorithmOf(group: Group): string | null {
  const { type, sha, mgf, mgfSha, sLen } = group
  const { curve } = keyOf(group)
  switch (type) {
    case 'EcdsaVerify':
    case 'EcdsaP1363Verify': {
      const known = curves[textOf(curve)]
      return known !== undefined && known.sha === sha ? known.alg : null
    }
    case 'EddsaVerify':
      return curve === 'edwards25519' ? 'EdDSA' : null
    case 'RsassaPssVerify':
      return sha === 'SHA-256' && mgf === 'MGF1' && mgfSha === 'SHA-256' && sLen === 32 ? 'PS256' : null
    default:
      return sha === 'SHA-256' ? 'RS256' : null
  }
}

/** The numbers of the key, under the names of both versions of the format. */
function keyOf(group: Group): Members {
  const old = group.n === undefined ? {} : { modulus: group.n, publicExponent: group.e }
  return { ...old, ...membersOf(group.key), ...membersOf(group.privateKey), ...membersOf(group.publicKey) }
}

function publicJwkOf(group: Group): Members {
  const key = keyOf(group)
  if (key.modulus !== undefined) {
    return { kty: 'RSA', n: base64url(number(key.modulus)), e: base64url(number(key.publicExponent)) }
  }
  if (key.pk !== undefined) {
    const crv = key.curve === 'edwards25519' ? 'Ed25519' : String(key.curve)
    return { kty: 'OKP', crv, x: base64url(hex(key.pk)) }
  }
  const point = hex(key.uncompressed).subarray(1)
  const half = point.length / 2
  const crv = curves[textOf(key.curve)]?.crv ?? String(key.curve)
  return { kty: 'EC', crv, x: base64url(point.subarray(0, half)), y: base64url(point.subarray(half)) }
}

function privateJwkOf(group: Group): Members | null {
  const { sk } = keyOf(group)
  if (sk !== undefined) return { ...publicJwkOf(group), d: base64url(hex(sk)) }
  const written = [group.privateKeyJwk, group.keyJwk, group.jwk].map(membersOf)
  return written.find(({ d }) => d !== undefined) ?? null
}

const asItIs = (signature: Buffer): Buffer => signature

/** RFC 7518 §3.4 from X.690: two numbers that fit the curve, in the one way of DER to write them; null for others. */
function fromDer(signature: Buffer, group: Group): Buffer | null {
  const size = { secp256r1: 32, secp384r1: 48 }[textOf(keyOf(group).curve)]
  const outer = size === undefined ? null : readElement(signature, 0x30)
  const r = outer && outer.rest.length === 0 ? readElement(outer.content, 0x02) : null
  const s = r && readElement(r.rest, 0x02)
  if (size === undefined || !r || !s || s.rest.length > 0) return null
  const numbers = [r.content, s.content].map((bytes) => fixed(bytes, size))
  return numbers.includes(null) ? null : Buffer.concat(numbers as Buffer[])
}

function readElement(bytes: Buffer, tag: number): { readonly content: Buffer; readonly rest: Buffer } | null {
  const [found, length = 0xff] = bytes
  if (found !== tag || length >= 0x80 || bytes.length < 2 + length) return null
  return { content: bytes.subarray(2, 2 + length), rest: bytes.subarray(2 + length) }
}

/** A whole number of at least zero, without needless bytes, in `size` bytes. */
function fixed(bytes: Buffer, size: number): Buffer | null {
  const [first = 0x80, second = 0x80] = bytes
  if (first >= 0x80 || (first === 0 && bytes.length > 1 && second < 0x80)) return null
  const digits = first === 0 ? bytes.subarray(1) : bytes
  return digits.length > size ? null : Buffer.concat([Buffer.alloc(size - digits.length), digits])
}

const membersOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null ? { ...value } : {}
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
const nameOf = ({ tcId, comment }: Members): string => `${tcId} ${comment}`
const base64url = (bytes: Buffer): string => bytes.toString('base64url')

function resultOf({ result, tcId }: Members): Result {
  if (result === 'valid' || result === 'invalid' || result === 'acceptable') return result
  throw new Error(`vector ${tcId} has no result`)
}

function hex(value: unknown): Buffer {
  const text = textOf(value)
  if (typeof value !== 'string' || !/^(?:[0-9a-f]{2})*$/i.test(text)) throw new Error('no bytes in hex')
  return Buffer.from(text, 'hex')
}

/** Big-endian, without the zeros that keep it positive. */
function number(value: unknown): Buffer {
  const digits = textOf(value).replace(/^0+/, '')
  return hex(digits.length % 2 === 0 ? digits : `0${digits}`)
}
