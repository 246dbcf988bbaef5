/** `node:crypto`, which answers at once and is several times as fast as Web Crypto: on Node, Bun and Deno. */

import { algorithmsOfJwk, type Jwk, type SignatureCheck, signatureChecks } from '@sallyport/protocol'
import type { Runtime, VerificationKey } from './runtime.ts'

type NodeCrypto = typeof import('node:crypto')
type KeyObject = ReturnType<NodeCrypto['createPublicKey']>

/** Null where the runtime has none. Found at run time, so that bundlers for other runtimes see no import of it. */
export function nodeRuntime(): Runtime | null {
  const crypto = builtinCrypto()
  if (crypto === undefined) return null
  const checks = signatureChecks<KeyObject>(crypto)
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
  checks: Readonly<Record<string, SignatureCheck<KeyObject>>>,
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
