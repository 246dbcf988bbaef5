/** A server on a PostgreSQL of its own, which the test stops and starts again. */
import type { TestContext } from 'node:test'
import { openPostgres } from '../../src/store/postgres.ts'
import { createClock, createTestServer, type TestServer } from '../harness.ts'
import { startPostgres } from '../postgres.ts'

export async function startStoppable(t: TestContext, blueprint: string) {
  const postgres = await startPostgres()
  t.after(() => postgres.close())
  const clock = createClock()
  const { url } = await postgres.createDatabase()
  const open = () => openPostgres({ url, clock, readTime: clock })
  const server = await createTestServer({ db: await open(), clock, blueprints: [blueprint] })
  t.after(() => server.server.close())
  return { postgres, clock, open, server }
}

/** The feed has found that the database answers again. */
export async function untilBack({ db }: TestServer, stoppedAt = db.changes.lastContactAt): Promise<void> {
  while (db.changes.lastContactAt === stoppedAt) await db.changes.catchUp().catch(() => {})
}
