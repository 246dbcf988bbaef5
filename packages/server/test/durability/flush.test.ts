/** R2: what is answered 200 is on the disk before the answer is on the wire, and a disk that fails is no 200. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { times } from '../../../../test/length.ts'
import { type Node, type NodeReply, prepareSite, type Site } from './nodes.ts'
import { noStrace, trace } from './strace.ts'
import {
  ask,
  askToken,
  clientAssertion,
  createWorld,
  dpopProof,
  introspect,
  revoke,
  type TenantId,
  type World,
} from './world.ts'

const skip = noStrace || (process.env.STORAGE === 'postgres' && 'STORAGE=postgres')
const rounds = times(5, 100)

interface Scene {
  readonly node: Node
  readonly site: Site
  readonly world: World
}

async function startScene(t: TestContext): Promise<Scene> {
  const world = await createWorld()
  const site = await prepareSite(t, world.text, null)
  return { world, site, node: await site.start(t) }
}

const tokenOf = async ({ node, site }: Scene, tenantId: TenantId): Promise<string> => {
  const { status, json, text } = await askToken(node, site, tenantId)
  assert.equal(status, 200, text)
  return json.access_token
}

/** Each makes ready what it needs and answers the one request that writes. */
const writes: Readonly<Record<string, (scene: Scene) => Promise<() => Promise<NodeReply>>>> = {
  'a revocation': async (scene) => {
    const token = await tokenOf(scene, 'acme')
    return () => revoke(scene.node, scene.site, 'acme', token)
  },
  'an opaque token': async (scene) => () => askToken(scene.node, scene.site, 'opaque'),
  'the revocation of an opaque token': async (scene) => {
    const token = await tokenOf(scene, 'opaque')
    return () => revoke(scene.node, scene.site, 'opaque', token)
  },
  'the use of an assertion': async ({ world, site, node }) => {
    const once = await clientAssertion(world, site)
    return () => ask(node, once)
  },
  'the use of a DPoP proof': async ({ world, site, node }) => {
    const once = await dpopProof(world, site)
    return () => ask(node, once)
  },
}

const flushed = /^f(?:data)?sync\(\d+<[^>]*sallyport\.db(?:-wal)?>\) += 0/
const answered = /^\w+\(\d+<(?:TCP|socket)[^>]*>.*HTTP\/1\.1 (\d+)/

test('R2: each acknowledged write is flushed before its answer is sent', { skip }, async (t) => {
  const scene = await startScene(t)
  // The first of each kind may make tables and threads.
  for (const prepare of Object.values(writes)) assert.equal((await (await prepare(scene))()).status, 200)
  const watched = 'trace=fdatasync,fsync,write,writev,sendto,sendmsg'
  const calls = await trace(scene.node.running.child.pid ?? 0, ['-e', watched])
  for (const [what, prepare] of Object.entries(writes)) {
    for (let round = 0; round < rounds; round += 1) {
      const write = await prepare(scene)
      if (what.includes('revocation')) await calls.sees(answered)
      const from = calls.lines.length
      assert.equal((await write()).status, 200)
      await calls.sees(answered)
      const since = calls.lines.slice(from)
      const answer = since.findIndex((line) => answered.test(line))
      const flush = since.findIndex((line) => flushed.test(line))
      assert.ok(flush >= 0 && flush < answer, `${what}:\n${since.join('\n')}`)
    }
  }
  await calls.end()
})

test('R2: when the disk cannot flush, no write is acknowledged; when it can again, all goes on', {
  skip,
}, async (t) => {
  const scene = await startScene(t)
  const { node, site } = scene
  const asked = new Map<string, () => Promise<NodeReply>>()
  for (const [what, prepare] of Object.entries(writes)) {
    assert.equal((await (await prepare(scene))()).status, 200)
    asked.set(what, await prepare(scene))
  }
  const alive = await tokenOf(scene, 'acme')
  const failing = ['-e', 'trace=fdatasync,fsync', '-e', 'inject=fdatasync,fsync:error=EIO']
  const calls = await trace(node.running.child.pid ?? 0, failing)
  for (let round = 0; round < rounds; round += 1) {
    for (const [what, write] of asked) {
      const { status, json, text } = await write()
      assert.deepEqual([status, json?.error], [503, 'temporarily_unavailable'], `${what}: ${text}`)
    }
    assert.equal((await revoke(node, site, 'acme', alive)).status, 503)
  }
  assert.ok(calls.lines.some((line) => / = -1 EIO /.test(line)))
  await calls.end()
  assert.equal((await introspect(node, site, 'acme', alive)).json.active, true)
  for (const [what, write] of asked) {
    const { status, text } = await write()
    assert.equal(status, 200, `${what}: ${text}`)
  }
  assert.equal((await revoke(node, site, 'acme', alive)).status, 200)
  assert.equal((await introspect(node, site, 'acme', alive)).text, '{"active":false}')
})
