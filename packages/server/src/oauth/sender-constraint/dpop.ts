/** RFC 9449: a proof that whoever asks holds a key, and that key's thumbprint, which the token then names. */

import { createHash } from 'node:crypto'
import {
  checkDpopProof,
  type Jwk,
  type Jws,
  jwkThumbprintInput,
  OAuthError,
  readJws,
  refuse,
} from '@sallyport/protocol'
import { importVerificationKey, type VerificationKey, verifySignature } from '../../keys/verify-signature.ts'
import { RecentMap } from '../../store/read-through.ts'
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
    urls: [request.issuer + request.http.endpointPath],
    algorithms: request.tenant.security.proofAlgorithms,
    now: request.now,
  })
  if (!proof.ok) return refuse('invalid_dpop_proof', proof.reason)
  const jkt = createHash('sha256').update(jwkThumbprintInput(proof.jwk)).digest('base64url')
  checkSignature(jws, proof.jwk, jkt)
  checkNonce(request, proof.nonce, deps)
  await useOnce(request, jkt, proof, deps)
  return jkt
}

// A client keeps its key for days, and reading one costs as much as using it.
const knownKeys = new RecentMap<VerificationKey>(1_000)

function checkSignature({ algorithm, signingInput, signature }: Jws, jwk: Jwk, jkt: string): void {
  const key = knownKeys.get(jkt) ?? importVerificationKey(jwk)
  if (key === null || !verifySignature(key, algorithm, signingInput, signature)) {
    refuse('invalid_dpop_proof', 'proof not signed with its key')
  }
  knownKeys.set(jkt, key)
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
  const digest = createHash('sha256').update(`dpop ${tenant.id} ${jkt} ${jti}`).digest()
  if (!(await singleUse.use({ digest, expiresAt }))) refuse('invalid_dpop_proof', 'proof used before')
}
