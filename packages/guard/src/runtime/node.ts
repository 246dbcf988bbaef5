/** `node:crypto`, which answers at once and is several times as fast as Web Crypto: on Node, Bun and Deno. */

import { algorithmsOfJwk, type Jwk } from '@sallyport/protocol'
import type { Runtime, VerificationKey } from './runtime.ts'

type NodeCrypto = typeof import('node:crypto')
type KeyObject = ReturnType<NodeCrypto['createPublicKey']>
/** `input` is in ASCII. */
type Check = (key: KeyObject, input: string, signature: Uint8Array) => boolean

/** Null where the runtime has none. Found at run time, so that bundlers for other runtimes see no import of it. */
export function nodeRuntime(): Runtime | null {
  const crypto = builtinCrypto()
  if (crypto === undefined) return null
  const checks = checksOf(crypto)
  return {
    importKey: (jwk) => importKey(crypto, checks, jwk),
    sha256: (input) => crypto.createHash('sha256').update(input).digest('base64url'),
  }
}

function builtinCrypto(): NodeCrypto | undefined {
  return globalThis.process?.getBuiltinModule?.('node:crypto')
}

function importKey(
  crypto: NodeCrypto,
  checks: Readonly<Record<string, Check>>,
  jwk: Jwk,
): VerificationKey | null {
  const key = publicKey(crypto, jwk)
  if (key === null) return null
  const algorithms = algorithmsOfJwk(jwk)
  return {
    kid: jwk.kid ?? null,
    algorithms,
    hasSigned(algorithm, signingInput, signature) {
      const check = algorithms.includes(algorithm) ? checks[algorithm] : undefined
      return check?.(key, signingInput, signature) ?? false
    },
  }
}

function publicKey(crypto: NodeCrypto, { kty, crv, x, y, n, e }: Jwk): KeyObject | null {
  try {
    return crypto.createPublicKey({
      format: 'jwk',
      key: JSON.parse(JSON.stringify({ kty, crv, x, y, n, e })),
    })
  } catch {
    return null
  }
}

/** RFC 7518 §3, RFC 8037 §3.1: one line an algorithm. */
function checksOf({ createVerify, verify }: NodeCrypto): Readonly<Record<string, Check>> {
  // `verify` alone makes OpenSSL look everything up anew: RS256 takes a twentieth longer with it.
  const digested = (
    hash: string,
    key: Parameters<ReturnType<NodeCrypto['createVerify']>['verify']>[0],
    input: string,
    signature: Uint8Array,
  ) => createVerify(hash).update(input, 'latin1').verify(key, signature)
  const edwards: Check = (key, input, signature) =>
    signature.length === 64 && verify(null, Buffer.from(input, 'latin1'), key, signature)
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
