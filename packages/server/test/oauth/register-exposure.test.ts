// Trust 25; RFC 6750 §2.3, RFC 7592 §5: a token of registration that came in a URL or over plain HTTP is refused, and ends if it is real.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { formatRegistrationToken } from '@sallyport/protocol'
import { forEachStore, oneStore, type TestReply } from '../harness.ts'
import { change, manager } from '../management/managed.ts'
import { acme } from '../management/people.ts'
import { assertToken } from './answers.ts'
import { assertNoToken, assertRefused, startRegistering, type World } from './registering.ts'

const path = '/acme/oauth2/register'
const exposed = 'credential exposed'

const linesOf = ({ server }: World, message = exposed) => server.logLines.filter(({ msg }) => msg === message)

/** The answer does not wait for what is done about it. */
async function untilExposed(world: World, count = 1): Promise<void> {
  while (linesOf(world).length < count) await turn()
}

const countOf = async ({ server }: World): Promise<string | undefined> => {
  const { body } = await server.server.metrics.render()
  return /^sallyport_exposed_credentials_total\{tenant="acme"\} (\d+)$/m.exec(body)?.[1]
}

const inUrl = ({ server }: World, query: string, more: object = {}) =>
  server.request({ method: 'POST', url: `${path}?${query}`, body: '{}', ...more })

const ownToken = ({ json }: TestReply): string => json.registration_access_token

async function recordsOf({ operator }: World, action: string) {
  const { json } = await operator.call('GET', `${acme}/audit-records?action=${action}`)
  return json.items
}

forEachStore((_engine, suite) => {
  test('trust 25: an initial access token in the URL makes no app, there or afterwards, and a made-up one gets the same answer', async (t) => {
    const world = await startRegistering(t, suite)
    const [token, other] = [await world.give(), await world.give({ name: 'Others' })]
    const fabricated = formatRegistrationToken('initial', new Uint8Array(32))
    const answers = [
      await inUrl(world, `access_token=${fabricated}`),
      await inUrl(world, 'access_token=x'),
      await inUrl(world, `access_token=${token}`),
      // A right one in the header does not help, and is not what stood in the URL.
      await inUrl(world, `a=${token}`, { authorization: [`Bearer ${other}`] }),
    ]
    for (const answer of answers) assertRefused(answer, 400, 'invalid_request')
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1)
    await untilExposed(world)
    assertNoToken(await world.register(token, {}))
    assert.equal((await world.register(other, {})).status, 201)
    assert.equal(await countOf(world), '1')
    const [record, ...more] = await recordsOf(world, 'exposeRegistrationToken')
    assert.deepEqual(
      [record.actor, record.after, more],
      ['server', { exposed_by: 'query_string', removed: true }, []],
    )
    assert.ok(!JSON.stringify([world.server.logLines, record]).includes(token.slice(7, 40)))
  })

  test('trust 25: a registration access token in the URL ends with its registration; the app goes on, and its owner hears of it', async (t) => {
    const world = await startRegistering(t, suite)
    const given = await world.give({ registrations: 2 })
    const [app, other] = [await world.register(given, {}), await world.register(given, {})]
    const { client_id, client_secret } = app.json
    const url = `${path}/${client_id}?access_token=${ownToken(app)}`
    for (const method of ['GET', 'PUT', 'DELETE'])
      assertRefused(await world.server.request({ method, url, body: '{}' }), 400, 'invalid_request')
    await untilExposed(world)
    assertNoToken(await world.configure('GET', app))
    assert.equal((await world.configure('GET', other)).status, 200)
    assertToken(await world.server.token('acme', { basic: [client_id, client_secret] }))
    const { json } = await world.operator.call('GET', `${acme}/organizations/customer/notices`)
    const [notice] = json.items
    assert.deepEqual(
      [notice.client_id, notice.credential, notice.detail],
      [client_id, 'registration access token', { by: 'query_string', quarantined: true }],
    )
  })

  test('issue 4.5: where the tenant only wants to know, the token works on, and one program’s habit is noted once an hour', async (t) => {
    const world = await startRegistering(t, suite)
    assert.equal((await change(world.operator, acme, { exposed_secrets: 'flag' })).status, 200)
    await world.server.advance(1)
    const app = await world.register(await world.give(), {})
    const query = `access_token=${ownToken(app)}`
    for (let times = 0; times < 3; times++) await inUrl(world, query)
    await untilExposed(world)
    await world.server.advance(3600)
    await inUrl(world, query)
    await untilExposed(world, 2)
    assert.equal((await world.configure('GET', app)).status, 200)
    // The one before has expired.
    const operator = await manager(world.server)
    assert.equal((await recordsOf({ ...world, operator }, 'exposeRegistration')).length, 2)
    assert.equal(linesOf(world, 'registration token removed').length, 0)
    assert.equal((await change(operator, acme, { exposed_secrets: 'quarantine' })).status, 200)
    await inUrl(world, query)
    await untilExposed(world, 3)
    assertNoToken(await world.configure('GET', app))
  })

  test('contract: over plain HTTP a token of either kind ends, and so does the secret that a client says again', async (t) => {
    const world = await startRegistering(t, suite)
    const port = await world.server.server.listenPlainHttp({ hosts: ['127.0.0.1'], port: 0 })
    const send = (method: string, url: string, token: string, body: object = {}) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = {
          ...{ host: 'localhost:8443', 'content-type': 'application/json' },
          authorization: `Bearer ${token}`,
        }
        const sent = request({ host: '127.0.0.1', port, method, path: url, headers, agent: false })
        sent.once('response', (message) => resolve(message.resume().statusCode))
        sent.once('error', reject).end(method === 'GET' ? undefined : JSON.stringify(body))
      })
    const given = await world.give({ registrations: 9 })
    const [app, other] = [await world.register(given, {}), await world.register(given, {})]
    const fabricated = formatRegistrationToken('initial', new Uint8Array(32))
    assert.equal(await send('POST', path, fabricated), 403)
    assert.equal(await send('POST', path, given), 403)
    assert.equal(await send('GET', `${path}/${app.json.client_id}`, ownToken(app)), 403)
    const { client_id, client_secret } = other.json
    const body = { client_id, client_secret }
    assert.equal(await send('PUT', `${path}/${client_id}`, 'wrong', body), 403)
    await untilExposed(world, 3)
    assertNoToken(await world.register(given, {}))
    assertNoToken(await world.configure('GET', app))
    await world.server.advance(1)
    assert.equal((await world.server.token('acme', { basic: [client_id, client_secret] })).status, 401)
    assert.equal((await world.configure('GET', other)).status, 200)
    assert.equal(await countOf(world), '3')
  })
})

test('trust 25: a client id in the URL is no secret, and nothing is looked for where nothing is', async (t) => {
  const world = await startRegistering(t, oneStore)
  const answer = await world.register(await world.give(), {})
  const authorization = [`Bearer ${ownToken(answer)}`]
  const { client_id } = answer.json
  const url = `${path}/${client_id}?client_id=${client_id}`
  assert.equal((await world.server.request({ url, authorization })).status, 200)
  // RFC 9110 §15.5.6: also where the method is refused.
  const token = await world.give()
  await world.server.request({ url: `${path}?access_token=${token}` })
  await untilExposed(world)
  assertNoToken(await world.register(token, {}))
})
