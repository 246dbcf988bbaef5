/** RFC 9449: a proof that whoever asks holds a key, and that key's thumbprint, which the token then names. */

import { hash } from 'node:crypto'
import {
  checkDpopProof,
  type Jwk,
  jwkThumbprintInput,
  OAuthError,
  readJws,
  refuse,
} from '@sallyport/protocol'
import { importJwk, type VerificationKey, verifySignature } from '../../keys/verify-signature.ts'
import type { TokenDeps } from '../deps.ts'
import type { TokenRequest } from '../token-request.ts'
import { acceptedNonces, currentNonce } from './nonce.ts'

/** Resolves to the `jkt`. Throws `invalid_dpop_proof`, and `use_dpop_nonce` with the nonce to use. */
export async function proveDpopKey(request: TokenRequest, deps: TokenDeps): Promise<string> {
  const [text = '', ...others] = request.http.dpop
  // RFC 9449 §4.3: one header.
  if (others.length > 0) refuse('invalid_dpop_proof', 'several DPoP headers')
  const jws = readJws(text) ?? refuse('invalid_dpop_proof', 'proof malformed')
  const proof = checkDpopProof(jws, {
    method: 'POST',
    urls: tokenUrls(request),
    algorithms: request.tenant.security.proofAlgorithms,
    now: request.now,
  })
  if (!proof.ok) return refuse('invalid_dpop_proof', proof.reason)
  const { key, jkt } = knownKey(proof.jwk)
  if (key === null || !verifySignature(key, jws.algorithm, jws.signingInput, jws.signature)) {
    return refuse('invalid_dpop_proof', 'proof not signed with its key')
  }
  checkNonce(request, proof.nonce, deps)
  await useOnce(request, jkt, proof, deps)
  return jkt
}

/** RFC 8705 §5: the endpoint has a second URL where connections are asked for certificates. */
const tokenUrls = ({ issuer, mtlsIssuer, http: { endpointPath } }: TokenRequest): readonly string[] =>
  mtlsIssuer === null ? [issuer + endpointPath] : [issuer + endpointPath, mtlsIssuer + endpointPath]

interface KnownKey {
  /** Null for a point beside its curve, and the like. */
  readonly key: VerificationKey | null
  readonly jkt: string
}

// A client keeps its key for days, and reading one costs as much as using it.
const knownKeys = new WeakMap<Jwk, KnownKey>()

function knownKey(jwk: Jwk): KnownKey {
  const known = knownKeys.get(jwk)
  if (known !== undefined) return known
  const read = { key: importJwk(jwk), jkt: hash('sha256', jwkThumbprintInput(jwk), 'base64url') }
  knownKeys.set(jwk, read)
  return read
}

/** RFC 9449 §8: who holds an old nonce, or none, is told the one to use. */
function checkNonce({ tenant, now, notes }: TokenRequest, nonce: string | null, { hasher }: TokenDeps): void {
  if (!tenant.security.requiresDpopNonce) return
  const current = currentNonce(hasher, tenant.id, now)
  if (nonce === null || !acceptedNonces(hasher, tenant.id, now).includes(nonce)) {
    throw new OAuthError(
      'use_dpop_nonce',
      nonce === null ? 'proof without a nonce' : 'nonce too old or not ours',
      {
        headers: { 'DPoP-Nonce': current },
      },
    )
  }
  if (nonce !== current) notes.nextDpopNonce = current
}

/** RFC 9449 §11.1. */
async function useOnce(
  { tenant }: TokenRequest,
  jkt: string,
  { jti, expiresAt }: { readonly jti: string; readonly expiresAt: number },
  { singleUse }: TokenDeps,
): Promise<void> {
  const digest = hash('sha256', `dpop ${tenant.id} ${jkt} ${jti}`, 'buffer')
  if (!(await singleUse.use({ digest, expiresAt }))) refuse('invalid_dpop_proof', 'proof used before')
}
