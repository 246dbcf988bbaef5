// RFC 7591 §5, RFC 7592 §5: the tokens of registration are secrets too; what was found in public is good for nothing any more.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { formatRegistrationToken } from '@sallyport/protocol'
import { reportLeakedToken } from '../../src/apps/leaked-tokens.ts'
import type { Database } from '../../src/store/database.ts'
import { forEachStore, type StoreSuite, type TestReply } from '../harness.ts'
import { change } from '../management/managed.ts'
import { acme, made } from '../management/people.ts'
import { assertToken } from '../oauth/answers.ts'
import { appOf, assertNoToken, startRegistering, type World } from '../oauth/registering.ts'
import { found, labelOf, report, scannerDoubles, url } from './scanner.ts'

const start = (t: TestContext, suite: StoreSuite) => startRegistering(t, suite, scannerDoubles().doubles)

const registered = async (world: World, token: string): Promise<TestReply> => {
  const answer = await world.register(token, { contacts: ['ops@globex.example'] })
  assert.equal(answer.status, 201, answer.text)
  return answer
}

const ownTokenOf = ({ json }: TestReply): string => json.registration_access_token

interface Told {
  readonly actor: string
  readonly action: string
  readonly target: string
  readonly before: unknown
  readonly after: unknown
}

async function exposures({ operator }: World, tenant = 'acme'): Promise<readonly Told[]> {
  const { json } = await operator.call('GET', `/tenants/${tenant}/audit-records?limit=100`)
  return json.items
    .filter(({ action }: Told) => action.startsWith('expose'))
    .map(({ actor, action, target, before, after }: Told) => ({ actor, action, target, before, after }))
}

const notices = async ({ operator }: World) =>
  (await operator.call('GET', `${acme}/organizations/customer/notices`)).json.items

const offersRegistration = async ({ server }: World, tenant: string) =>
  'registration_endpoint' in
  (await server.request({ method: 'GET', url: `/${tenant}/.well-known/oauth-authorization-server` })).json

const tokenIdOf = async ({ server }: World, tenant: string) => {
  const rows = server.db.kysely.selectFrom('registration_tokens').select('id').where('tenant_id', '=', tenant)
  return (await rows.executeTakeFirstOrThrow()).id
}

forEachStore((engine, suite) => {
  test(`RFC 7591 §5: ${engine}: an initial access token that was found in public makes no app any more, and no other token is touched`, async (t) => {
    const world = await start(t, suite)
    const { operator, server } = world
    const inUmbrella = '/tenants/umbrella/organizations'
    made(await operator.call('POST', inUmbrella, { body: { id: 'theirs', name: 'Theirs' } }))
    const tokens = `${inUmbrella}/theirs/registration-tokens`
    const umbrellas = made(await operator.call('POST', tokens, { body: { name: 'Machines' } })).json.token
    const leaked = await world.give({ registrations: 9 })
    const id = await tokenIdOf(world, 'acme')
    const its = await registered(world, leaked)
    const fabricated = formatRegistrationToken('initial', randomBytes(32))
    const reply = await report(server, found(fabricated, leaked, leaked))
    const real = labelOf(leaked, 'true_positive')
    assert.deepEqual(reply.json, [labelOf(fabricated, 'false_positive'), real, real])
    assertNoToken(await world.register(leaked, {}))
    assert.equal(await offersRegistration(world, 'acme'), false)
    assert.equal((await world.configure('GET', its)).status, 200)
    assert.equal((await world.register(umbrellas, {}, 'umbrella')).status, 201)
    assert.deepEqual(await exposures(world), [
      {
        ...{ actor: 'server', action: 'exposeRegistrationToken', target: `registration token ${id}` },
        before: { organization: 'customer', name: 'Machines', registrations: 9, registered: 1 },
        after: { exposed_by: 'leak_report', removed: true },
      },
    ])
    assert.deepEqual(await exposures(world, 'umbrella'), [])
    // It was forgotten with its digest.
    assert.deepEqual((await report(server, found(leaked))).json, [labelOf(leaked, 'false_positive')])
    const [line] = server.logLines.filter(({ msg }) => msg === 'secret reported')
    assert.deepEqual([line?.tenant, line?.organization, line?.credential_id], ['acme', 'customer', id])
    assert.ok(!JSON.stringify([server.logLines, reply.text]).includes(leaked.slice(7, 40)))
  })

  test(`RFC 7592 §5: ${engine}: a registration access token that was found in public changes nothing any more; the app works, and its people manage it`, async (t) => {
    const world = await start(t, suite)
    const { operator, server } = world
    const given = await world.give({ registrations: 2 })
    const [leaked, other] = [await registered(world, given), await registered(world, given)]
    const token = ownTokenOf(leaked)
    const fabricated = formatRegistrationToken('registration', randomBytes(32))
    const reply = await report(server, found(token, fabricated))
    assert.deepEqual(reply.json, [labelOf(token, 'true_positive'), labelOf(fabricated, 'false_positive')])
    const { client_id: clientId, client_secret: secret } = leaked.json
    for (const method of ['GET', 'PUT', 'DELETE'])
      assertNoToken(
        await world.configure(method, leaked, method === 'PUT' ? { body: { client_id: clientId } } : {}),
      )
    assertToken(await server.token('acme', { basic: [clientId, secret] }))
    assert.equal((await world.configure('GET', other)).status, 200)
    assert.deepEqual(await exposures(world), [
      {
        ...{ actor: 'server', action: 'exposeRegistration', target: `app ${clientId}` },
        before: {
          registration_token: await tokenIdOf(world, 'acme'),
          registration: { contacts: ['ops@globex.example'] },
        },
        after: { exposed_by: 'leak_report', removed: true },
      },
    ])
    const [notice, ...more] = await notices(world)
    assert.deepEqual(
      [notice.client_id, notice.credential, notice.kind, notice.detail, more],
      [clientId, 'registration access token', 'exposed', { by: 'leak_report', quarantined: true, url }, []],
    )
    const told = JSON.stringify([server.logLines, notice, reply.text, await exposures(world)])
    assert.ok(!told.includes(token.slice(7, 40)))
    assert.equal((await change(operator, `${acme}/apps/${clientId}`, { name: 'Kept' })).status, 200)
    assert.equal((await appOf(world, leaked)).json.name, 'Kept')
    assert.equal((await operator.call('DELETE', `${acme}/apps/${clientId}`)).status, 204)
  })

  test(`issue 4.5: ${engine}: where the tenant only wants to know, both tokens stay as they are and both reports are recorded`, async (t) => {
    const world = await start(t, suite)
    assert.equal((await change(world.operator, acme, { exposed_secrets: 'flag' })).status, 200)
    const given = await world.give({ registrations: 2 })
    const app = await registered(world, given)
    const reply = await report(world.server, found(given, given, ownTokenOf(app)))
    assert.deepEqual(
      reply.json.map(({ label }: { readonly label: string }) => label),
      ['true_positive', 'true_positive', 'true_positive'],
    )
    assert.equal((await world.configure('GET', app)).status, 200)
    assert.equal((await world.register(given, {})).status, 201)
    const records = await exposures(world)
    assert.deepEqual(records.map(({ action }) => action).sort(), [
      'exposeRegistration',
      'exposeRegistrationToken',
    ])
    for (const { after } of records) assert.deepEqual(after, { exposed_by: 'leak_report', removed: false })
    assert.equal((await notices(world))[0].detail.quarantined, false)
  })

  test(`trust F27: ${engine}: reported by several at once it ends once, and what cannot be recorded is not done`, async (t) => {
    const world = await start(t, suite)
    const { db } = world.server
    const given = await world.give()
    const app = await registered(world, given)
    const both = [
      { kind: 'initial', token: given },
      { kind: 'registration', token: ownTokenOf(app) },
    ] as const
    const failing: Database = {
      ...db,
      write: (work) =>
        db.write((tx) =>
          work({
            ...tx,
            audit() {
              throw new Error('nothing can be recorded')
            },
          }),
        ),
    }
    for (const leak of both) {
      const reporting = (to: Database) =>
        reportLeakedToken(to, { ...leak, exposedBy: 'leak_report', by: 'server' })
      await assert.rejects(reporting(failing), /nothing can be recorded/)
      const done = await Promise.all([reporting(db), reporting(db), reporting(db)])
      assert.deepEqual(
        done.flatMap((one) => one?.exposed ?? []),
        ['removed'],
      )
    }
    assert.equal((await exposures(world)).length, 2)
    assertNoToken(await world.configure('GET', app))
  })
})
