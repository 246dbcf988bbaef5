// Issue 5, 1: the outside issuers that a tenant trusts, one by one over the management API, on both databases.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forEachStore, startTestServer } from '../harness.ts'
import { app, blueprint, tenant } from '../oauth/sample.ts'
import { type Answer, assertProblem, manager, organizationPlace, tenantPlace } from './managed.ts'

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const first = { issuer: 'https://first.example', apps: ['sync'] }
const second = { issuer: 'https://second.example', apps: ['*'], maximum_assertion_seconds: 600 }

const trusting = blueprint(
  tenant('acme', [app('sync', { grant_types: ['client_credentials', jwtBearer] })], {
    trusted_issuers: [first],
    access_token_seconds: 900,
  }),
  tenant('umbrella', [app('hive')]),
)

const path = '/tenants/acme/trusted-issuers'

const issuersOf = ({ json }: Answer): string[] => json.items.map((one: { issuer: string }) => one.issuer)

forEachStore((_engine, suite) => {
  test('issue 5, 1: an issuer is trusted, changed and trusted no more, and nothing else of the tenant changes', async (t) => {
    const server = await startTestServer(t, suite, trusting)
    const operator = await manager(server, ['tenant_admin'], tenantPlace('acme'))
    const before = await operator.call('GET', '/tenants/acme')
    const created = await operator.call('POST', path, { body: second })
    assert.equal(created.status, 201, created.text)
    const place = `${path}/${created.json.id}`
    assert.equal(created.headers.Location, `/manage/v1${place}`)
    assertProblem(await operator.call('POST', path, { body: second }), 409, 'conflict')
    assert.deepEqual(issuersOf(await operator.call('GET', path)), [first.issuer, second.issuer])
    const page = await operator.call('GET', `${path}?limit=1`)
    const rest = await operator.call('GET', `${path}?limit=1&cursor=${page.json.next_cursor}`)
    assert.deepEqual([issuersOf(page), issuersOf(rest)], [[first.issuer], [second.issuer]])
    const shown = await operator.call('GET', place)
    assert.deepEqual(shown.json, created.json)
    assertProblem(await operator.call('PATCH', place, { body: {} }), 428, 'precondition_required')
    const changed = await operator.call('PATCH', place, {
      body: { maximum_assertion_seconds: null, apps: ['sync'] },
      headers: { 'if-match': shown.etag ?? '' },
    })
    assert.equal(changed.status, 200, changed.text)
    assert.deepEqual(changed.json, { id: changed.json.id, issuer: second.issuer, apps: ['sync'] })
    assertProblem(await operator.call('GET', place), 404, 'not_found')
    const moved = `${path}/${changed.json.id}`
    assert.equal((await operator.call('DELETE', moved)).status, 204)
    const after = await operator.call('GET', '/tenants/acme')
    assert.deepEqual({ ...after.json, updated_at: 0 }, { ...before.json, updated_at: 0 })
  })

  test('trust F25: a list whose issuers are changed as it is read ends, and a change that is asked again is answered again', async (t) => {
    const server = await startTestServer(t, suite, trusting)
    const admin = await manager(server, ['tenant_admin'], tenantPlace('acme'))
    assert.equal((await admin.call('POST', path, { body: second })).status, 201)
    const page = await admin.call('GET', `${path}?limit=1`)
    const place = `${path}/${page.json.items[0].id}`
    const { etag = '' } = await admin.call('GET', place)
    const headers = { 'if-match': etag, 'idempotency-key': 'once' }
    const patch = () => admin.call('PATCH', place, { body: { maximum_assertion_seconds: 60 }, headers })
    const changed = await patch()
    assert.equal(changed.status, 200, changed.text)
    const again = await patch()
    assert.deepEqual([again.status, again.text], [200, changed.text])
    assert.equal(again.headers['Idempotency-Replayed'], 'true')
    const next = await admin.call('GET', `${path}?limit=1&cursor=${page.json.next_cursor}`)
    assertProblem(next, 400, 'invalid_cursor')
    // Who has lost the role since is not told what was answered.
    const { clientId } = admin
    const operator = await manager(server)
    assert.equal((await operator.call('DELETE', `/tenants/acme/memberships/app:${clientId}`)).status, 204)
    assertProblem(await patch(), 404, 'not_found')
  })

  test('issue 5, 1: what an issuer cannot be is told by pointers into it, and an app keeps its last one', async (t) => {
    const server = await startTestServer(t, suite, trusting)
    const operator = await manager(server)
    const bad: readonly (readonly [object, string])[] = [
      [{ apps: ['nobody'] }, '/apps/0'],
      [{ scopes: { rest: ['eat'] } }, '/scopes/rest/0'],
      [{ jwks: { keys: [{ kty: 'oct', k: 'hunter2' }] } }, '/jwks/keys/0'],
      [{ subject_token_audience: 'https://here.example' }, '/subject_token_audience'],
      [{ unknown: 1 }, '/unknown'],
    ]
    for (const [more, pointer] of bad) {
      const answer = await operator.call('POST', path, { body: { ...second, ...more } })
      assertProblem(answer, 400, 'invalid_body')
      assert.deepEqual(
        answer.json.errors.map((one: { pointer: string }) => one.pointer),
        [pointer],
      )
      assert.ok(!answer.text.includes('hunter2'))
    }
    const { json } = await operator.call('GET', path)
    const last = await operator.call('DELETE', `${path}/${json.items[0].id}`)
    assertProblem(last, 409, 'conflict')
    assert.match(last.json.detail, /^App sync would not fit it: found a grant that no issuer is trusted for/)
  })

  test('trust F19: whom a tenant trusts, its organizations and strangers neither see nor change', async (t) => {
    const server = await startTestServer(t, suite, trusting)
    const operator = await manager(server)
    const { json } = await operator.call('GET', path)
    const place = `${path}/${json.items[0].id}`
    for (const caller of [
      await manager(server, ['organization_admin'], organizationPlace('acme', 'customer')),
      await manager(server, ['tenant_admin'], tenantPlace('umbrella')),
    ]) {
      for (const asked of [path, place]) assertProblem(await caller.call('GET', asked), 404, 'not_found')
      assertProblem(await caller.call('POST', path, { body: second }), 404, 'not_found')
      assertProblem(await caller.call('DELETE', place), 404, 'not_found')
    }
    const stranger = await manager(server, ['tenant_admin'], tenantPlace('umbrella'))
    const foreign = await stranger.call('GET', place.replace('acme', 'umbrella'))
    assertProblem(foreign, 404, 'not_found')
  })
})
