// Signing keys change under a guard: on schedule nobody notices, in an emergency what the old key has signed is dead.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { replaceAtOnce } from '../../src/keys/emergency.ts'
import { createKeyRotation, type RotationDeps, startRotation } from '../../src/keys/rotation.ts'
import { oneStore, startTestServer, type TestServer } from '../harness.ts'
import { resourceServer, tokenOf } from '../oauth/ends.ts'
import { app, blueprint, restApi, tenant } from '../oauth/sample.ts'
import { assertAllowed, assertRefused, guardOf, until } from './guarded.ts'

const text = blueprint(
  tenant('acme', [app('sync'), resourceServer], {
    access_token_seconds: 900,
    maximum_access_token_seconds: 900,
  }),
)
const api = { tenantId: 'acme', apiApp: 'api', audience: restApi.audience as string }
const real = { effects: <Effects extends object>(effects: Effects) => ({ ...effects, random: randomBytes }) }

async function start(t: TestContext): Promise<readonly [TestServer, RotationDeps]> {
  const server = await startTestServer(t, oneStore, text, {}, real)
  const { db, sealer } = server.store
  return [server, { db, sealer, random: randomBytes, clock: server.clock, onEvent: () => {} }]
}

const rotations = 10

test(`R6: in ${rotations} rotations a guard refuses no token that lives`, async (t) => {
  const [server, deps] = await start(t)
  const chore = createKeyRotation({ ...deps, onFailure: (error) => assert.fail(String(error)) })
  t.after(() => chore.close())
  // With the feed, and without it: keys alone must do.
  // Heartbeats come by the real clock, and days pass here in a second.
  const patient = { ...api, revocation: { whenCut: 'allow' } as const }
  const guards = [guardOf(t, server, patient), guardOf(t, server, { ...api, apiApp: null })]
  const live: { readonly token: string; readonly until: number }[] = []
  for (let rotation = 0; rotation < rotations; rotation += 1) {
    await startRotation(deps, 'acme')
    for (let step = 0; step < 18; step += 1) {
      await server.advance(61)
      await chore.work()
      await server.db.changes.catchUp()
      live.push({ token: await tokenOf(server), until: server.clock() + 900 })
      while ((live[0]?.until ?? 0) <= server.clock()) live.shift()
      for (const { check } of guards) {
        for (const { token } of [live[0], live.at(-1)].filter((one) => one !== undefined))
          assertAllowed(await check(token))
      }
    }
  }
})

test('R15: after an emergency rotation nothing that the lost key has signed is let in, and what the new one signs is', async (t) => {
  const [server, deps] = await start(t)
  const { check, network } = guardOf(t, server, api)
  const stolen = await tokenOf(server)
  assertAllowed(await check(stolen))
  await replaceAtOnce(deps, 'acme', {})
  // A tenant whose keys change lets its followers come again, and they do so before a second is over.
  await until(async () => {
    await network.pass(0.1)
    return !(await check(stolen)).isAllowed
  })
  assertRefused(await check(stolen), 'revoked_key')
  await server.advance(31)
  assertAllowed(await check(await tokenOf(server)))
})
