// trust F12, F14, F19, F24: names that outlive their holders, the last way in, plans that are left, and what time tells.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forEachStore } from '../harness.ts'
import { assertProblem, change, manager, organizationPlace, startManaged, tenantPlace } from './managed.ts'
import { appOf, customerApps } from './people.ts'

const customer = organizationPlace('acme', 'customer')

forEachStore((_engine, suite) => {
  test('trust F19: the id of an app that is gone is not free while others say something of it', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    assert.equal((await change(operator, '/tenants/acme', { token_exchange: true })).status, 200)
    const body = {
      ...{ id: 'gateway', name: 'Gateway', scopes: { rest: ['read'] } },
      grant_types: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
      token_exchange: { subjects: ['sync', '*'], actors: ['pay'], targets: ['rest'] },
    }
    const gateway = await operator.call('POST', customerApps, { body })
    assert.equal(gateway.status, 201, gateway.text)
    const trusted = { issuer: 'https://idp.example', apps: ['pay'] }
    const issuer = await operator.call('POST', '/tenants/acme/trusted-issuers', { body: trusted })
    assert.equal(issuer.status, 201, issuer.text)
    for (const id of ['sync', 'pay'])
      assert.equal((await operator.call('DELETE', appOf(server, id))).status, 204)

    const attacker = await manager(server, ['organization_admin'], organizationPlace('acme', 'globex'))
    const globexApps = '/tenants/acme/organizations/globex/apps'
    const take = (id: string) => attacker.call('POST', globexApps, { body: { id, name: 'Mine' } })
    for (const id of ['sync', 'pay']) assertProblem(await take(id), 409, 'conflict')
    const asked = { app_name: 'Mine', purpose: 'None.' }
    const requests = '/tenants/acme/organizations/globex/key-requests'
    const request = await attacker.call('POST', requests, { body: asked })
    const approve = `/tenants/acme/key-requests/${request.json.id}/approve`
    assertProblem(await operator.call('POST', approve, { body: { id: 'sync' } }), 409, 'conflict')

    assert.equal((await operator.call('DELETE', `/tenants/acme/apps/${gateway.json.client_id}`)).status, 204)
    assert.equal((await take('sync')).status, 201)
    assertProblem(await take('pay'), 409, 'conflict')
    await operator.call('DELETE', `/tenants/acme/trusted-issuers/${issuer.json.id}`)
    assert.equal((await take('pay')).status, 201)
  })

  test('trust F24: the last operator keeps a secret that gets it in, whichever way it would lose it', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const app = `/tenants/system/apps/${operator.clientId}`
    const [only] = (await operator.call('GET', `${app}/credentials`)).json.items
    const secret = `${app}/credentials/${only.id}`
    const soon = server.clock() + 3_600
    const rotate = (body: object) => operator.call('POST', `${app}/rotate-secret`, { body })
    assertProblem(await operator.call('DELETE', secret), 409, 'conflict')
    assertProblem(await change(operator, secret, { disabled: true }), 409, 'conflict')
    assertProblem(await change(operator, secret, { expires_at: soon }), 409, 'conflict')
    assertProblem(await rotate({ overlap_seconds: 0, expires_at: soon }), 409, 'conflict')
    assert.equal((await operator.call('GET', secret)).json.standing, 'good')
    // One that has no way in itself is no other operator.
    const friend = await manager(server)
    const friends = `/tenants/system/apps/${friend.clientId}`
    const [other] = (await operator.call('GET', `${friends}/credentials`)).json.items
    assert.equal((await operator.call('DELETE', `${friends}/credentials/${other.id}`)).status, 204)
    assertProblem(await operator.call('DELETE', secret), 409, 'conflict')
    const mine = `/tenants/system/memberships/app:${operator.clientId}`
    assertProblem(await operator.call('DELETE', mine), 409, 'conflict')
    assert.equal((await rotate({ overlap_seconds: 0 })).status, 201)
    assert.equal((await operator.call('DELETE', secret)).status, 204)
  })

  test('trust F24: nobody keeps the scopes of an approved plan by leaving it for a free one', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const admin = await manager(server, ['organization_admin'], customer)
    const gold = { id: 'gold', price: 'paid', approval: true, scopes: { rest: ['write'] } }
    assert.equal((await operator.call('POST', '/tenants/acme/plans', { body: gold })).status, 201)
    const join = (by: typeof admin, plan: string) =>
      by.call('POST', '/tenants/acme/organizations/customer/subscription', { body: { plan } })
    const scopes = (wanted: object | null) => change(admin, appOf(server, 'sync'), { scopes: wanted })
    assert.equal((await scopes(null)).status, 200)
    assert.equal((await join(operator, 'gold')).status, 200)
    assert.equal((await scopes({ rest: ['write'] })).status, 200)
    for (const plan of ['free', 'reader']) assertProblem(await join(admin, plan), 409, 'conflict')
    assert.equal((await change(operator, '/tenants/acme/plans/gold', { approval: false })).status, 200)
    const refused = await join(admin, 'free')
    assertProblem(refused, 409, 'conflict')
    assert.match(refused.json.detail, /App sync would keep scopes that it has by plan gold/)
    // By way of a plan that bounds what it leaves standing.
    assert.equal((await join(admin, 'reader')).status, 200)
    assert.equal((await change(operator, '/tenants/acme/plans/gold', { approval: true })).status, 200)
    assertProblem(await join(admin, 'free'), 409, 'conflict')
    assertProblem(await join(admin, 'gold'), 409, 'conflict')
    assert.equal((await scopes(null)).status, 200)
    assert.equal((await join(admin, 'free')).status, 200)
    assertProblem(await scopes({ rest: ['write'] }), 403, 'forbidden')
    assertProblem(await join(admin, 'gold'), 409, 'conflict')
  })

  test('trust F12: what others have and what nobody has is refused with the same work, so that time tells nothing', async (t) => {
    const server = await startManaged(t, suite)
    const refusals = async () => {
      const rows = server.db.kysely
        .selectFrom('audit_records')
        .select('target')
        .where('outcome', '=', 'refused')
      return (await rows.execute()).length
    }
    const places = [tenantPlace('umbrella'), organizationPlace('acme', 'globex')]
    for (const place of places) {
      const caller = await manager(server, ['organization_admin'], place)
      for (const path of [appOf(server, 'sync'), '/tenants/acme/apps/nobody', '/tenants/none/apps/nobody']) {
        for (const method of ['GET', 'DELETE']) {
          const before = await refusals()
          assertProblem(await caller.call(method, path), 404, 'not_found')
          assert.equal(await refusals(), before + 1, `${method} ${path}`)
        }
      }
    }
    // Whoever sees all of a tenant has only mistyped.
    const owner = await manager(server, ['tenant_admin'], tenantPlace('acme'))
    const before = await refusals()
    assertProblem(await owner.call('GET', '/tenants/acme/apps/nobody'), 404, 'not_found')
    assert.equal(await refusals(), before)
  })

  test('trust F12: nothing is looked for on behalf of whoever belongs nowhere in the tenant', async (t) => {
    const server = await startManaged(t, suite)
    const stranger = await manager(server, ['organization_admin'], tenantPlace('umbrella'))
    const reasons = new Set<unknown>()
    for (const path of [appOf(server, 'sync'), '/tenants/acme/apps/nobody']) {
      assertProblem(await stranger.call('GET', `${path}/credentials/main`), 404, 'not_found')
      reasons.add(server.logLines.at(-1)?.reason)
    }
    assert.deepEqual([...reasons], ['no membership reaches acme'])
  })
})
