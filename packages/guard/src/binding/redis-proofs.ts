/** DPoP proofs that are good once at all processes together, through Redis or Valkey. */

import { clockSkewSeconds } from '@sallyport/protocol'
import { objectOf, oneOf } from '../option-checks.ts'
import type { RedisClient } from '../sharing/redis-client.ts'
import { createRedisLink, type RedisLinkOptions } from '../sharing/redis-link.ts'
import { askingChecks, clientCheck, refuseProblems } from '../store-options.ts'
import type { ProofLife, ProofMemory, ProofUse } from './proof-memory.ts'

/** How `createRedisProofs` asks, and what holds while it cannot. */
export interface RedisProofsOptions extends RedisLinkOptions {
  /** `refuse`, unless you say `allow`: a proof is then good once at each process. */
  readonly whenLost?: 'refuse' | 'allow'
}

const optionsCheck = objectOf<RedisProofsOptions>({
  ...askingChecks,
  whenLost: oneOf(['refuse', 'allow']),
})

const useScript = `return redis.call('SET', KEYS[1], '', 'NX', 'PX', ARGV[1]) and 1 or 0`

/**
 * Processes that are given the same Redis or Valkey take a DPoP proof once between them, for `dpop: { proofs }` of a guard.
 * While there is no answer, bound tokens are refused with 503 (`proofs_unavailable`), or with `whenLost: 'allow'` a proof is
 * good once at each process. A server that is restarted empty has forgotten the proofs of the last minute; the process that
 * took one has not. The client remains the caller's: its connection and its end. Does not look
 * into proofs. Throws `GuardOptionsError` for its own options.
 *
 * @example
 * ```ts
 * import { createGuard } from '@sallyport/guard'
 * import { createRedisProofs } from '@sallyport/guard/redis'
 * import { Redis } from 'ioredis'
 *
 * const guard = createGuard({
 *   issuer: 'https://auth.example.com/acme',
 *   audience: 'https://api.example.com',
 *   dpop: { proofs: createRedisProofs(new Redis('redis://localhost')) },
 * })
 * ```
 */
export function createRedisProofs(client: RedisClient, options: RedisProofsOptions = {}): ProofMemory {
  refuseProblems('createRedisProofs', [...clientCheck(client, 'client'), ...optionsCheck(options, 'options')])
  const { whenLost = 'refuse' } = options
  const { circuit, ask } = createRedisLink(
    client,
    { script: useScript, standardPrefix: 'sallyport:proof:' },
    options,
  )
  const lost: ProofUse = whenLost === 'allow' ? 'first' : 'unknown'

  return {
    async use(id, life) {
      if (!circuit.isOpen) return (await circuit.ask(ask(id, [`${millisecondsOf(life)}`], readUse))) ?? lost
      circuit.probe(() => ask('probe', ['1'], readUse))
      return lost
    },
    standing: () => ({
      isShared: !circuit.isOpen,
      milliseconds: circuit.milliseconds,
      failure: circuit.failure,
    }),
  }
}

/** Another process takes a proof for longer, if its clock is behind. */
const millisecondsOf = ({ now, expiresAt }: ProofLife): number =>
  Math.ceil((Math.max(expiresAt - now, 0) + clockSkewSeconds) * 1000)

function readUse(answer: unknown): 'first' | 'used' {
  const number = Number(answer)
  if (number === 1) return 'first'
  if (number === 0) return 'used'
  throw new Error('The answer of the script is neither 0 nor 1.')
}
