/** DPoP proofs that are good once at all processes together, through Redis or Valkey. */

import { createCircuit } from '../limits/circuit.ts'
import { type Elapsed, systemElapsed } from '../limits/limit.ts'
import { type After, createPatience, systemAfter } from '../limits/patience.ts'
import { type RedisClient, scriptRunner, watchConnection } from '../limits/redis-client.ts'
import { objectOf, oneOf } from '../option-checks.ts'
import { askingChecks, clientCheck, refuseProblems } from '../store-options.ts'
import type { ProofLife, ProofMemory, ProofUse } from './proof-memory.ts'

/** How `createRedisProofs` names its keys, how long it waits, and what holds while it cannot ask. */
export interface RedisProofsOptions {
  readonly elapsed?: Elapsed
  readonly after?: After
  /** What its keys begin with. */
  readonly prefix?: string
  /** How long a request waits for an answer: 250. */
  readonly timeoutMilliseconds?: number
  /** How long nothing is asked while there is no answer: 1000. */
  readonly pauseMilliseconds?: number
  /** `refuse`, unless you say `allow`: a proof is then good once at each process. */
  readonly whenLost?: 'refuse' | 'allow'
  /** Once, when there are no answers any more; `reason` is what the connection or the client failed with. */
  readonly onDegraded?: (reason: unknown) => void
  /** Once, when there are answers again. */
  readonly onRecovered?: () => void
}

const optionsCheck = objectOf<RedisProofsOptions>({
  ...askingChecks,
  whenLost: oneOf(['refuse', 'allow']),
})

const useScript = `return redis.call('SET', KEYS[1], '', 'NX', 'PX', ARGV[1]) and 1 or 0`

// Another process takes a proof for longer, if its clock is behind.
const clockSkewSeconds = 60

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
  const { elapsed = systemElapsed, after = systemAfter, prefix = 'sallyport:proof:' } = options
  const { timeoutMilliseconds = 250, pauseMilliseconds = 1000, whenLost = 'refuse' } = options
  const { onDegraded = () => {}, onRecovered = () => {} } = options
  const connection = watchConnection(client)
  const run = scriptRunner(client, useScript)
  const circuit = createCircuit({
    elapsed,
    within: createPatience(timeoutMilliseconds, after),
    pauseMilliseconds,
    explain: () => connection.error,
    onLost: onDegraded,
    onFound: onRecovered,
  })
  const lost: ProofUse = whenLost === 'allow' ? 'first' : 'unknown'

  async function ask(id: string, milliseconds: number): Promise<'first' | 'used'> {
    const answer = Number(await run(prefix + id, [`${milliseconds}`]))
    connection.answered()
    if (answer === 1) return 'first'
    if (answer === 0) return 'used'
    throw new Error('The answer of the script is neither 0 nor 1.')
  }
  return {
    async use(id, life) {
      if (!circuit.isOpen) return (await circuit.ask(ask(id, millisecondsOf(life)))) ?? lost
      circuit.probe(() => ask('probe', 1))
      return lost
    },
    standing: () => ({
      isShared: !circuit.isOpen,
      milliseconds: circuit.milliseconds,
      failure: circuit.failure,
    }),
  }
}

const millisecondsOf = ({ now, expiresAt }: ProofLife): number =>
  Math.ceil((Math.max(expiresAt - now, 0) + clockSkewSeconds) * 1000)
