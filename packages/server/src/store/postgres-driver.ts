/** `pg` with short timeouts, and its errors told apart; a connection that failed is never used again. */

import type { PostgresPool, PostgresPoolClient } from 'kysely'
import pg from 'pg'
import { StoreBusy, StoreConflict, StoreTooSlow, StoreUnavailable } from './database.ts'
import { allowLongStatements, wholeTableMilliseconds } from './whole-tables.ts'

/** Below one second, so that a request which needs a dead database is refused within it. */
export const defaultTimeoutMilliseconds = 800
/** The server gives up this much earlier: then it is an answer, and the connection lives on. */
const headStartMilliseconds = 100
const idleInTransactionMilliseconds = 5000

const int8 = 20

/** Whole seconds and sequence numbers stay far below 2^53; anything else must not be rounded silently. */
function parseInt8(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value))
    throw new RangeError('a bigint column holds more than JavaScript can count')
  return value
}

const types: pg.CustomTypesConfig = {
  getTypeParser: (id, format) => (id === int8 ? parseInt8 : pg.types.getTypeParser(id, format)),
}

/** Which `pg` takes for `verify-full`, with a warning that its next major version will check less. */
const checkedModes: ReadonlySet<string | null> = new Set(['prefer', 'require', 'verify-ca'])

/** What of TLS is demanded is said in full, so that it means the same in each version of `pg`, and none warns of another. */
function withFullMode(text: string): string {
  const url = URL.parse(text)
  const parameters = url?.searchParams
  if (!parameters || parameters.get('uselibpqcompat') === 'true') return text
  if (!checkedModes.has(parameters.get('sslmode'))) return text
  parameters.set('sslmode', 'verify-full')
  return url.href
}

export const hotConfig = (url: string, timeoutMilliseconds: number): pg.ClientConfig => ({
  connectionString: withFullMode(url),
  types,
  application_name: 'sallyport',
  // Whatever the database's own default: what is acknowledged here survives a crash (R1).
  options: '-c synchronous_commit=on',
  keepAlive: true,
  connectionTimeoutMillis: timeoutMilliseconds,
  query_timeout: timeoutMilliseconds,
  statement_timeout: timeoutMilliseconds - headStartMilliseconds,
  idle_in_transaction_session_timeout: idleInTransactionMilliseconds,
})

/** For migrations, which may take as long as they need. */
export const patientConfig = (url: string): pg.ClientConfig => ({
  connectionString: withFullMode(url),
  types,
  application_name: 'sallyport migrations',
  keepAlive: true,
  connectionTimeoutMillis: 5000,
})

/**
 * SQLSTATE classes and codes that say "not now": connection (08), shutting down or
 * starting (57P), no resources, disk full (53), system error (58), lock not available, read-only server.
 */
const unavailableStates = /^(08|53|57P|58|55P03|25006|25P03)/
/** By the limit for each statement, or by somebody's hand. */
const cancelledState = '57014'
/** Deadlock, serialization: "not now" to this transaction alone. */
const busyStates = new Set(['40P01', '40001'])
/** A unique name taken, or a foreign key that points at nothing. */
const conflictStates = new Set(['23505', '23503'])

export function translatePostgresError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof StoreUnavailable || error instanceof TypeError)
    return error
  if (!(error instanceof pg.DatabaseError)) {
    // Whatever has no SQLSTATE did not come from PostgreSQL: refused, reset, timed out, not resolved.
    const words = error.message || ('code' in error ? error.code : '')
    return new StoreUnavailable(`PostgreSQL cannot be reached: ${words}`, { cause: error })
  }
  const state = error.code ?? ''
  if (conflictStates.has(state)) return new StoreConflict(error.message, { cause: error })
  if (busyStates.has(state)) return new StoreBusy(`PostgreSQL: ${error.message}`, { cause: error })
  if (state === cancelledState) return new StoreTooSlow(`PostgreSQL: ${error.message}`, { cause: error })
  if (unavailableStates.test(state))
    return new StoreUnavailable(`PostgreSQL: ${error.message}`, { cause: error })
  return error
}

/** Kysely's own word for it. */
const commit = 'commit'

/** PostgreSQL may have done it, and only its answer be lost. */
function translateFailedCommit(error: unknown): unknown {
  const translated = translatePostgresError(error)
  if (error instanceof pg.DatabaseError || !(translated instanceof StoreUnavailable)) return translated
  return new StoreUnavailable(
    `${translated.message}; the change may have been made all the same: look before doing it again`,
    { cause: error },
  )
}

/** The pool as Kysely wants it. */
export const asKyselyPool = (pool: pg.Pool): PostgresPool => ({
  options: pool.options,
  end: () => pool.end(),
  async connect() {
    try {
      return asKyselyClient(await pool.connect())
    } catch (error) {
      throw translatePostgresError(error)
    }
  },
})

/** What Kysely asks of a client, except for cursors, which this store does not use. */
interface QueryOnly {
  query(text: string, values: readonly unknown[]): Promise<unknown>
  release(destroy?: boolean): void
}

function asKyselyClient(client: pg.PoolClient): PostgresPoolClient {
  let failure: unknown
  // Kysely takes a client for one transaction, so what is set here ends no later.
  let limit: { readonly query_timeout?: number } = {}
  // A connection that dies between two statements of a transaction says so only here.
  const onError = (error: Error) => {
    failure ??= translatePostgresError(error)
  }
  client.on('error', onError)
  const wrapped: QueryOnly = {
    async query(text, values) {
      // After a timeout the old statement may still be running: a rollback would only wait behind it.
      if (failure) throw failure
      try {
        const result = await client.query({ text, values: [...values], ...limit })
        if (text === allowLongStatements)
          limit = { query_timeout: wholeTableMilliseconds + headStartMilliseconds }
        return result
      } catch (error) {
        const translated = text === commit ? translateFailedCommit(error) : translatePostgresError(error)
        if (translated instanceof StoreUnavailable && !(error instanceof pg.DatabaseError))
          failure = translated
        throw translated
      }
    },
    release(destroy) {
      client.removeListener('error', onError)
      client.release(destroy === true || failure !== undefined)
    },
  }
  return wrapped as PostgresPoolClient
}
