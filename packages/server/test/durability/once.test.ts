/** Once means once over the wire: of fifty who bring the same proof at the same time, to two processes, one is served. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { times } from '../../../../test/length.ts'
import { forEachStore } from '../store/each-store.ts'
import { databaseUrlFor, type NodeReply, prepareSite } from './nodes.ts'
import { ask, clientAssertion, createWorld, dpopProof, grantAssertion, type Once } from './world.ts'

const kinds = {
  'client assertion': { make: clientAssertion, refusal: [401, 'invalid_client'] },
  'DPoP proof': { make: dpopProof, refusal: [400, 'invalid_dpop_proof'] },
  'assertion of the JWT bearer grant': { make: grantAssertion, refusal: [400, 'invalid_grant'] },
} as const

const rounds = times(10, 1_000)

forEachStore((engine, suite) => {
  test(`R3, trust F1: of 50 parallel uses at two processes one wins, ${rounds} times each`, async (t) => {
    const world = await createWorld()
    const site = await prepareSite(t, world.text, await databaseUrlFor(t, suite))
    const nodes = [await site.start(t), await site.start(t)]
    const race = (once: Once): Promise<NodeReply[]> =>
      Promise.all(Array.from({ length: 25 }, () => nodes.map((node) => ask(node, once))).flat())
    for (const [kind, { make, refusal }] of Object.entries(kinds)) {
      await t.test(`R3: ${kind}, ${engine}`, async () => {
        for (let round = 0; round < rounds; round += 1) {
          const once = await make(world, site)
          const replies = await race(once)
          const winners = replies.filter(({ status }) => status === 200)
          assert.equal(winners.length, 1, replies.map(({ text }) => text).join('\n'))
          for (const { status, json } of replies)
            if (status !== 200) assert.deepEqual([status, json?.error], refusal)
          // And late comers at either process.
          for (const node of nodes) assert.equal((await ask(node, once)).status, refusal[0])
        }
      })
    }
  })
})
