// The PostgreSQL that other tests stand on: it starts, isolates, stops, comes back with its data, and leaves nothing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { postgresForTests, startPostgres } from './postgres.ts'

async function ask(url: string, statement: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query({ text: statement, rowMode: 'array' })).rows
  } finally {
    await client.end()
  }
}

test('set-up: two databases of one server do not see each other, and a dropped one is gone', async () => {
  const postgres = await postgresForTests()
  const [first, second] = await Promise.all([postgres.createDatabase(), postgres.createDatabase()])
  await ask(first.url, 'create table proof (id int)')
  await assert.rejects(ask(second.url, 'select * from proof'), { code: '42P01' })
  await Promise.all([first.drop(), second.drop()])
  await assert.rejects(ask(first.url, 'select 1'), { code: '3D000' })
  await postgres.stop()
})

test('set-up: a server of its own refuses while stopped, and comes back on the same port with the same data', async () => {
  const postgres = await startPostgres()
  await ask(postgres.url, 'create table proof as select 42 as answer')
  await postgres.stop()
  await assert.rejects(ask(postgres.url, 'select 1'), { code: 'ECONNREFUSED' })
  await postgres.start()
  assert.deepEqual(await ask(postgres.url, 'select answer from proof'), [[42]])
  await assert.rejects(ask(postgres.url.replace(/:[^:@]*@/, ':wrong@'), 'select 1'), { code: '28P01' })
  await postgres.close()
})
