/** RFC 9449 §7: whoever sends a bound token proves with each request that the key is theirs. */

import {
  checkDpopProof,
  jwkThumbprintInput,
  parseUrl,
  type RefusalReason,
  readJws,
  type Soon,
} from '@sallyport/protocol'
import type { RequestView } from '../request-view.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { Nonces } from './nonces.ts'
import { createProofMemory, type ProofMemory } from './proof-memory.ts'

export interface DpopTerms {
  /** Where clients reach the API: scheme, host and port, and what a proxy cuts off each path. */
  readonly base: string
  readonly algorithms: ReadonlySet<string>
  /** Null where no nonce is asked for. */
  readonly nonces: Nonces | null
  /** What other processes remember too; null where each remembers for itself. */
  readonly proofs: ProofMemory | null
  readonly runtime: Runtime
  readonly clock: () => number
}

export interface DpopChecker {
  /** `nonce` is the one to send along, in `DPoP-Nonce`. */
  check(request: RequestView, token: string, jkt: string): Promise<DpopOutcome>
}

export interface DpopOutcome {
  readonly problem: RefusalReason | null
  readonly nonce: string | null
}

/** RFC 9449 §11.1: a proof is good once, at this process, and with `proofs` at all that share it. */
export function createDpopChecker(terms: DpopTerms): DpopChecker {
  const { base, algorithms, nonces, proofs, runtime, clock } = terms
  const own = createProofMemory()

  async function isSignedBy(jkt: string, text: string, request: RequestView, token: string) {
    const jws = readJws(text)
    if (jws === null) return null
    const path = pathOf(request.sentUrl ?? request.url)
    // Whoever cuts `/v1` off makes `/` of `/v1` and of `/v1/`.
    const urls = path === '/' ? [base + path, base] : [base + path]
    const proof = checkDpopProof(jws, { method: request.method, urls, algorithms, now: clock() })
    if (!proof.ok || proof.accessTokenHash !== (await runtime.sha256(token))) return null
    if ((await runtime.sha256(jwkThumbprintInput(proof.jwk))) !== jkt) return null
    const key = await runtime.importKey(proof.jwk)
    const isSigned = await key?.hasSigned(jws.algorithm, jws.signingInput, jws.signature)
    return isSigned === true ? proof : null
  }
  return {
    async check(request, token, jkt) {
      const accepted = (await nonces?.accepted(clock())) ?? null
      const current = accepted?.[0] ?? null
      const header = request.headers.get('dpop')
      if (header === null) return { problem: 'bound_to_dpop_key', nonce: current }
      const proof = await isSignedBy(jkt, header, request, token)
      if (proof === null) return { problem: 'dpop_proof', nonce: current }
      if (accepted !== null && !accepted.includes(proof.nonce ?? ''))
        return { problem: 'dpop_nonce', nonce: current }
      const id = `${jkt} ${await shortened(proof.jti, runtime)}`
      const life = { now: clock(), expiresAt: proof.expiresAt }
      const ownUse = own.use(id, life)
      // The same `jti` may be used at another API (RFC 9449 §11.1), and two APIs may have one Redis.
      const use = ownUse === 'first' ? ((await proofs?.use(`${base} ${id}`, life)) ?? 'first') : ownUse
      if (use !== 'first')
        return { problem: use === 'used' ? 'dpop_proof' : 'proofs_unavailable', nonce: current }
      return { problem: null, nonce: proof.nonce === current ? null : current }
    },
  }
}

const longestKeptId = 64

/** A flood of long ones would fill the memory. */
const shortened = (jti: string, runtime: Runtime): Soon<string> =>
  jti.length <= longestKeptId ? jti : runtime.sha256(jti)

/** RFC 9449 §4.3: without query and fragment. */
function pathOf(url: string): string {
  const path = url.startsWith('/') ? url : (parseUrl(url)?.pathname ?? '')
  // Put behind the origin, `.evil.example` would make another host of it.
  if (!path.startsWith('/')) return '/'
  const end = path.search(/[?#]/)
  return end < 0 ? path : path.slice(0, end)
}
