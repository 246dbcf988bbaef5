// trust part 2 I, part 1 rows 24 and 25: what the management API answers to input that does not fit.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Database, StoreUnavailable } from '../../src/store/database.ts'
import { forEachStore, oneStore, startTestServer, type TestServer } from '../harness.ts'
import { everyThing } from './every-thing.ts'
import { assertProblem, callApi, manager, sample, startManaged } from './managed.ts'
import { customerApps } from './people.ts'

async function withApp(server: TestServer) {
  const operator = await manager(server)
  const created = await operator.call('POST', customerApps, { body: { id: 'thing', name: 'Thing' } })
  const path = `/tenants/acme/apps/${created.json.client_id}`
  return { operator, path, etag: created.etag ?? '', created }
}

forEachStore((_engine, suite) => {
  test('trust part 2 I: a query with U+0000, which no database keeps, is refused by name and is no failure', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    for (const [path, name] of [
      ['/tenants/acme/apps', 'id'],
      ['/tenants/acme/apps', 'organization'],
      ['/audit-records', 'tenant'],
      ['/tenants/acme/audit-records', 'target'],
    ]) {
      const answer = await operator.call('GET', `${path}?${name}=a%00`)
      assertProblem(answer, 400, 'invalid_query')
      assert.equal(answer.json.errors[0].pointer, `/${name}`)
    }
  })

  test('trust 161: an update without If-Match is 428, with a stale one 412, with the present one done', async (t) => {
    const server = await startManaged(t, suite)
    const { operator, path, etag } = await withApp(server)
    const body = { name: 'Renamed' }
    assertProblem(await operator.call('PATCH', path, { body }), 428, 'precondition_required')
    const first = await operator.call('PATCH', path, { body, headers: { 'if-match': etag } })
    assert.equal(first.status, 200, first.text)
    assert.equal(first.json.name, 'Renamed')
    const stale = await operator.call('PATCH', path, {
      body: { name: 'Lost' },
      headers: { 'if-match': etag },
    })
    assertProblem(stale, 412, 'precondition_failed')
    assertProblem(
      await operator.call('DELETE', path, { headers: { 'if-match': etag } }),
      412,
      'precondition_failed',
    )
    const shown = await operator.call('GET', path)
    assert.equal(shown.json.name, 'Renamed')
    assert.equal(shown.etag, first.etag)
  })

  test('trust F24: whatever a body names beside what may be set is refused by name, and nothing is done', async (t) => {
    const server = await startManaged(t, suite)
    const { operator, path, etag } = await withApp(server)
    const internal = {
      ...{ client_id: 'mine', organization: 'globex', tenant_id: 'umbrella', created_at: 1, blueprint: 'x' },
      ...{ __proto__x: {}, constructor: {}, roles: ['operator'], settings: {}, credentials: [] },
    }
    for (const [name, value] of Object.entries(internal)) {
      const made = await operator.call('POST', customerApps, {
        body: { id: 'other', name: 'Other', [name]: value },
      })
      assertProblem(made, 400, 'invalid_body')
      assert.equal(made.json.errors[0].pointer, `/${name}`)
      const changed = await operator.call('PATCH', path, {
        body: { [name]: value },
        headers: { 'if-match': etag },
      })
      assertProblem(changed, 400, 'invalid_body')
    }
    const proto = await operator.call('POST', customerApps, {
      body: '{"id":"other","name":"Other","__proto__":{"disabled":true}}',
    })
    assertProblem(proto, 400, 'invalid_body')
    const patched = await operator.call('PATCH', path, {
      body: '{"__proto__":{"disabled":true}}',
      headers: { 'if-match': etag },
    })
    assertProblem(patched, 400, 'invalid_body')
    assert.equal((await operator.call('GET', path)).etag, etag)
  })

  test('trust F25: a cursor that was altered, or is of another list, tenant or caller, is 400 and never an error', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const other = await manager(server)
    await everyThing(server)
    const first = await operator.call('GET', '/tenants/acme/apps?limit=1')
    const cursor: string = first.json.next_cursor
    const second = await operator.call('GET', `/tenants/acme/apps?limit=1&cursor=${cursor}`)
    assert.equal(second.status, 200)
    assert.notEqual(second.json.items[0].client_id, first.json.items[0].client_id)
    const elsewhere = [
      await operator.call('GET', `/tenants/umbrella/apps?cursor=${cursor}`),
      await operator.call('GET', `/tenants/acme/organizations?cursor=${cursor}`),
      await operator.call('GET', `/tenants/acme/apps?organization=globex&cursor=${cursor}`),
      await other.call('GET', `/tenants/acme/apps?cursor=${cursor}`),
      await operator.call('GET', '/tenants/acme/apps?cursor='),
      await operator.call('GET', `/tenants/acme/apps?cursor=${encodeURIComponent("' or 1=1 --")}`),
    ]
    for (const answer of elsewhere) assertProblem(answer, 400, 'invalid_cursor')
    for (let index = 0; index < 300; index++) {
      const at = index % cursor.length
      const letter = cursor[at] === 'A' ? 'B' : 'A'
      const altered = cursor.slice(0, at) + letter + cursor.slice(at + 1 + Math.floor(index / cursor.length))
      assertProblem(await operator.call('GET', `/tenants/acme/apps?cursor=${altered}`), 400, 'invalid_cursor')
    }
  })

  test('issue 5, 1: the pages of a list hold each thing once, in order, to the end', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    for (let index = 0; index < 7; index++)
      await operator.call('POST', customerApps, { body: { id: `app-${index}`, name: 'App' } })
    const all = (await operator.call('GET', '/tenants/acme/apps')).json.items as { client_id: string }[]
    const paged: { client_id: string }[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const suffix: string = cursor === '' ? '' : `&cursor=${cursor}`
      const { json } = await operator.call('GET', `/tenants/acme/apps?limit=2${suffix}`)
      paged.push(...json.items)
      cursor = json.next_cursor
    }
    assert.equal(all.length, 9)
    assert.deepEqual(paged, all)
  })

  test('trust R18, trust 114: with the database gone a call is 503 with Retry-After, and nothing is done', async (t) => {
    const gone = { is: false }
    const db = (real: Database): Database => ({
      ...real,
      changes: real.changes,
      write: (work, by) =>
        gone.is ? Promise.reject(new StoreUnavailable('gone, says the test')) : real.write(work, by),
    })
    const server = await startManaged(t, suite, { db })
    const operator = await manager(server)
    gone.is = true
    const answer = await operator.call('POST', customerApps, { body: { id: 'x', name: 'X' } })
    assertProblem(answer, 503, 'unavailable')
    assert.match(answer.headers['Retry-After'] ?? '', /^[1-9]/)
    gone.is = false
    assert.equal((await operator.call('GET', customerApps)).json.items.length, 1)
  })
})

test('trust 162: a body that is not JSON by its type is 415, and no header overrides the method', async (t) => {
  const server = await startManaged(t, oneStore)
  const { operator, path } = await withApp(server)
  const types = ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', '']
  const unclear = ['application/json; charset=latin1', 'application/json; a=b; a=c', 'application/json;"']
  const headers = [...types, ...unclear].map((type): Record<string, string> => ({ 'content-type': type }))
  const json = { 'content-type': 'application/json' }
  for (const sent of [...headers, { ...json, 'content-encoding': 'gzip' }]) {
    const answer = await operator.call('POST', customerApps, { body: '{"id":"a","name":"A"}', headers: sent })
    assertProblem(answer, 415, 'unsupported_media_type')
  }
  const overridden = await operator.call('GET', path, { headers: { 'x-http-method-override': 'DELETE' } })
  assert.equal(overridden.status, 200)
  assert.equal((await operator.call('GET', path)).status, 200)
  const put = await operator.call('PUT', path, { body: {} })
  assertProblem(put, 405, 'method_not_allowed')
  assert.deepEqual((put.headers.Allow ?? '').split(', ').sort(), ['DELETE', 'GET', 'HEAD', 'PATCH'])
})

test('RFC 9110 §9.1: whatever can be read with GET can be asked with HEAD, which writes nothing', async (t) => {
  const server = await startManaged(t, oneStore)
  const { operator, path } = await withApp(server)
  const [got, head] = [await operator.call('GET', path), await operator.call('HEAD', path)]
  assert.deepEqual([head.status, head.etag], [200, got.etag])
  assert.equal((await server.request({ method: 'HEAD', url: '/manage/v1/openapi.json' })).status, 200)
  assertProblem(await operator.call('HEAD', '/tenants/nobody'), 404, 'not_found')
  const bare = await server.request({ method: 'HEAD', url: '/manage/v1/me' })
  assert.equal(bare.status, 401)
})

test('RFC 9457: an unknown parameter is told with those that there are, those of pages too', async (t) => {
  const server = await startManaged(t, oneStore)
  const { operator, path } = await withApp(server)
  const expectedAt = async (url: string) => (await operator.call('GET', url)).json.errors[0].expected
  assert.equal(await expectedAt('/tenants/acme/apps?plan=x'), 'one of organization, id, limit, cursor')
  assert.equal(await expectedAt('/tenants?x=1'), 'one of limit, cursor')
  assert.equal(await expectedAt(`${path}?x=1`), 'no parameter')
})

test('trust part 2 I: broken, doubled, deep and unstorable JSON is 400 before anything is done', async (t) => {
  const server = await startManaged(t, oneStore)
  const operator = await manager(server)
  const bodies = [
    '{',
    '[]',
    'null',
    '"text"',
    '{"id":"a","id":"b","name":"A"}',
    '{"id":"a","name":"A\\u0000"}',
    '{"id":"a","name":"\\ud800"}',
    Buffer.from([0x7b, 0xff, 0x7d]),
    '{"id":"a","name":"A","attributes":{"a":9007199254740993}}',
    `{"id":"a","name":"A","attributes":${'{"a":'.repeat(40)}1${'}'.repeat(40)}}`,
    `{"id":"a","name":"A","attributes":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
  ]
  for (const body of bodies) {
    const answer = await operator.call('POST', customerApps, { body })
    assertProblem(answer, 400, 'malformed_request')
    assert.match(answer.json.detail, /whole numbers within 9007199254740991 of zero/)
  }
  const wrong = await operator.call('POST', customerApps, {
    body: { id: 'A B', name: '', scopes: { rest: 'read' } },
  })
  assertProblem(wrong, 400, 'invalid_body')
  assert.deepEqual(
    wrong.json.errors.map(({ pointer }: { pointer: string }) => pointer),
    ['/id', '/name', '/scopes/rest'],
  )
  const semantic = await operator.call('POST', customerApps, {
    body: { id: 'a', name: 'A', scopes: { rest: ['erase'], nowhere: ['read'] } },
  })
  assertProblem(semantic, 400, 'invalid_body')
  assert.match(semantic.json.errors[0].pointer, /^\/scopes\//)
})

test('issue 5, 1: unknown, doubled and wrong query parameters are told by name', async (t) => {
  const server = await startManaged(t, oneStore)
  const operator = await manager(server)
  for (const query of ['limit=0', 'limit=201', 'limit=a', 'limit=1&limit=2', 'nothing=1', 'organisation=x']) {
    const answer = await operator.call('GET', `/tenants/acme/apps?${query}`)
    assertProblem(answer, 400, 'invalid_query')
    assert.equal(answer.json.errors[0].pointer, `/${query.split('=')[0]}`)
  }
})

test('trust 156: a token of another tenant, for another API, expired, bound to a key or of a removed operator is none', async (t) => {
  const server = await startTestServer(t, oneStore, sample)
  const foreign = await server.token('acme', { basic: server.credential('acme', 'sync') })
  assertProblem(await callApi(server, foreign.json.access_token, 'GET', '/me'), 401, 'unauthenticated')
  const operator = await manager(server)
  assert.equal((await operator.call('GET', '/me')).status, 200)
  for (const authorization of [
    [`Bearer  ${operator.token}`],
    [`Bearer\t${operator.token}`],
    [`Basic ${operator.token}`],
    [`Bearer ${operator.token}`, `Bearer ${operator.token}`],
    [`Bearer ${operator.token}, Bearer ${operator.token}`],
    [`Bearer ${operator.token.slice(0, -1)}`],
  ]) {
    const answer = await server.request({ url: '/manage/v1/me', authorization })
    assert.equal(answer.status, 401, authorization[0])
  }
  await server.advance(601)
  assertProblem(await operator.call('GET', '/me'), 401, 'unauthenticated')
})

test('issue 5, 1: each answer to a known caller says how many calls are left, and one call too many is 429 until the window ends', async (t) => {
  const server = await startManaged(t, oneStore)
  const operator = await manager(server)
  const first = await operator.call('GET', '/me')
  assert.equal(first.headers['RateLimit-Policy'], '"management";q=600;w=60')
  assert.equal(first.headers.RateLimit, '"management";r=599;t=60')
  // Whoever shows no good token is nobody: their calls are not taken from anybody's.
  const unknown = await server.request({ url: '/manage/v1/me', authorization: [`Bearer ${operator.token}x`] })
  assert.deepEqual([unknown.status, unknown.headers.RateLimit], [401, undefined])
  for (let index = 0; index < 599; index++) await operator.call('GET', '/me')
  const over = await operator.call('GET', '/me')
  assertProblem(over, 429, 'too_many_requests')
  assert.equal(over.headers['Retry-After'], '60')
  const other = await manager(server)
  assert.equal((await other.call('GET', '/me')).status, 200)
  await server.advance(60)
  assert.equal((await operator.call('GET', '/me')).status, 200)
})

test('issue 5, 1: no spelling of a path reaches another thing than it names', async (t) => {
  const server = await startManaged(t, oneStore)
  const operator = await manager(server)
  const { app = '' } = await everyThing(server)
  for (const path of [
    `/tenants/acme/apps/${app}/`,
    `//tenants/acme/apps/${app}`,
    `/tenants/acme%2Fapps%2F${app}`,
    `/tenants/umbrella/../acme/apps/${app}`,
    `/tenants/acme/apps/${app}%00`,
    `/tenants/acme/apps/%zz`,
    `/Tenants/acme/apps/${app}`,
  ])
    assertProblem(await operator.call('GET', path), 404, 'not_found')
  const spelled = await operator.call('GET', `/%74enants/acme/apps/${app}`)
  assert.equal(spelled.status, 200)
})

test('issue 5, 1: every writing operation refuses an Idempotency-Key that is none', async (t) => {
  const server = await startManaged(t, oneStore)
  const operator = await manager(server)
  const make = (key: string) =>
    operator.call('POST', customerApps, {
      body: { id: 'a', name: 'A' },
      headers: { 'idempotency-key': key },
    })
  for (const key of ['with blank', '""', '"open', 'a\u00e4', '"\\n"', 'x'.repeat(256)])
    assertProblem(await make(key), 400, 'malformed_request')
})

test('draft-ietf-httpapi-idempotency-key-header-07 §2.1: a key in quotation marks is the key that stands within them', async (t) => {
  const server = await startManaged(t, oneStore)
  const operator = await manager(server)
  const make = (key: string, id: string) =>
    operator.call('POST', customerApps, { body: { id, name: id }, headers: { 'idempotency-key': key } })
  const first = await make('first-app', 'a')
  assert.equal(first.status, 201, first.text)
  const again = await make('"first-app"', 'a')
  assert.deepEqual([again.status, again.headers['Idempotency-Replayed']], [201, 'true'])
  assert.equal((await make('"two words, and a \\" mark"', 'b')).status, 201)
})
