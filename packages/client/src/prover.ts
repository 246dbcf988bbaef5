/** The DPoP key of a client, made when it is first needed, and the nonces of every server that it has met. */

import * as oauth from 'oauth4webapi'
import type { Effects } from './effects.ts'
import type { ClientOptions } from './options.ts'

/** Undefined for a client whose tokens are not bound to a key. */
export type Prover = () => Promise<oauth.DPoPHandle | undefined>

export function createProver({ dpop }: ClientOptions, { clock }: Pick<Effects, 'clock'>): Prover {
  if (!dpop) return async () => undefined
  const make = async () =>
    oauth.DPoP({}, dpop === true ? await oauth.generateKeyPair('ES256') : dpop, {
      [oauth.modifyAssertion]: (_header, claims) => void Object.assign(claims, { iat: Math.floor(clock()) }),
    })
  let handle: Promise<oauth.DPoPHandle> | undefined
  return () => {
    handle ??= make()
    return handle
  }
}
