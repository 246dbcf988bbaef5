/** RFC 9449: a proof that whoever asks holds a key, and that key's thumbprint, which a token names. */

import { hash } from 'node:crypto'
import {
  type CheckedProof,
  checkDpopProof,
  type Jwk,
  OAuthError,
  oncePer,
  readJws,
  refuse,
} from '@sallyport/protocol'
import { jwkThumbprint } from '../keys/jwk-thumbprint.ts'
import type { SecretHasher } from '../keys/secret-hasher.ts'
import { importJwk, type VerificationKey, verifySignature } from '../keys/verify-signature.ts'
import type { SingleUse } from '../store/single-use.ts'
import type { Tenant } from '../tenants/tenant.ts'
import { acceptedNonces, currentNonce } from './nonce.ts'
import { adviceFor } from './proof-advice.ts'

/** A request as its proof must describe it. */
export interface ProofCall {
  readonly tenant: Pick<Tenant, 'id' | 'security'>
  /** Every `DPoP` header. */
  readonly proofs: readonly string[]
  readonly method: string
  /** The URLs that the endpoint has, without query and fragment. */
  readonly urls: readonly string[]
  /** The token that came along; null where one is asked for. */
  readonly accessToken: string | null
  /** Epoch seconds. */
  readonly now: number
}

export interface ProofDeps {
  readonly hasher: SecretHasher
  readonly singleUse: SingleUse
}

export interface ProvenKey {
  /** RFC 9449 §6.1. */
  readonly jkt: string
  /** RFC 9449 §8.2: the one to use from now on; null where the proof has it, or none is asked for. */
  readonly nextNonce: string | null
}

type Proof = Extract<CheckedProof, { readonly ok: true }>

const refuseProof = (reason: string): never => refuse('invalid_dpop_proof', reason, adviceFor(reason))

/** RFC 9449 §4.3. Throws `invalid_dpop_proof`, and `use_dpop_nonce` with the nonce to use. */
export async function proveDpopKey(call: ProofCall, deps: ProofDeps): Promise<ProvenKey> {
  const [text = '', ...others] = call.proofs
  // RFC 9449 §4.3: one header.
  if (others.length > 0) refuseProof('several DPoP headers')
  const jws = readJws(text) ?? refuseProof('proof malformed')
  const { method, urls, now } = call
  const algorithms = call.tenant.security.proofAlgorithms
  const proof = checkDpopProof(jws, { method, urls, algorithms, now })
  if (!proof.ok) return refuseProof(proof.reason)
  const { key, jkt } = knownKey(proof.jwk)
  if (key === null || !verifySignature(key, jws.algorithm, jws.signingInput, jws.signature)) {
    return refuseProof('proof not signed with its key')
  }
  checkTokenHash(call, proof)
  const nextNonce = checkNonce(call, proof, deps)
  await useOnce(call, jkt, proof, deps)
  return { jkt, nextNonce }
}

interface KnownKey {
  /** Null for a point beside its curve, and the like. */
  readonly key: VerificationKey | null
  readonly jkt: string
}

// A client keeps its key for days, and reading one costs as much as using it.
const knownKey = oncePer((jwk: Jwk): KnownKey => ({ key: importJwk(jwk), jkt: jwkThumbprint(jwk) }))

/** RFC 9449 §4.3: a proof that goes with a token names it, so that it proves nothing for another of the same key. */
function checkTokenHash({ accessToken }: ProofCall, { accessTokenHash }: Proof): void {
  if (accessToken !== null && accessTokenHash !== hash('sha256', accessToken, 'base64url'))
    refuseProof('proof for another token')
}

/** RFC 9449 §8, §9: who holds an old nonce, or none, is told the one to use. */
function checkNonce({ tenant, now }: ProofCall, { nonce }: Proof, { hasher }: ProofDeps): string | null {
  if (!tenant.security.requiresDpopNonce) return null
  const current = currentNonce(hasher, tenant.id, now)
  if (nonce === null || !acceptedNonces(hasher, tenant.id, now).includes(nonce)) {
    const reason = nonce === null ? 'proof without a nonce' : 'nonce too old or not ours'
    throw new OAuthError('use_dpop_nonce', reason, { headers: { 'DPoP-Nonce': current } })
  }
  return nonce === current ? null : current
}

/** RFC 9449 §11.1. */
async function useOnce(
  { tenant }: ProofCall,
  jkt: string,
  { jti, expiresAt }: Proof,
  { singleUse }: ProofDeps,
): Promise<void> {
  const digest = hash('sha256', `dpop ${tenant.id} ${jkt} ${jti}`, 'buffer')
  if (!(await singleUse.use({ digest, expiresAt }))) refuseProof('proof used before')
}
