/** R1: processes die by `kill -9` while they write, and PostgreSQL crashes; whatever was answered 200 is there. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { times } from '../../../../test/length.ts'
import { startPostgres, withoutPostgres } from '../postgres.ts'
import { assertKept, countsOf, createJournal, type Journal, startWriting } from './journal.ts'
import { type Node, prepareSite, type Site } from './nodes.ts'
import { startOperator } from './operator-process.ts'
import { createWorld, type World } from './world.ts'

const kills = times(5, 200)
const longestLifeMilliseconds = 500
const shortestLifeMilliseconds = 20

/** One life: writes from many sides, ended in the middle of them. */
async function liveAndDie(
  node: Node,
  site: Site,
  world: World,
  crash: () => Promise<void>,
): Promise<Journal> {
  const journal = createJournal()
  const operator = startOperator(site, (managed) => journal.managed.push(managed))
  await operator.isWriting
  const dying = new AbortController()
  const { ended } = await startWriting(journal, { node, site, world, dying: dying.signal })
  const span = longestLifeMilliseconds - shortestLifeMilliseconds
  await Promise.race([ended, wait(shortestLifeMilliseconds + Math.random() * span)])
  dying.abort()
  await crash()
  await Promise.all([node.kill(), operator.kill()])
  await ended
  assert.ok(journal.managed.length > 0, 'the operator has made something')
  return journal
}

interface Deaths {
  readonly databaseUrl: string | null
  /** Of the database, while the server still writes. */
  readonly crash?: (life: number) => Promise<void>
  readonly recover?: (life: number) => Promise<void>
}

async function survive(t: TestContext, { databaseUrl, crash, recover }: Deaths): Promise<void> {
  const world = await createWorld()
  const site = await prepareSite(t, world.text, databaseUrl)
  const journals: Journal[] = []
  for (let life = 0; life < kills; life += 1) {
    const node = await site.start(t)
    const last = journals.at(-1)
    if (last) await assertKept(last, node, site)
    journals.push(await liveAndDie(node, site, world, async () => crash?.(life)))
    await recover?.(life)
  }
  const node = await site.start(t)
  for (const journal of journals) await assertKept(journal, node, site)
  await node.kill()
  const counts = countsOf(journals)
  t.diagnostic(`acknowledged, and there after ${kills} kills: ${JSON.stringify(counts)}`)
  for (const [kind, count] of Object.entries(counts)) assert.ok(count > 0, kind)
}

const withoutSqlite = process.env.STORAGE === 'postgres' && 'STORAGE=postgres'

test(
  `R1, trust F1: of what SQLite has acknowledged nothing is lost in ${kills} × kill -9`,
  {
    skip: withoutSqlite,
  },
  (t) => survive(t, { databaseUrl: null }),
)

test(`R1, trust F1: of what PostgreSQL has acknowledged nothing is lost in ${kills} × kill -9, its own crashes among them`, {
  skip: withoutPostgres,
}, async (t) => {
  const postgres = await startPostgres()
  t.after(() => postgres.close())
  const { url: databaseUrl } = await postgres.createDatabase()
  // The server of the tests would lose what it has acknowledged, but for what our connections ask of it.
  const everySecond = (work: () => Promise<void>) => async (life: number) => {
    if (life % 2 === 0) await work()
  }
  const [crash, recover] = [everySecond(postgres.crash), everySecond(postgres.start)]
  await survive(t, { databaseUrl, crash, recover })
})
