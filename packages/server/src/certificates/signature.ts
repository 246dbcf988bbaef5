/** Signatures over certificates and revocation lists: which algorithms count, and whether one is good. */
import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto'
import {
  constructed,
  type DerElement,
  DerReader,
  decodeOid,
  decodeSmallInteger,
  MalformedDer,
  malformed,
  tags,
} from './der.ts'

/** RFC 5280 §4.1.1 and §5.1.1: the same three parts in both. */
export interface Signed {
  /** With its head: this is what is signed. */
  readonly contents: Buffer
  readonly algorithm: DerElement
  readonly signature: Buffer
}

interface Scheme {
  readonly keyType: 'rsa' | 'ec' | 'ed25519'
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null
  /** RFC 4055 §3.1: the salt length, where the padding is PSS. */
  readonly saltLength?: number
}

/** No SHA-1 and no MD5: a collision makes a certificate that nobody has issued. */
const schemes = new Map<string, Scheme>([
  ['1.2.840.113549.1.1.11', { keyType: 'rsa', hash: 'sha256' }],
  ['1.2.840.113549.1.1.12', { keyType: 'rsa', hash: 'sha384' }],
  ['1.2.840.113549.1.1.13', { keyType: 'rsa', hash: 'sha512' }],
  ['1.2.840.10045.4.3.2', { keyType: 'ec', hash: 'sha256' }],
  ['1.2.840.10045.4.3.3', { keyType: 'ec', hash: 'sha384' }],
  ['1.2.840.10045.4.3.4', { keyType: 'ec', hash: 'sha512' }],
  ['1.3.101.112', { keyType: 'ed25519', hash: null }],
])
const pssType = '1.2.840.113549.1.1.10'
const mgf1Type = '1.2.840.113549.1.1.8'
const hashes = new Map([
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
] as const)

/** False also for an algorithm or a key that does not count here. */
export function isSignedBy({ contents, algorithm, signature }: Signed, key: KeyObject): boolean {
  const scheme = schemeOf(algorithm)
  if (!scheme || scheme.keyType !== key.asymmetricKeyType || !isStrong(key)) return false
  const { hash, saltLength } = scheme
  try {
    if (saltLength === undefined) return verify(hash, contents, key, signature)
    return verify(hash, contents, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature)
  } catch {
    return false
  }
}

function schemeOf({ content }: DerElement): Scheme | undefined {
  try {
    const reader = new DerReader(content)
    const type = decodeOid(reader.read(tags.oid))
    if (type === pssType) return readPss(reader)
    reader.readOptional(tags.null)
    reader.finish()
    return schemes.get(type)
  } catch (error) {
    if (error instanceof MalformedDer) return undefined
    throw error
  }
}

/** RFC 4055 §3.1: the defaults are all SHA-1, so each part must be written; one hash for both uses. */
function readPss(outer: DerReader): Scheme {
  const reader = outer.enter(tags.sequence)
  outer.finish()
  const hash = readHash(reader.enter(constructed(0)).enter(tags.sequence))
  const mask = reader.enter(constructed(1)).enter(tags.sequence)
  if (decodeOid(mask.read(tags.oid)) !== mgf1Type) malformed('another mask than MGF1')
  if (readHash(mask.enter(tags.sequence)) !== hash) malformed('two hashes')
  const saltLength = decodeSmallInteger(reader.enter(constructed(2)).read(tags.integer))
  reader.finish()
  return { keyType: 'rsa', hash, saltLength }
}

function readHash(reader: DerReader) {
  const hash = hashes.get(decodeOid(reader.read(tags.oid)) as never)
  reader.readOptional(tags.null)
  reader.finish()
  return hash ?? malformed('another hash')
}

const curves: ReadonlySet<string | undefined> = new Set(['prime256v1', 'secp384r1', 'secp521r1'])

/** Keys that may stand in a certificate here. A curve that is spelled out instead of named is not one of them. */
export function isStrong(key: KeyObject): boolean {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {}
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return modulusLength >= 2048 && modulusLength <= 8192
    case 'ec':
      return curves.has(namedCurve)
    case 'ed25519':
      return true
  }
  return false
}

/** Null for a key that the platform cannot read. */
export function readPublicKey(subjectPublicKeyInfo: Buffer): KeyObject | null {
  try {
    return createPublicKey({ key: subjectPublicKeyInfo, format: 'der', type: 'spki' })
  } catch {
    return null
  }
}

/** Reads the three parts of a signed structure, and hands on a reader for what is in the first. */
export function readSigned(reader: DerReader): { readonly signed: Signed; readonly contents: DerReader } {
  const contents = reader.read(tags.sequence)
  const algorithm = reader.read(tags.sequence)
  const bits = reader.read(tags.bitString).content
  reader.finish()
  if (bits[0] !== 0) malformed('a signature that is no bytes')
  return {
    signed: { contents: contents.whole, algorithm, signature: bits.subarray(1) },
    contents: new DerReader(contents.content),
  }
}
