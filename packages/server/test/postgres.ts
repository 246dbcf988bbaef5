// A real PostgreSQL for tests: the one that `npm test` shares, or one of its own for a test file run alone.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import pg from 'pg'

export type TestDatabase = { readonly url: string; drop(): Promise<void> }

export type TestPostgres = {
  /** Connects to the database `postgres` as its superuser. */
  readonly url: string
  /** Under a name that no other test has: empty, or a copy of the one that is named. */
  createDatabase(template?: string): Promise<TestDatabase>
  /** Ends a server that this process started; the shared one stays. */
  stop(): Promise<void>
}

export type StoppablePostgres = TestPostgres & {
  /** As `kill -9` leaves it, without a checkpoint: it recovers from its log when it starts again. */
  crash(): Promise<void>
  /** After `stop()` or `crash()`: the same port and the same data again. */
  start(): Promise<void>
  /** To a standby at the same port: it answers reads out of the past, and takes no write. */
  demote(): Promise<void>
  /** The standby is a primary again. */
  promote(): Promise<void>
  /** Ends the server for good and removes its data. Not needed: it also happens when this process ends. */
  close(): Promise<void>
}

/** `skip` of tests that need one. */
export const withoutPostgres = process.env.STORAGE === 'sqlite' && 'STORAGE=sqlite'

let own: Promise<StoppablePostgres> | undefined

/** The server shared by the whole run; without one, this process starts its own on the first call. */
export async function postgresForTests(): Promise<TestPostgres> {
  const shared = process.env.SALLYPORT_TEST_POSTGRES
  if (shared)
    return {
      url: shared,
      createDatabase: (template) => createDatabase(shared, template),
      stop: async () => {},
    }
  own ??= startPostgres()
  const server = await own
  return { ...server, stop: server.close }
}

/** A server of its own, for tests of an outage. It never outlives this process. */
export async function startPostgres(): Promise<StoppablePostgres> {
  const supervisor = spawn(
    process.execPath,
    [fileURLToPath(new URL('./postgres-server.ts', import.meta.url))],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  const answers = createInterface({ input: supervisor.stdout })[Symbol.asyncIterator]()
  const nextAnswer = async () => {
    const { value } = await answers.next()
    const answer = JSON.parse(value ?? '{"problem":"its supervisor ended"}') as {
      ready?: string
      problem?: string
    }
    if (answer.problem) throw new Error(`PostgreSQL for tests: ${answer.problem}`)
    return answer
  }
  const { ready: url = '' } = await nextAnswer()
  letProcessEnd(supervisor)
  const order = async (command: 'stop' | 'crash' | 'start' | 'demote' | 'promote') => {
    supervisor.ref()
    supervisor.stdin.write(`${command}\n`)
    await nextAnswer()
    supervisor.unref()
  }
  const close = async () => {
    supervisor.ref()
    supervisor.stdin.end()
    if (supervisor.exitCode === null) await once(supervisor, 'exit')
  }
  return {
    url,
    createDatabase: (template) => createDatabase(url, template),
    stop: () => order('stop'),
    crash: () => order('crash'),
    start: () => order('start'),
    demote: () => order('demote'),
    promote: () => order('promote'),
    close,
  }
}

/** A test file that forgets to stop its server still ends; the supervisor then sees its input end. */
function letProcessEnd(supervisor: ChildProcess): void {
  supervisor.unref()
  for (const stream of [supervisor.stdin, supervisor.stdout]) if (stream instanceof Socket) stream.unref()
}

let databasesCreated = 0

async function createDatabase(server: string, template?: string): Promise<TestDatabase> {
  const name = `t_${process.pid}_${++databasesCreated}_${process.hrtime.bigint().toString(36)}`
  // Copying files writes a checkpoint first; without flushes that costs less than logging every page.
  const from = template === undefined ? '' : ` template ${template}`
  await administer(server, `create database ${name}${from} strategy file_copy`)
  const url = new URL(server)
  url.pathname = `/${name}`
  const drop = () => administer(server, `drop database if exists ${name} with (force)`)
  return { url: url.href, drop }
}

const administer = (server: string, statement: string): Promise<void> =>
  withAdministrator(server, async (administrator) => {
    await administrator.query(statement)
  })

export async function withAdministrator<Result>(
  server: string,
  work: (administrator: pg.Client) => Promise<Result>,
): Promise<Result> {
  const administrator = new pg.Client({ connectionString: server })
  await administrator.connect()
  try {
    return await work(administrator)
  } finally {
    await administrator.end()
  }
}
