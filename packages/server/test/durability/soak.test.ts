/**
 * What shows only after a while: two processes on one database under everything at once. Nobody is told that it is the
 * server's fault, what one process has done the other knows, and neither grows with what it has answered.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { times } from '../../../../test/length.ts'
import { forEachStore } from '../store/each-store.ts'
import { databaseUrlFor, type Node, type NodeReply, prepareSite, type Site } from './nodes.ts'
import { startOperator } from './operator-process.ts'
import {
  ask,
  askToken,
  clientAssertion,
  createWorld,
  dpopProof,
  grantAssertion,
  introspect,
  revoke,
  type TenantId,
  type World,
} from './world.ts'

/** In full about ten minutes for each database, on two cores. */
const turns = times(8, 4_000)
const lanesOfEachNode = 4

interface Scene {
  readonly site: Site
  readonly world: World
  readonly node: Node
  /** The other process. */
  readonly other: Node
}

/** What a client is told to come again for: the disk of a busy machine may take longer than a request may wait. */
class ComeAgain extends Error {}

const mostTries = 5

async function expect(status: number, asking: Promise<NodeReply>): Promise<NodeReply> {
  const reply = await asking
  if (reply.status === 503) throw new ComeAgain(reply.text)
  assert.equal(reply.status, status, reply.text)
  return reply
}

/** Longer than the second that revocation.md promises: here it is about whether, and the bench measures when. */
const mostSecondsOfLife = 10

/** Issued here, read there, revoked there, dead here. */
async function liveOneToken({ site, node, other }: Scene, tenantId: TenantId): Promise<void> {
  const { json } = await expect(200, askToken(node, site, tenantId))
  const token: string = json.access_token
  assert.equal((await expect(200, introspect(other, site, tenantId, token))).json.active, true)
  await expect(200, revoke(other, site, tenantId, token))
  const endsAt = performance.now() + mostSecondsOfLife * 1_000
  while ((await expect(200, introspect(node, site, tenantId, token))).json.active) {
    assert.ok(performance.now() < endsAt, `a token lives ${mostSecondsOfLife} s after its revocation`)
    await wait(10)
  }
}

const works: readonly ((scene: Scene) => Promise<unknown>)[] = [
  (scene) => liveOneToken(scene, 'acme'),
  (scene) => liveOneToken(scene, 'opaque'),
  async ({ world, site, node, other }) => {
    const once = await clientAssertion(world, site)
    await expect(200, ask(node, once))
    await expect(401, ask(other, once))
  },
  async ({ world, site, node }) => expect(200, ask(node, await dpopProof(world, site))),
  async ({ world, site, node }) => expect(200, ask(node, await grantAssertion(world, site))),
  async ({ site, node }) => {
    const [clientId] = site.credential('acme', 'sync')
    const form = { grant_type: 'client_credentials' }
    // Throttled is refused as well.
    const { status, text } = await node.post('/acme/oauth2/token', form, { basic: [clientId, 'wrong'] })
    assert.ok(status === 401 || status === 429, text)
  },
]

interface Size {
  readonly residentMegabytes: number
  readonly descriptors: number
}

/** Where the system tells. */
function sizeOf({ running: { child } }: Node): Size | null {
  const folder = `/proc/${child.pid}`
  if (!existsSync(folder)) return null
  const [, kilobytes = ''] = /VmRSS:\s+(\d+)/.exec(readFileSync(`${folder}/status`, 'utf8')) ?? []
  return {
    residentMegabytes: Number(kilobytes) / 1024,
    descriptors: readdirSync(`${folder}/fd`).length,
  }
}

/** SQLite's write-ahead log, which two processes that write in turns would never let begin anew. */
const walMegabytes = ({ location }: Site): number => {
  if (location.database_url !== null) return 0
  const files = readdirSync(location.data_folder).filter((name) => name.endsWith('-wal'))
  const bytes = files.map((name) => statSync(join(location.data_folder, name)).size)
  return bytes.reduce((sum, size) => sum + size, 0) / 2 ** 20
}

/** All lanes take so many turns of every work; resolves with how often somebody was told to come again. */
async function work(site: Site, world: World, nodes: readonly [Node, Node], rounds: number): Promise<number> {
  const [first, second] = nodes
  const lanes = Array.from({ length: lanesOfEachNode }, (_, lane) => [
    { lane, scene: { site, world, node: first, other: second } },
    { lane, scene: { site, world, node: second, other: first } },
  ]).flat()
  let sentAway = 0
  const doOne = async (one: (scene: Scene) => Promise<unknown>, scene: Scene) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await one(scene)
      } catch (error) {
        if (!(error instanceof ComeAgain) || attempt === mostTries) throw error
        sentAway += 1
        await wait(1_000)
      }
    }
  }
  await Promise.all(
    lanes.map(async ({ lane, scene }) => {
      for (let turn = 0; turn < rounds; turn += 1)
        for (let step = 0; step < works.length; step += 1)
          await doOne(works[(lane + step) % works.length] as (typeof works)[number], scene)
    }),
  )
  return sentAway
}

/** What the log has of failures, but for a disk that took too long. */
const failuresIn = ({ running }: Node): readonly string[] =>
  (running.stdout().match(/^.*(?:"level":"(?:error|fatal)"|"status":500).*$/gm) ?? []).filter(
    (line) => !line.includes('"database lost"'),
  )

async function startNodes(t: TestContext, site: Site): Promise<readonly [Node, Node]> {
  // A line for each token would be kept by this process.
  const quiet = ['--log-tokens', 'false']
  return [await site.start(t, quiet), await site.start(t, quiet)]
}

function assertNoGrowth(before: readonly (Size | null)[], after: readonly (Size | null)[]): void {
  for (const [index, end] of after.entries()) {
    const begin = before[index]
    if (!begin || !end) continue
    const sizes = JSON.stringify({ begin, end })
    assert.ok(end.descriptors <= begin.descriptors + 20, sizes)
    assert.ok(end.residentMegabytes <= begin.residentMegabytes + 100, sizes)
  }
}

forEachStore((engine, suite) => {
  const name = `soak: ${turns} turns of everything at two processes end without a failure and without growth, ${engine}`
  test(name, { timeout: 3_600_000 }, async (t) => {
    const world = await createWorld()
    const site = await prepareSite(t, world.text, await databaseUrlFor(t, suite))
    const nodes = await startNodes(t, site)
    const operator = startOperator(site, () => {})
    t.after(() => operator.kill())
    const half = async () => {
      const sentAway = await work(site, world, nodes, turns / 2)
      const done = (turns / 2) * works.length * lanesOfEachNode * 2
      const sizes = nodes.map(sizeOf)
      const log = walMegabytes(site)
      t.diagnostic(`${JSON.stringify(sizes)}, ${log.toFixed(1)} MB of log ahead, ${sentAway} sent away`)
      // One stall of the disk sends away everybody who waits for it.
      assert.ok(sentAway <= lanesOfEachNode * 2 + done / 50, `${sentAway} of ${done} were told to come again`)
      assert.ok(log < 200)
      return sizes
    }
    const before = await half()
    assertNoGrowth(before, await half())
    // Lines of the log come a moment later than answers.
    await wait(500)
    assert.deepEqual(nodes.flatMap(failuresIn), [])
  })
})
