/** The newest schema without a row, made once and copied for each test: a migration takes longer than most tests. */

import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { openPostgres } from '../../src/store/postgres.ts'
import { openSqlite } from '../../src/store/sqlite.ts'
import { type TestDatabase, type TestPostgres, withAdministrator } from '../postgres.ts'

const clock = () => 1_800_000_000

let sqliteFile: Promise<Buffer> | undefined

/** The bytes of a database file. */
export function migratedSqlite(): Promise<Buffer> {
  sqliteFile ??= makeSqlite()
  return sqliteFile
}

async function makeSqlite(): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-migrated-'))
  try {
    const file = join(folder, 'store.db')
    await (await openSqlite({ file, clock, synchronous: 'off' })).close()
    return readFileSync(file)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

let postgresTemplate: Promise<string> | undefined

export async function migratedPostgres(server: TestPostgres): Promise<TestDatabase> {
  postgresTemplate ??= makeTemplate(server)
  return server.createDatabase(await postgresTemplate)
}

/** Every process of a run asks for it, and a server that somebody keeps has those of other days: hence lock and name. */
function makeTemplate(server: TestPostgres): Promise<string> {
  const name = `sallyport_template_${migrationsDigest()}`
  return withAdministrator(server.url, async (administrator) => {
    await administrator.query('select pg_advisory_lock($1)', [templateLock])
    const { rows } = await administrator.query('select from pg_database where datname = $1', [name])
    if (rows.length === 0) await migrateAs(name, server, administrator)
    return name
  })
}

const templateLock = 7_255_983

/** Under its name only when it is whole. */
async function migrateAs(name: string, server: TestPostgres, administrator: pg.Client): Promise<void> {
  const { url } = await server.createDatabase()
  await (await openPostgres({ url, clock, poolSize: 2, timeoutMilliseconds: 30_000 })).close()
  const made = pg.escapeIdentifier(new URL(url).pathname.slice(1))
  await administrator.query(`alter database ${made} rename to ${name}`)
}

function migrationsDigest(): string {
  const folder = new URL('../../src/store/migrations/', import.meta.url)
  const digest = createHash('sha256')
  for (const file of readdirSync(folder).sort()) digest.update(readFileSync(new URL(file, folder)))
  return digest.digest('hex').slice(0, 16)
}
