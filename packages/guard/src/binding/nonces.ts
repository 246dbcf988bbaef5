/**
 * Nonces that DPoP proofs must hold where an API asks for them (RFC 9449 §9). They follow from the time and a key, so
 * nothing is stored; processes of one API that share the key know each other's.
 */

import type { Soon } from '@sallyport/protocol'
import type { Runtime } from '../runtime/runtime.ts'

export interface Nonces {
  /** The one to hand out first, then those that may still be used. */
  accepted(now: number): Soon<readonly string[]>
}

const periodSeconds = 60
// A proof that was made with the nonce of two minutes ago has only been slow.
const periodsAccepted = 3
// 132 bits.
const nonceCharacters = 22

/** `drawKey` is 32 bytes of randomness in base64url, and not asked for before the first nonce. */
export function createNonces(drawKey: () => string, runtime: Runtime): Nonces {
  let key: string | null = null
  let known: { readonly period: number; readonly nonces: Soon<readonly string[]> } | null = null
  const nonceOf = async (period: number): Promise<string> => {
    key ??= drawKey()
    // The key has one length and stands at both ends, so no text can be put behind it.
    return (await runtime.sha256(`${key} ${period} ${key}`)).slice(0, nonceCharacters)
  }
  const noncesOf = (period: number): Promise<readonly string[]> =>
    Promise.all(Array.from({ length: periodsAccepted }, (_, age) => nonceOf(period - age)))
  return {
    accepted(now) {
      const period = Math.floor(now / periodSeconds)
      if (known?.period !== period) known = { period, nonces: noncesOf(period) }
      return known.nonces
    },
  }
}
