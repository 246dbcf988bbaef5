/** How `node:crypto` checks a JWS signature the fastest way it knows; it is handed in, since not every runtime has it. */

/** As much of `node:crypto` as is needed, in words that runtimes without its types have too; `Key` is its `KeyObject`. */
export interface SignatureCrypto<Key> {
  createVerify(hash: string): {
    update(
      input: string,
      encoding: 'latin1',
    ): { verify(key: Key | Padded<Key>, signature: Uint8Array): boolean }
  }
  verify(hash: null, input: Uint8Array, key: Key, signature: Uint8Array): boolean
}

interface Padded<Key> {
  readonly key: Key
  readonly padding: number
  readonly saltLength: number
}

/**
 * Whether `key` has signed `input`, which is in ASCII. False for a signature of the wrong length. Does not ask whether the
 * key may be used with the algorithm, and throws what OpenSSL throws for a key of another kind.
 */
export type SignatureCheck<Key> = (key: Key, input: string, signature: Uint8Array) => boolean

/**
 * RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2: what others may sign with, all of it asymmetric and known to every runtime.
 * What a tenant or an API allows is chosen among them.
 */
export const signatureAlgorithms = ['ES256', 'EdDSA', 'Ed25519', 'PS256', 'ES384', 'RS256'] as const
export type SignatureAlgorithm = (typeof signatureAlgorithms)[number]

/** RFC 8725 §3.2: what counts unless somebody says otherwise. RS256 is for those who must, by setting. */
export const defaultSignatureAlgorithms: readonly SignatureAlgorithm[] = [
  'ES256',
  'EdDSA',
  'Ed25519',
  'PS256',
  'ES384',
]

/** One line an algorithm. */
export function signatureChecks<Key>(
  crypto: SignatureCrypto<Key>,
): Readonly<Record<SignatureAlgorithm, SignatureCheck<Key>>> {
  // `verify` alone makes OpenSSL look everything up anew: RS256 takes a twentieth longer with it.
  const digested = (hash: string, key: Key | Padded<Key>, input: string, signature: Uint8Array) =>
    crypto.createVerify(hash).update(input, 'latin1').verify(key, signature)
  const edwards: SignatureCheck<Key> = (key, input, signature) =>
    signature.length === 64 && crypto.verify(null, Buffer.from(input, 'latin1'), key, signature)
  return {
    ES256: (key, input, signature) =>
      signature.length === 64 && digested('sha256', key, input, derSignature(signature)),
    ES384: (key, input, signature) =>
      signature.length === 96 && digested('sha384', key, input, derSignature(signature)),
    RS256: (key, input, signature) => digested('sha256', key, input, signature),
    // RFC 7518 §3.5: the salt is as long as the hash.
    PS256: (key, input, signature) =>
      digested('sha256', { key, padding: 6, saltLength: 32 }, input, signature),
    EdDSA: edwards,
    Ed25519: edwards,
  }
}

const sequenceTag = 0x30
const integerTag = 0x02

/**
 * The two numbers of RFC 7518 §3.4 as OpenSSL wants them: telling it `ieee-p1363` instead makes it write the same with
 * more detours, and on Node 24 costs half as much again as the verification.
 */
function derSignature(signature: Uint8Array): Uint8Array {
  const half = signature.length / 2
  const der = Buffer.allocUnsafe(signature.length + 8)
  let end = 2
  for (const start of [0, half]) end = putInteger(der, end, signature, start, start + half)
  der[0] = sequenceTag
  der[1] = end - 2
  return der.subarray(0, end)
}

/** X.690 §8.3: the fewest bytes, and a zero before a leading bit. Both lengths stay below 128. */
function putInteger(der: Uint8Array, at: number, signature: Uint8Array, from: number, to: number): number {
  let start = from
  while (start < to - 1 && signature[start] === 0) start += 1
  const pad = (signature[start] ?? 0) >= 0x80 ? 1 : 0
  der[at] = integerTag
  der[at + 1] = to - start + pad
  let next = at + 2
  if (pad === 1) der[next++] = 0
  for (let index = start; index < to; index++) der[next++] = signature[index] ?? 0
  return next
}
