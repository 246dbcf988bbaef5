/** RFC 9449 §7: whoever sends a bound token proves with each request that the key is theirs. */

import {
  checkDpopProof,
  jwkThumbprintInput,
  parseUrl,
  RecentMap,
  type RefusalReason,
  readJws,
  type Soon,
} from '@sallyport/protocol'
import type { RequestView } from '../request-view.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { Nonces } from './nonces.ts'

export interface DpopTerms {
  /** Where clients reach the API: scheme, host and port, and what a proxy cuts off each path. */
  readonly base: string
  readonly algorithms: ReadonlySet<string>
  /** Null where no nonce is asked for. */
  readonly nonces: Nonces | null
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

// Of one process, and of a minute's proofs at more than a thousand a second.
const proofsRemembered = 200_000

/** RFC 9449 §11.1: a proof is good once, at this process; where several share an API, ask for nonces as well. */
export function createDpopChecker(terms: DpopTerms): DpopChecker {
  const { base, algorithms, nonces, runtime, clock } = terms
  const used = new RecentMap<number>(proofsRemembered)

  async function isSignedBy(jkt: string, text: string, request: RequestView, token: string) {
    const jws = readJws(text)
    if (jws === null) return null
    const urls = [base + pathOf(request.sentUrl ?? request.url)]
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
      if ((used.get(id) ?? 0) > clock()) return { problem: 'dpop_proof', nonce: current }
      used.set(id, proof.expiresAt)
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
