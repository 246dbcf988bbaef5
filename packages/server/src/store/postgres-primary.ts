/** Only the primary is believed: a standby answers reads out of the past for as long as nobody tells it more. */

import type pg from 'pg'
import { StoreUnavailable } from './database.ts'
import { type ClockComparison, databaseTime } from './postgres-clock.ts'
import type { PreparedQuery, Read } from './prepared.ts'

const standbyFound = () =>
  new StoreUnavailable('PostgreSQL is a standby: promote it, or let the database URL lead to the primary')

/** Of each new connection. A server becomes a standby only by a restart, which no connection outlives. */
export async function refuseStandby(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query({ text: 'select pg_is_in_recovery()', rowMode: 'array' })
  if (rows[0]?.[0]) throw standbyFound()
}

/**
 * For the feed, all of whose questions are for rows that have a `seq`. It asks each time anew: behind a pooler the
 * server may be another one while the connection stays, and clocks drift.
 */
export const primaryReader =
  (read: Read, clock: () => number, clocks: ClockComparison): Read =>
  async <Row>(query: PreparedQuery<Row>, values: readonly (string | number)[]): Promise<Row[]> => {
    const askedAt = clock()
    const rows = await read(besideServer(query), values)
    for (const [isStandby, time] of rows.slice(0, 1)) {
      if (isStandby) throw standbyFound()
      clocks.note(askedAt, time)
    }
    // Where there is no row of the query, that of the server stands alone.
    return rows.filter(([, , seq]) => seq !== null).map(([, , ...row]) => row as Row)
  }

type BesideServer = [isStandby: boolean, time: number, seq: number | null, ...others: unknown[]]

/** In one answer, so that it is the same server that says both. */
const besideServer = (query: PreparedQuery<unknown>): PreparedQuery<BesideServer> => ({
  ...{ sqlite: query.sqlite, parameterCount: query.parameterCount },
  name: `primary ${query.name}`,
  postgres: `select server.*, news.* from (select pg_is_in_recovery(), ${databaseTime} as time) as server
    left join (${query.postgres}) as news on true order by news.seq`,
})
