// Issue 5, 1: apps and their credentials over the management API, on both databases.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forEachStore } from '../harness.ts'
import { assertProblem, type Manager, manager, organizationPlace, startManaged } from './managed.ts'

forEachStore((_engine, suite) => {
  test('003-03, 004-01: an app is made, gets a secret that is shown once, gets a token with it, and is removed', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const created = await operator.call('POST', '/tenants/acme/organizations/customer/apps', {
      body: { id: 'new-app', name: 'New app', scopes: { rest: ['read'] } },
    })
    assert.equal(created.status, 201, created.text)
    const { client_id: clientId } = created.json
    assert.equal(created.headers.Location, `/manage/v1/tenants/acme/apps/${clientId}`)
    const secret = await operator.call('POST', `/tenants/acme/apps/${clientId}/credentials`, {
      body: { id: 'main', secret: 'generated' },
    })
    assert.equal(secret.status, 201, secret.text)
    assert.match(secret.json.client_secret, /^sp_test_/)
    const token = await server.token('acme', { basic: [clientId, secret.json.client_secret] })
    assert.equal(token.json.scope, 'read')
    const shown = await operator.call('GET', `/tenants/acme/apps/${clientId}/credentials/main`)
    assert.ok(!shown.text.includes('sp_test_'))
    const removed = await operator.call('DELETE', `/tenants/acme/apps/${clientId}`)
    assert.equal(removed.status, 204, removed.text)
    assert.equal((await server.token('acme', { basic: [clientId, secret.json.client_secret] })).status, 401)
    assertProblem(await operator.call('GET', `/tenants/acme/apps/${clientId}`), 404, 'not_found')
  })

  test('trust F21: an organization gives its apps the scopes of its plan, and nothing that sees or speaks for others', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const plan = await operator.call('GET', '/tenants/acme/organizations/customer')
    await operator.call('PATCH', '/tenants/acme/organizations/customer', {
      body: { plan: 'reader' },
      headers: { 'if-match': plan.etag ?? '' },
    })
    const admin = await manager(server, ['organization_admin'], organizationPlace('acme', 'customer'))
    const create = (caller: Manager, id: string, more: object) =>
      caller.call('POST', '/tenants/acme/organizations/customer/apps', { body: { id, name: id, ...more } })
    assert.equal((await create(admin, 'fits', { scopes: { rest: ['read'] } })).status, 201)
    const given = {
      scopes: { rest: ['read', 'write'] },
      introspects: ['rest'],
      token_exchange: { subjects: ['*'] },
      grant_types: ['client_credentials', 'urn:ietf:params:oauth:grant-type:jwt-bearer'],
      access_token_seconds: 86_400,
      attributes: { uid: 'somebody-else' },
    }
    for (const [name, value] of Object.entries(given)) {
      const refused = await create(admin, 'greedy', { [name]: value })
      assertProblem(refused, 403, 'forbidden')
    }
    assert.equal((await create(operator, 'given', { introspects: ['rest'] })).status, 201)
  })

  test('issue 5, 2: an organization that may not give a scope is told why: no plan, none named in it, or another', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const admin = await manager(server, ['organization_admin'], organizationPlace('acme', 'customer'))
    const customer = '/tenants/acme/organizations/customer'
    const told = async (plan: string | null) => {
      const { etag = '' } = await operator.call('GET', customer)
      await operator.call('PATCH', customer, { body: { plan }, headers: { 'if-match': etag } })
      const body = { id: 'more', name: 'More', scopes: { rest: ['write'] } }
      const answer = await admin.call('POST', `${customer}/apps`, { body })
      assertProblem(answer, 403, 'forbidden')
      return answer.json.detail as string
    }
    assert.match(await told(null), /^The organization has no plan, .* write of rest; who has grant_app_/)
    assert.match(await told('free'), /^The organization's plan names no scopes .* write of rest; who has/)
    assert.match(await told('reader'), /^The scope write of rest is not in the organization's plan; who has/)
  })

  test('RFC 6749 §3.3: a provider that gives an app what its plan bars is warned, and the audit chain keeps the app alone', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const customer = '/tenants/acme/organizations/customer'
    const { etag = '' } = await operator.call('GET', customer)
    await operator.call('PATCH', customer, { body: { plan: 'reader' }, headers: { 'if-match': etag } })
    const barred = [
      'Plan reader leaves nothing of rest: what this app is granted there is no part of its tokens.',
    ]
    const made = await operator.call('POST', `${customer}/apps`, {
      body: { id: 'writer', name: 'Writer', scopes: { rest: ['write'] } },
    })
    assert.deepEqual([made.status, made.json.warnings], [201, barred])
    const path = `/tenants/acme/apps/${made.json.client_id}`
    const shown = await operator.call('GET', path)
    assert.deepEqual([shown.etag, shown.json.warnings], [made.etag, undefined])
    const change = async (body: object) => {
      const answer = await operator.call('PATCH', path, { body, headers: { 'if-match': '*' } })
      return answer.json.warnings
    }
    assert.deepEqual(await change({ name: 'Renamed' }), barred)
    assert.equal(await change({ scopes: { rest: ['read', 'write'] } }), undefined)
    const chain = await operator.call('GET', '/tenants/acme/audit-records')
    assert.match(chain.text, /Renamed/)
    assert.doesNotMatch(chain.text, /leaves nothing/)
  })

  test('RFC 9110 §13.1.2: who reads a thing again gets 304 while it is as it was, and it anew once it has changed', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const path = '/tenants/acme/organizations/customer'
    const { etag = '' } = await operator.call('GET', path)
    const again = (method = 'GET') => operator.call(method, path, { headers: { 'if-none-match': etag } })
    for (const method of ['GET', 'HEAD']) {
      const known = await again(method)
      assert.deepEqual([known.status, known.text, known.etag], [304, '', etag])
    }
    const stranger = await manager(server, ['organization_admin'], organizationPlace('acme', 'globex'))
    assertProblem(await stranger.call('GET', path, { headers: { 'if-none-match': '*' } }), 404, 'not_found')
    await operator.call('PATCH', path, { body: { plan: 'reader' }, headers: { 'if-match': etag } })
    const changed = await again()
    assert.deepEqual([changed.status, changed.json.plan], [200, 'reader'])
  })

  test('RFC 9110 §13.1.2: what says more than its tag is sent whole', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    await server.token('acme', { basic: server.credential('acme', 'sync') })
    const { json } = await operator.call('GET', '/tenants/acme/signing-keys')
    const path = `/tenants/acme/signing-keys/${json.items[0].kid}`
    const { etag = '' } = await operator.call('GET', path)
    const again = await operator.call('GET', path, { headers: { 'if-none-match': etag } })
    assert.deepEqual([again.status, again.etag], [200, etag])
  })

  test('trust F21: what the provider has given an app stays when its organization renames it, and cannot grow', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const admin = await manager(server, ['organization_admin'], organizationPlace('acme', 'customer'))
    const made = await operator.call('POST', '/tenants/acme/organizations/customer/apps', {
      body: { id: 'given', name: 'Given', scopes: { rest: ['read'] }, introspects: ['rest'] },
    })
    const path = `/tenants/acme/apps/${made.json.client_id}`
    const renamed = await admin.call('PATCH', path, {
      body: { name: 'Renamed' },
      headers: { 'if-match': made.etag ?? '' },
    })
    assert.equal(renamed.status, 200, renamed.text)
    assert.deepEqual(renamed.json.introspects, ['rest'])
    const more = await admin.call('PATCH', path, {
      body: { scopes: { rest: ['read', 'write'] } },
      headers: { 'if-match': renamed.etag ?? '' },
    })
    assertProblem(more, 403, 'forbidden')
    const off = await operator.call('PATCH', path, {
      body: { disabled: true },
      headers: { 'if-match': renamed.etag ?? '' },
    })
    assert.equal(off.json.disabled, true)
    const on = await admin.call('PATCH', path, {
      body: { disabled: false },
      headers: { 'if-match': off.etag ?? '' },
    })
    assertProblem(on, 403, 'forbidden')
  })

  test('trust F24: whoever may make credentials cannot make one for an app that may do more', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const lesser = await manager(server, ['api_credentials_manager'])
    const path = `/tenants/system/apps/${operator.clientId}/credentials`
    assertProblem(await lesser.call('POST', path, { body: { secret: 'generated' } }), 403, 'forbidden')
    const beside = await manager(server, ['organization_admin'], organizationPlace('system', 'operators'))
    assertProblem(await beside.call('POST', path, { body: { secret: 'generated' } }), 403, 'forbidden')
    assert.equal((await operator.call('POST', path, { body: { secret: 'generated' } })).status, 201)
  })

  test('trust F13, F14, 003-02: a disabled app, credential, organization and tenant have no good token left, each by its own call', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const [clientId] = server.credential('acme', 'sync')
    const things = [
      `/tenants/acme/apps/${clientId}/credentials/main`,
      `/tenants/acme/apps/${clientId}`,
      '/tenants/acme/organizations/customer',
      '/tenants/acme',
    ]
    for (const path of things) {
      await server.advance(10)
      const switchTo = async (disabled: boolean) => {
        const { etag = '' } = await operator.call('GET', path)
        const answer = await operator.call('PATCH', path, {
          body: { disabled },
          headers: { 'if-match': etag },
        })
        assert.equal(answer.status, 200, answer.text)
        assert.equal(answer.json.disabled, disabled)
      }
      assert.equal(
        (await server.token('acme', { basic: server.credential('acme', 'sync') })).status,
        200,
        path,
      )
      await switchTo(true)
      assert.equal(
        (await server.token('acme', { basic: server.credential('acme', 'sync') })).status,
        401,
        path,
      )
      await switchTo(false)
    }
  })

  test('issue 5, 3: each change is one record of the chain, with what was before and after and no secret', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const made = await operator.call('POST', '/tenants/acme/organizations/customer/apps', {
      body: { id: 'told', name: 'Told' },
    })
    const path = `/tenants/acme/apps/${made.json.client_id}`
    const secret = await operator.call('POST', `${path}/credentials`, {
      body: { id: 'main', secret: 'generated' },
    })
    await operator.call('PATCH', path, { body: { name: 'Retold' }, headers: { 'if-match': made.etag ?? '' } })
    await operator.call('DELETE', path)
    const { json, text } = await operator.call('GET', '/tenants/acme/audit-records')
    assert.ok(!text.includes(secret.json.client_secret))
    // The server itself may have written of its keys meanwhile.
    const byOperator = (one: { actor: string }) => one.actor === `app ${operator.clientId}`
    const [removed, changed, keyed, created] = json.items.filter(byOperator)
    assert.deepEqual(
      [removed, changed, keyed, created].map(({ action }) => action),
      ['removeApp', 'updateApp', 'createCredential', 'createApp'],
    )
    assert.deepEqual([changed.before.name, changed.after.name], ['Told', 'Retold'])
    assert.deepEqual([created.before, removed.after], [null, null])
    assert.equal(created.target, `app ${made.json.client_id}`)
    assert.equal(created.request_id, made.headers['X-Request-Id'] ?? created.request_id)
    assert.ok(created.request_id)
  })
})
