/** PostgreSQL behind a pooler that refuses what a connection asks for, drops it without a word, or shares one among many. */

import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { after, type TestContext, test } from 'node:test'
import { StoreRefused } from '../../src/store/database.ts'
import { openPostgres } from '../../src/store/postgres.ts'
import { postgresForTests, withoutPostgres } from '../postgres.ts'
import { createClock } from './each-store.ts'
import { migratedPostgres } from './migrated.ts'

after(async () => {
  if (!withoutPostgres) await (await postgresForTests()).stop()
})

/** Its length and its version come first; then names and values, each ended by NUL, and one NUL more. */
function readStartup(message: Buffer): Map<string, string> {
  const words = message.toString('utf8', 8).split('\0')
  const parameters = new Map<string, string>()
  for (let at = 0; words[at]; at += 2) parameters.set(words[at] ?? '', words[at + 1] ?? '')
  return parameters
}

function writeStartup(parameters: ReadonlyMap<string, string>): Buffer {
  const words = Buffer.from(`${[...parameters].map((pair) => `${pair.join('\0')}\0`).join('')}\0`)
  const head = Buffer.alloc(8)
  head.writeInt32BE(words.length + 8, 0)
  head.writeInt32BE(3 << 16, 4)
  return Buffer.concat([head, words])
}

function refusal(text: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C08P01\0M${text}\0\0`)
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeInt32BE(fields.length + 4, 1)
  return Buffer.concat([head, fields])
}

type Pooler = (parameters: Map<string, string>) => Map<string, string> | string

type Near = (near: Socket, startup: Buffer, connectFar: () => Socket) => void

/** The URL of a pooler that passes these parameters on, or refuses with a text. */
const poolerBefore = (t: TestContext, pass: Pooler): Promise<string> =>
  listenBefore(t, (near, startup, connectFar) => {
    const passed = pass(readStartup(startup))
    if (typeof passed === 'string') return near.end(refusal(passed))
    const far = connectFar()
    far.write(writeStartup(passed))
    return near.pipe(far).pipe(near)
  })

/** AuthenticationOk, and ReadyForQuery. */
const welcome = Buffer.from('R\0\0\0\u0008\0\0\0\0Z\0\0\0\u0005I')
const goodbye = 'X'

/** The URL of one that gives every program the same connection, whoever speaks; only migrations have their own. */
function sharingPooler(t: TestContext): Promise<string> {
  const shared: { far?: Socket; speaker?: Socket } = {}
  return listenBefore(t, (near, startup, connectFar) => {
    if (readStartup(startup).get('application_name') !== 'sallyport') {
      const far = connectFar()
      far.write(startup)
      return near.pipe(far).pipe(near)
    }
    shared.speaker = near
    if (shared.far) near.write(welcome)
    else {
      shared.far = connectFar()
      shared.far.on('data', (bytes) => shared.speaker?.write(bytes))
      shared.far.write(startup)
    }
    return near.on('data', (bytes) => {
      shared.speaker = near
      if (bytes.toString('latin1', 0, 1) !== goodbye) shared.far?.write(bytes)
    })
  })
}

/** The URL of whatever `handle` makes of each connection. */
async function listenBefore(t: TestContext, handle: Near): Promise<string> {
  const { url, drop } = await migratedPostgres(await postgresForTests())
  const { hostname, port } = new URL(url)
  const sockets = new Set<Socket>()
  const pooler = createServer((near) => {
    sockets.add(near)
    near.on('error', () => {})
    const connectFar = () => {
      const far = connect(Number(port), hostname)
      sockets.add(far)
      return far.on('error', () => near.destroy())
    }
    near.once('data', (startup) => handle(near, startup as Buffer, connectFar))
  })
  await new Promise<void>((resolve) => pooler.listen(0, '127.0.0.1', resolve))
  t.after(async () => {
    for (const socket of sockets) socket.destroy()
    pooler.close()
    await drop()
  })
  const address = pooler.address()
  const near = new URL(url)
  near.port = `${typeof address === 'object' && address?.port}`
  return near.href
}

const inUrl = 'take it out of the database URL if it stands there, or '
const nextStep = 'connect to PostgreSQL directly, or through a pooler as docs/operations.md says.'
const keptOnes = 'PgBouncer keeps its connections as they were until RECONNECT in its console.'
const clock = createClock()

const without =
  (...names: readonly string[]): Pooler =>
  (parameters) =>
    new Map([...parameters].filter(([name]) => !names.includes(name)))

test('issue Fresh machine: a pooler that refuses what a connection asks for is named, with the next step', {
  skip: withoutPostgres,
}, async (t) => {
  const url = await poolerBefore(t, (parameters) =>
    parameters.has('statement_timeout')
      ? 'unsupported startup parameter: statement_timeout'
      : without('options')(parameters),
  )
  await assert.rejects(
    openPostgres({ url, clock }),
    new StoreRefused(
      'A pooler before PostgreSQL refuses this program (unsupported startup parameter: statement_timeout): ' +
        nextStep,
    ),
  )
})

test('R1: a pooler that drops what makes an acknowledged write safe is refused', {
  skip: withoutPostgres,
}, async (t) => {
  const url = await poolerBefore(t, without('options'))
  await assert.rejects(
    openPostgres({ url, clock }),
    new StoreRefused(
      `A connection to PostgreSQL has synchronous_commit = off, where on was asked for: ${inUrl}${nextStep} ${keptOnes}`,
    ),
  )
})

test('trust R4: a pooler that drops the limit of statements is refused, and one that passes all on is taken', {
  skip: withoutPostgres,
}, async (t) => {
  await assert.rejects(
    openPostgres({ url: await poolerBefore(t, without('statement_timeout')), clock }),
    new StoreRefused(
      `A connection to PostgreSQL has statement_timeout = 0, where 700 was asked for: ${inUrl}${nextStep} ${keptOnes}`,
    ),
  )
  const db = await openPostgres({ url: await poolerBefore(t, without()), clock })
  await db.close()
})

test('R1: a pooler that gives one connection of PostgreSQL to several programs at once is refused', {
  skip: withoutPostgres,
}, async (t) => {
  await assert.rejects(
    openPostgres({ url: await sharingPooler(t), clock }),
    new StoreRefused(
      'A pooler before PostgreSQL gives one connection to several programs at once: ' +
        'set the pooler to session mode, or connect to PostgreSQL directly.',
    ),
  )
})
