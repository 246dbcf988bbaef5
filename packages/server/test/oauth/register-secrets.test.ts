// trust.md part 1, row 27 and R23, for programs that register themselves: what they are given stands in one answer and nowhere else.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { databaseBytes, findCanaries, ofText } from '../canaries.ts'
import { forEachStore, type TestReply } from '../harness.ts'
import { startRegistering, type World } from './registering.ts'

/** Right, wrong, and where only a mistake puts them. */
async function exercise(world: World, initial: string): Promise<{ made: TestReply; others: TestReply[] }> {
  const made = await world.register(initial, { client_name: 'Machine' })
  const { client_id, client_secret, registration_access_token: own } = made.json
  const secrets: readonly string[] = [initial, own, client_secret]
  const others = [await world.register(initial, { client_name: 'Another' })]
  for (const secret of secrets) {
    others.push(await world.register(secret, { client_name: 'Machine' }))
    others.push(await world.register(initial, { scope: secret }))
    others.push(await world.register(`${own}, ${secret}`, {}))
    others.push(await world.configure('GET', made, { token: secret }))
    for (const name of ['client_secret', 'redirect_uris', 'jwks_uri', 'software_statement', secret])
      others.push(await world.configure('PUT', made, { body: { client_id, [name]: secret } }))
    others.push(await world.server.request({ url: `/acme/oauth2/register/${secret}?token=${secret}` }))
  }
  others.push(await world.configure('DELETE', made))
  return { made, others }
}

forEachStore((_engine, suite) => {
  test('trust F27, R23: tokens of registration and the secret stand in no log line, no refusal, no metric and not in the database', async (t) => {
    const prepared = await suite.prepare(t)
    const world = await startRegistering(t, { ...suite, prepare: async () => prepared })
    const initial = await world.give()
    const { made, others } = await exercise(world, initial)
    assert.equal(made.status, 201)
    assert.ok(new Set(others.map(({ status }) => status)).size >= 4, 'not every kind of answer')
    const { registration_access_token: own, client_secret } = made.json
    const refusals = others.filter(({ status }) => status >= 400)
    const metrics = await world.server.server.metrics.render()
    await world.server.server.close()
    const haystacks = new Map([
      ['the log', Buffer.from(JSON.stringify(world.server.logLines))],
      ['the metrics', Buffer.from(metrics.body)],
      ['the refusals', Buffer.from(JSON.stringify(refusals.map(({ headers, text }) => ({ headers, text }))))],
      ['the database', await databaseBytes(await prepared.open(), prepared.location)],
    ])
    const canaries = [
      ofText('the initial access token', initial),
      ofText('the registration access token', own),
      ofText('the secret', client_secret),
    ]
    assert.deepEqual(findCanaries(canaries, haystacks), [])
  })
})
