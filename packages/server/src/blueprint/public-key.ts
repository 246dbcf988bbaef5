/** Public keys as blueprints give them, a JWK or a PEM file: read strictly, and nothing of a private one ever shown. */

import { createPublicKey } from 'node:crypto'
import { type Jwk, readPublicJwk } from '@sallyport/protocol'
import { decodePem } from '../certificates/pem.ts'
import { importJwk } from '../keys/verify-signature.ts'
import { type Fault, hasPrivateKey } from './problem.ts'

const wanted =
  'one public key, EC on P-256 or P-384, Ed25519, or RSA of 2048 to 4096 bits; openssl pkey -pubout makes it of a private one'

const privateKey: Fault = {
  found: 'a private key, which may be nowhere but with its owner',
  expected: wanted,
}

export function readJwk(value: unknown): { readonly jwk: Jwk } | Fault {
  if (typeof value === 'string' && hasPrivateKey(value)) return privateKey
  const reading = readPublicJwk(value)
  if ('problem' in reading) return { found: reading.problem, expected: wanted }
  // Whether the point lies on the curve.
  return importJwk(reading.jwk) ? reading : { found: 'a key that cannot be', expected: wanted }
}

/** The content of a file. */
export function readKeyText(text: string): { readonly jwk: Jwk } | Fault {
  if (hasPrivateKey(text)) return privateKey
  if (text.includes('-----BEGIN ')) return readKeyPem(text)
  try {
    return readJwk(JSON.parse(text))
  } catch {
    return { found: 'a file that is neither JSON nor PEM', expected: wanted }
  }
}

function readKeyPem(text: string): { readonly jwk: Jwk } | Fault {
  const [der, ...others] = decodePem(text, 'PUBLIC KEY') ?? []
  if (!der || others.length > 0)
    return { found: 'a file without one PUBLIC KEY block in PEM', expected: wanted }
  try {
    return readJwk(createPublicKey({ key: der, format: 'der', type: 'spki' }).export({ format: 'jwk' }))
  } catch {
    return { found: 'a key of a kind that is not used here', expected: wanted }
  }
}
