/** One script over one connection to Redis or Valkey, asked as long as there are answers: for all that processes share there. */

import { type Elapsed, systemElapsed } from '../effects.ts'
import { type After, createPatience, systemAfter } from '../patience.ts'
import { type Circuit, createCircuit } from './circuit.ts'
import { type RedisClient, scriptRunner, watchConnection } from './redis-client.ts'

/** How whatever is shared through Redis names its keys, how long it waits, and who is told when it stops being shared. */
export interface RedisLinkOptions {
  readonly elapsed?: Elapsed
  readonly after?: After
  /** What its keys begin with. */
  readonly prefix?: string
  /** How long a request waits for an answer: 250. */
  readonly timeoutMilliseconds?: number
  /** How long nothing is asked while there is no answer: 1000. */
  readonly pauseMilliseconds?: number
  /** Once, when there are no answers any more; `reason` is what the connection or the client failed with. */
  readonly onDegraded?: (reason: unknown) => void
  /** Once, when there are answers again. */
  readonly onRecovered?: () => void
}

export interface RedisLink {
  readonly circuit: Circuit
  /** Runs the script on one key. Throws what the client or `read` throws; waits as long as the client does. */
  ask<Answer>(name: string, args: readonly string[], read: (answer: unknown) => Answer): Promise<Answer>
}

export interface LinkPurpose {
  /** On one key. */
  readonly script: string
  /** What keys begin with where the options do not say. */
  readonly standardPrefix: string
}

/** The client remains the caller's: its connection and its end. */
export function createRedisLink(
  client: RedisClient,
  { script, standardPrefix }: LinkPurpose,
  options: RedisLinkOptions,
): RedisLink {
  const { elapsed = systemElapsed, after = systemAfter, prefix = standardPrefix } = options
  const { timeoutMilliseconds = 250, pauseMilliseconds = 1000 } = options
  const { onDegraded = () => {}, onRecovered = () => {} } = options
  const connection = watchConnection(client)
  const run = scriptRunner(client, script)
  const circuit = createCircuit({
    elapsed,
    within: createPatience(timeoutMilliseconds, after),
    pauseMilliseconds,
    explain: () => connection.error,
    onLost: onDegraded,
    onFound: onRecovered,
  })
  return {
    circuit,
    async ask(name, args, read) {
      const answer = read(await run(prefix + name, args))
      connection.answered()
      return answer
    },
  }
}
