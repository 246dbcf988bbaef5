/** What is done to a good signature so that nobody may take it any more, for each kind of signature its own list. */

import { constants, createPublicKey, hash, type KeyObject, privateEncrypt, sign } from 'node:crypto'
import type { Result } from './wycheproof.ts'

/** A signature over a message, as a JWS has it. */
export interface Signed {
  readonly algorithm: string
  readonly privateKey: KeyObject
  readonly message: Buffer
  readonly signature: Buffer
}

export interface Tampered {
  readonly comment: string
  readonly signature: Buffer
  /** Of a few the other party still agrees that they are good. */
  readonly result: Result
}

export function tamperings(signed: Signed): readonly Tampered[] {
  const own = { EC: tamperEcdsa, OKP: tamperEdwards, RSA: tamperRsa }[kindOf(signed.algorithm)]
  return [...tamperBytes(signed.signature), ...own(signed)]
}

const kindOf = (algorithm: string): 'EC' | 'OKP' | 'RSA' =>
  algorithm.startsWith('Ed') ? 'OKP' : algorithm.startsWith('ES') ? 'EC' : 'RSA'

const bad = (comment: string, ...parts: readonly Uint8Array[]): Tampered => ({
  comment,
  signature: Buffer.concat(parts),
  result: 'invalid',
})

const zero = Buffer.alloc(1)

function tamperBytes(signature: Buffer): Tampered[] {
  const { length } = signature
  const places = [0, 1, length >> 1, length - 1]
  return [
    ...places.map((place) => bad(`bit flipped in byte ${place}`, flip(signature, place))),
    bad('last byte missing', signature.subarray(0, -1)),
    bad('first byte missing', signature.subarray(1)),
    bad('half missing', signature.subarray(0, length >> 1)),
    bad('a zero byte more behind', signature, zero),
    bad('a zero byte more in front', zero, signature),
    bad('twice', signature, signature),
    bad('no signature'),
    bad('one byte', Buffer.of(1)),
    bad('only zeros', Buffer.alloc(length)),
    bad('only ones', Buffer.alloc(length, 0xff)),
  ]
}

function flip(bytes: Buffer, place: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[place] = (copy[place] ?? 0) ^ 1
  return copy
}

const orders: Readonly<Record<string, bigint>> = {
  ES256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  ES384: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
}

function tamperEcdsa({ algorithm, privateKey, message, signature }: Signed): Tampered[] {
  const size = signature.length / 2
  const order = orders[algorithm] ?? 0n
  const [r, s] = [signature.subarray(0, size), signature.subarray(size)]
  const fixed = (value: bigint, bytes = size) =>
    Buffer.from(value.toString(16).padStart(bytes * 2, '0'), 'hex')
  const [none, one, n] = [fixed(0n), fixed(1n), fixed(order)]
  const wider = (bytes: Buffer) => Buffer.concat([Buffer.alloc(16), bytes])
  const otherHash = algorithm === 'ES256' ? 'sha384' : 'sha256'
  return [
    // Who has a signature has this one too: an assertion is known by its jti and not by its bytes.
    { comment: 's is n - s', signature: Buffer.concat([r, fixed(order - integer(s))]), result: 'valid' },
    bad('r is 0', none, s),
    bad('s is 0', r, none),
    bad('r is 1 and s is 1', one, one),
    bad('r is n', n, s),
    bad('s is n', r, n),
    bad('r and s are n', n, n),
    bad('r is 0 and s is n', none, n),
    bad('s is n - 1', r, fixed(order - 1n)),
    bad('s is more than n', r, Buffer.alloc(size, 0xff)),
    bad('r and s exchanged', s, r),
    bad('r + n in a byte more', fixed(integer(r) + order, size + 1), fixed(integer(s), size + 1)),
    bad('r and s with zeros in front', wider(r), wider(s)),
    bad('in DER', sign(hashOf(algorithm), message, privateKey)),
    bad('over another hash', sign(otherHash, message, { key: privateKey, dsaEncoding: 'ieee-p1363' })),
  ]
}

const hashOf = (algorithm: string): string => (algorithm === 'ES384' ? 'sha384' : 'sha256')
const integer = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex')}`)

const edwardsOrder = 2n ** 252n + 27742317777372353535851937790883648493n

/** RFC 8032 §5.1.7: S is below the order, or the same signature has several spellings. */
function tamperEdwards({ signature }: Signed): Tampered[] {
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)]
  const little = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse()
  const value = integer(Buffer.from(s).reverse())
  return [
    bad('S + L', r, little(value + edwardsOrder)),
    bad('S + 2L', r, little(value + 2n * edwardsOrder)),
    bad('S is L', r, little(edwardsOrder)),
    bad('S is 0', r, little(0n)),
    bad('S is L - S', r, little(edwardsOrder - value)),
    bad('R and S exchanged', s, r),
    bad('R is the neutral point', little(1n), s),
    bad('R with its sign turned', flipHigh(r), s),
  ]
}

function flipHigh(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  copy[31] = (copy[31] ?? 0) ^ 0x80
  return copy
}

function tamperRsa(signed: Signed): Tampered[] {
  const { algorithm, privateKey, message, signature } = signed
  const { n = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  const modulus = integer(Buffer.from(n, 'base64url'))
  const size = signature.length
  const bytes = (value: bigint, length = size) =>
    Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex')
  return [
    bad('is 1', bytes(1n)),
    bad('is n', bytes(modulus)),
    bad('is n - 1', bytes(modulus - 1n)),
    bad('signature + n', bytes(integer(signature) + modulus, size + 1)),
    ...(algorithm === 'PS256' ? tamperPss(privateKey, message) : tamperPkcs1(privateKey, message, size)),
  ]
}

/** RFC 7518 §3.5: one salt length, and one hash for both uses. */
function tamperPss(key: KeyObject, message: Buffer): Tampered[] {
  const padding = constants.RSA_PKCS1_PSS_PADDING
  const salted = (saltLength: number) => sign('sha256', message, { key, padding, saltLength })
  return [
    ...[0, 20, 31, 33, 64].map((length) => bad(`salt of ${length} bytes`, salted(length))),
    bad('over another hash', sign('sha512', message, { key, padding, saltLength: 32 })),
    bad('with the padding of PKCS #1 v1.5', sign('sha256', message, key)),
  ]
}

/** X.690 by hand: the algorithm identifiers of SHA-1, SHA-256 and SHA-512 with their NULL. */
const identifiers = {
  sha1: '300906052b0e03021a0500',
  sha256: '300d06096086480165030402010500',
  sha512: '300d06096086480165030402030500',
  withoutNull: '300b0609608648016503040201',
  longLength: '30810d06096086480165030402010500',
}

/** RFC 8017 §9.2: what stands below the signature has exactly one form. */
function tamperPkcs1(key: KeyObject, message: Buffer, size: number): Tampered[] {
  const digest = hash('sha256', message, 'buffer')
  const raw = (encoded: Buffer) => privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, encoded)
  const info = (identifier: string, value = digest, more = Buffer.alloc(0)) => {
    const content = Buffer.concat([Buffer.from(identifier, 'hex'), Buffer.of(4, value.length), value, more])
    return Buffer.concat([Buffer.of(0x30, content.length), content])
  }
  const padded = (below: Buffer, { type = 1, fill = 0xff, stop = 0 } = {}) =>
    Buffer.concat([Buffer.of(0, type), Buffer.alloc(size - below.length - 3, fill), Buffer.of(stop), below])
  const good = info(identifiers.sha256)
  const garbage = Buffer.alloc(size - 11 - good.length, 0x5a)
  return [
    {
      ...bad('without the NULL of the hash', raw(padded(info(identifiers.withoutNull)))),
      result: 'acceptable',
    },
    bad('with the name of SHA-1', raw(padded(info(identifiers.sha1)))),
    bad('with the name of SHA-512', raw(padded(info(identifiers.sha512)))),
    bad('with a length in two bytes', raw(padded(info(identifiers.longLength)))),
    bad('with bytes behind the hash', raw(padded(info(identifiers.sha256, digest, Buffer.of(5, 0))))),
    bad('with a hash cut short', raw(padded(info(identifiers.sha256, digest.subarray(0, 31))))),
    bad('with the bare hash', raw(padded(digest))),
    bad(
      'with padding of eight bytes and rubbish at the end',
      raw(Buffer.concat([shortPadding, good, garbage])),
    ),
    bad('with rubbish in front and no padding', raw(Buffer.concat([shortPadding, garbage, good]))),
    bad('with padding of type 2', raw(padded(good, { type: 2 }))),
    bad('with padding of zeros', raw(padded(good, { fill: 0 }))),
    bad('without the zero behind the padding', raw(padded(good, { stop: 0xff }))),
    bad('with the padding of PSS', sign('sha256', message, pssOf(key))),
    bad('over another hash', sign('sha512', message, key)),
  ]
}

const shortPadding = Buffer.from('0001ffffffffffffffff00', 'hex')
const pssOf = (key: KeyObject) => ({ key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 })
