/** A process that dies by SIGKILL just before the given statement of the migrations of a SQLite file. */

import { DatabaseSync } from 'node:sqlite'
import { migrate } from '../../src/store/migrations.ts'
import { sqliteTarget } from '../../src/store/sqlite.ts'
import { writingKysely } from '../../src/store/sqlite-driver.ts'
import { atStatement } from './fault.ts'

const [file = '', statement = '1'] = process.argv.slice(2)
const connection = new DatabaseSync(file)
connection.exec('pragma journal_mode = wal')
const kysely = writingKysely(connection, 1000).withPlugin(
  atStatement(Number(statement), () => process.kill(process.pid, 'SIGKILL')),
)
await migrate(sqliteTarget(kysely, () => 0))
