/** The thread that makes small writes to the SQLite file: it waits for the lock and for the disk, and nobody else does. */

import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { OpaqueTokenRow } from './database.ts'
import { createPartitionSql, tableOf } from './opaque-tokens.ts'
import {
  readUses,
  type SqliteThreadAnswer,
  type SqliteThreadOptions,
  type SqliteThreadQuestion,
} from './sqlite-thread-message.ts'
import { createLogShortener, createPatientBegin } from './sqlite-write-lock.ts'

const { file, synchronous, lockWaitMilliseconds } = workerData as SqliteThreadOptions
const connection = new DatabaseSync(file, { timeout: lockWaitMilliseconds })
connection.exec(`pragma synchronous = ${synchronous}; pragma journal_size_limit = 67108864`)
const begin = createPatientBegin(connection, lockWaitMilliseconds)
const shortenLog = createLogShortener(connection)
const insertUse = connection.prepare(
  'insert into used_once (expires_at, digest) values (?, ?) on conflict do nothing',
)
const commit = connection.prepare('commit')

function writeUses(packed: ArrayBuffer): boolean[] {
  const isNew: boolean[] = []
  for (const { expiresAt, digest } of readUses(packed))
    isNew.push(insertUse.run(expiresAt, digest).changes === 1)
  return isNew
}

function writeTokens(tokens: readonly OpaqueTokenRow[]): boolean[] {
  const inserts = new Map<string, StatementSync>()
  for (const { partition, digest, tenantId, apiId, kind, family, claims } of tokens) {
    const insert = inserts.get(partition.id) ?? insertInto(partition)
    inserts.set(partition.id, insert)
    insert.run(digest, tenantId, apiId, kind, family, claims)
  }
  return []
}

/** Asked for in each transaction: another process may have dropped a partition that had ended. */
function insertInto({ id, endsAt }: OpaqueTokenRow['partition']): StatementSync {
  connection.exec(createPartitionSql(id, ' strict, without rowid'))
  connection
    .prepare('insert into opaque_token_partitions (id, ends_at) values (?, ?) on conflict do nothing')
    .run(id, endsAt ?? Number.MAX_SAFE_INTEGER)
  return connection.prepare(
    `insert into ${tableOf(id)} (digest, tenant_id, api_id, kind, family, claims) values (?, ?, ?, ?, ?, ?)`,
  )
}

function write(question: SqliteThreadQuestion): boolean[] {
  begin()
  const isNew = question instanceof ArrayBuffer ? writeUses(question) : writeTokens(question)
  commit.run()
  return isNew
}

function answer(question: SqliteThreadQuestion): SqliteThreadAnswer {
  try {
    return { isNew: write(question) }
  } catch (error) {
    if (connection.isTransaction) connection.exec('rollback')
    if (!(error instanceof Error) || !('errcode' in error)) throw error
    return { errorText: error.message, errorCode: Number(error.errcode) }
  }
}

parentPort?.on('message', (question: SqliteThreadQuestion | null) => {
  if (question) {
    parentPort?.postMessage(answer(question))
    shortenLog()
    return
  }
  connection.close()
  parentPort?.close()
})
