// Issue 5, 1; 001-19: APIs over the management API, their scopes and endpoints, on both databases.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBlueprints } from '../../src/blueprint/parse.ts'
import { planBlueprints } from '../../src/blueprint/plan.ts'
import { formatProblem } from '../../src/blueprint/problem.ts'
import { forEachStore, startTestServer } from '../harness.ts'
import { assertError } from '../oauth/answers.ts'
import { app, blueprint, restApi, tenant } from '../oauth/sample.ts'
import { claimsOf } from '../oauth/signed.ts'
import { type Answer, assertProblem, manager, organizationPlace, tenantPlace } from './managed.ts'

const pets = {
  id: 'pets',
  audience: 'https://pets.acme.example',
  scopes: { 'pets/read': 'See pets', 'pets/write': 'Change pets' },
  endpoints: [{ method: 'GET', path: '/pets/{pet}', scope: 'pets/read' }],
}

const own = blueprint(tenant('acme', [app('sync')]), tenant('umbrella', [app('hive')]))

const pointersOf = ({ json }: Answer): string[] => json.errors.map((one: { pointer: string }) => one.pointer)

const badEndpoints: readonly (readonly [endpoint: object, pointer: string])[] = [
  [{ method: 'GET', path: '/a', scope: 'pets/eat' }, '/endpoints/0/scope'],
  [{ method: 'GET', path: 'a', scope: 'pets/read' }, '/endpoints/0/path'],
  [{ method: 'GET', path: '/a//b', scope: 'pets/read' }, '/endpoints/0/path'],
  [{ method: 'GET', path: '/a/{b', scope: 'pets/read' }, '/endpoints/0/path'],
  [{ method: 'GET', path: '/a%2', scope: 'pets/read' }, '/endpoints/0/path'],
  [{ method: 'get', path: '/a', scope: 'pets/read' }, '/endpoints/0/method'],
  [{ method: 'GET', path: '/a' }, '/endpoints/0/scope'],
]

const petStore = {
  openapi: '3.0.3',
  info: { title: 'Pets', version: '1' },
  servers: [{ url: 'https://api.acme.example/v1/' }],
  security: [{ oauth: ['pets/read'] }],
  paths: {
    '/pets/{pet}': {
      parameters: [],
      get: {},
      put: { security: [{ oauth: ['pets/write'] }, { key: [] }] },
      delete: { security: [{ oauth: ['pets/write', 'pets/read'] }] },
      trace: {},
    },
    '/pets/{id}': { get: {} },
    '/health': { get: { security: [] } },
    '/me': { get: { security: [{ oauth: [] }] } },
    '/eat': { post: { security: [{ oauth: ['pets/eat'] }] } },
    '/report.{format}': { get: {} },
    '/elsewhere': { $ref: 'https://evil.example/paths.json' },
    '/shared': { $ref: '#/components/x-paths/shared' },
  },
  components: {
    'x-paths': { shared: { head: {} } },
    securitySchemes: {
      key: { type: 'apiKey', in: 'header', name: 'X-Key' },
      round: { $ref: '#/components/securitySchemes/round' },
      oauth: {
        type: 'oauth2',
        flows: {
          clientCredentials: { tokenUrl: 'https://x', scopes: { ...pets.scopes, 'two words': 'No scope' } },
          authorizationCode: { scopes: { 'pets/read': 'Another text', 'pets/admin': 'Everything' } },
        },
      },
    },
  },
}

forEachStore((_engine, suite) => {
  test('product: an API is made, read, changed and removed, and the token endpoint follows each step', async (t) => {
    const server = await startTestServer(t, suite, own)
    const operator = await manager(server, ['tenant_admin'], tenantPlace('acme'))
    const created = await operator.call('POST', '/tenants/acme/apis', { body: pets })
    assert.equal(created.status, 201, created.text)
    assert.equal(created.headers.Location, '/manage/v1/tenants/acme/apis/pets')
    assertProblem(await operator.call('POST', '/tenants/acme/apis', { body: pets }), 409, 'conflict')
    const list = await operator.call('GET', '/tenants/acme/apis?limit=1')
    assert.equal(list.json.items[0].id, 'pets')
    const more = await operator.call('GET', `/tenants/acme/apis?limit=1&cursor=${list.json.next_cursor}`)
    assert.equal(more.json.items[0].id, 'rest')
    const shown = await operator.call('GET', '/tenants/acme/apis/pets')
    assert.deepEqual(shown.json, created.json)
    assert.deepEqual(shown.json.endpoints, pets.endpoints)

    const basic = server.credential('acme', 'sync')
    const body = { grant_type: 'client_credentials', audience: pets.audience }
    const mine = await operator.call('GET', `/tenants/acme/apps/${basic[0]}`)
    const granted = await operator.call('PATCH', `/tenants/acme/apps/${basic[0]}`, {
      body: { scopes: { pets: ['pets/read', 'pets/write'] }, default_api: 'pets' },
      headers: { 'if-match': mine.etag ?? '' },
    })
    assert.equal(granted.status, 200, granted.text)
    assert.equal((await server.token('acme', { basic, body })).json.scope, 'pets/read pets/write')

    const without = await operator.call('PATCH', '/tenants/acme/apis/pets', { body: { name: 'Pets' } })
    assertProblem(without, 428, 'precondition_required')
    const patch = { body: { scopes: { 'pets/write': null } }, headers: { 'if-match': shown.etag ?? '' } }
    const changed = await operator.call('PATCH', '/tenants/acme/apis/pets', patch)
    assert.equal(changed.status, 200, changed.text)
    assert.deepEqual(changed.json.scopes, { 'pets/read': 'See pets' })
    const stale = await operator.call('PATCH', '/tenants/acme/apis/pets', patch)
    assertProblem(stale, 412, 'precondition_failed')
    assert.equal((await server.token('acme', { basic, body })).json.scope, 'pets/read')
    const refused = await server.token('acme', { basic, body: { ...body, scope: 'pets/write' } })
    assert.equal(refused.json.error, 'invalid_scope')

    assert.equal((await operator.call('DELETE', '/tenants/acme/apis/pets')).status, 204)
    assert.equal((await server.token('acme', { basic, body })).json.error, 'invalid_target')
    assertProblem(await operator.call('GET', '/tenants/acme/apis/pets'), 404, 'not_found')
    const { json } = await operator.call('GET', '/tenants/acme/audit-records')
    assert.deepEqual(
      json.items.slice(0, 2).map((one: { action: string; target: string }) => `${one.action} ${one.target}`),
      ['removeApi api pets', 'updateApi api pets'],
    )
    assert.deepEqual(json.items[1].before.scopes, pets.scopes)
    assert.deepEqual(json.items[1].after.scopes, { 'pets/read': 'See pets' })
  })

  test('RFC 8707 §2, RFC 9728 §1.2: an API is asked for by each of its URLs, its tokens name its audience, and no URL is of two', async (t) => {
    const rest = String(restApi.audience)
    const apis = [
      { ...restApi, resources: ['https://rest.acme.example/v1'] },
      {
        id: 'name',
        audience: 'plain-name',
        scopes: { pay: 'Pay' },
        resources: ['https://name.acme.example'],
      },
    ]
    const scopes = { rest: ['read'], name: ['pay'] }
    const text = blueprint(
      tenant('acme', [app('sync', { scopes, default_api: 'rest' }), app('other')], { apis }),
      tenant('umbrella', [app('hive')]),
    )
    const server = await startTestServer(t, suite, text)
    const ask = (appId: string, form: Record<string, string>, tenantId = 'acme') =>
      server.token(tenantId, {
        basic: server.credential(tenantId, appId),
        body: { grant_type: 'client_credentials', ...form },
      })
    const audienceOf = async (resource: string) => claimsOf(await ask('sync', { resource })).aud
    assert.equal(await audienceOf('https://name.acme.example'), 'plain-name')
    assert.equal(await audienceOf('https://rest.acme.example/v1'), rest)
    assert.equal(await audienceOf(rest), rest)
    for (const [appId, resource, tenantId] of [
      ['sync', 'https://name.acme.example/'],
      ['other', 'https://name.acme.example'],
      ['hive', 'https://name.acme.example', 'umbrella'],
    ] as const)
      assertError(await ask(appId, { resource }, tenantId), 'invalid_target')
    const both = { resource: 'https://name.acme.example', audience: rest }
    assertError(await ask('sync', both), 'invalid_target')
    // Two names of one API agree.
    assert.equal(claimsOf(await ask('sync', { ...both, audience: 'plain-name' })).aud, 'plain-name')

    const operator = await manager(server, ['tenant_admin'], tenantPlace('acme'))
    const make = (body: object) => operator.call('POST', '/tenants/acme/apis', { body: { ...pets, ...body } })
    for (const resources of [
      ['https://name.acme.example'],
      [rest],
      [pets.audience],
      ['https://new.acme.example', 'https://new.acme.example'],
    ])
      assert.match(pointersOf(await make({ resources })).join(), /^\/resources\/[01]$/, resources.join())
    for (const resource of ['http://new.acme.example', 'https://new.acme.example#x', 'new', 'https://a b'])
      assert.deepEqual(pointersOf(await make({ resources: [resource] })), ['/resources/0'], resource)
    assertProblem(await make({ audience: 'https://rest.acme.example/v1' }), 409, 'conflict')
    const made = await make({ resources: ['https://new.acme.example'] })
    assert.deepEqual([made.status, made.json.resources], [201, ['https://new.acme.example']], made.text)
  })

  test('issue 5, 1: an API is made without scopes, which an import brings; a change cannot take them all away by leaving them out', async (t) => {
    const server = await startTestServer(t, suite, own)
    const operator = await manager(server)
    const body = { id: 'store', audience: 'https://store.acme.example' }
    const made = await operator.call('POST', '/tenants/acme/apis', { body })
    assert.deepEqual([made.status, made.json.scopes], [201, {}], made.text)
    const imported = await operator.call('POST', '/tenants/acme/apis/store/openapi', { body: petStore })
    assert.equal(imported.status, 200, imported.text)
    assert.ok('pets/read' in imported.json.api.scopes)
    const cleared = await operator.call('PATCH', '/tenants/acme/apis/store', {
      body: { scopes: null },
      headers: { 'if-match': '*' },
    })
    assertProblem(cleared, 400, 'invalid_body')
  })

  test('product: what an API cannot be is told by pointers, and what it would break is a conflict', async (t) => {
    const server = await startTestServer(t, suite, own)
    const operator = await manager(server)
    const make = (more: object) =>
      operator.call('POST', '/tenants/acme/apis', { body: { ...pets, endpoints: [], ...more } })
    for (const [endpoint, pointer] of badEndpoints) {
      const answer = await make({ endpoints: [endpoint] })
      assertProblem(answer, 400, 'invalid_body')
      assert.deepEqual(pointersOf(answer), [pointer], JSON.stringify(endpoint))
    }
    const again = { method: 'GET', path: '/pets/{id}', scope: 'pets/write' }
    assert.deepEqual(pointersOf(await make({ endpoints: [...pets.endpoints, again] })), ['/endpoints/1/path'])
    assert.deepEqual(pointersOf(await make({ audience: restApi.audience })), ['/audience'])
    const opaque = await make({ token_format: 'opaque', signing_algorithm: 'HS512' })
    assert.deepEqual(pointersOf(opaque), ['/signing_algorithm'])
    assert.deepEqual(pointersOf(await make({ blueprint: 'mine' })), ['/blueprint'])

    const { etag = '' } = await operator.call('GET', '/tenants/acme/apis/rest')
    const plan = { id: 'writing', price: 'paid', scopes: { rest: ['write'] } }
    assert.equal((await operator.call('POST', '/tenants/acme/plans', { body: plan })).status, 201)
    const broken = await operator.call('PATCH', '/tenants/acme/apis/rest', {
      body: { scopes: { write: null } },
      headers: { 'if-match': etag },
    })
    assertProblem(broken, 409, 'conflict')
    assert.match(broken.json.detail, /^Plan writing would not fit it: found "write"/)
    const gone = await operator.call('DELETE', '/tenants/acme/apis/rest')
    assertProblem(gone, 409, 'conflict')
    assert.match(gone.json.detail, /^Plan writing/)
  })

  test('trust F19: an organization’s people see the tenant’s APIs and change none; strangers see nothing', async (t) => {
    const server = await startTestServer(t, suite, own)
    const admin = await manager(server, ['organization_admin'], organizationPlace('acme', 'customer'))
    const stranger = await manager(server, ['tenant_admin'], tenantPlace('umbrella'))
    assert.equal((await admin.call('GET', '/tenants/acme/apis')).json.items.length, 1)
    assert.equal((await admin.call('GET', '/tenants/acme/apis/rest')).status, 200)
    for (const caller of [admin, stranger]) {
      const made = await caller.call('POST', '/tenants/acme/apis', { body: pets })
      const gone = await caller.call('DELETE', '/tenants/acme/apis/rest')
      const read = await caller.call('POST', '/tenants/acme/apis/rest/openapi', { body: petStore })
      for (const answer of [made, gone, read]) assertProblem(answer, 404, 'not_found')
    }
    assertProblem(await stranger.call('GET', '/tenants/acme/apis/rest'), 404, 'not_found')
    const operator = await manager(server)
    const removed = await operator.call('DELETE', '/tenants/system/apis/management')
    assertProblem(removed, 409, 'conflict')
    const wide = { body: petStore }
    assertProblem(
      await operator.call('POST', '/tenants/system/apis/management/openapi', wide),
      409,
      'conflict',
    )
  })

  test('001-19: scopes with descriptions and endpoints come from an OpenAPI document, and what cannot be used is told', async (t) => {
    const server = await startTestServer(t, suite, own)
    const operator = await manager(server)
    const read = await operator.call('POST', '/tenants/acme/apis/rest/openapi', { body: petStore })
    assert.equal(read.status, 200, read.text)
    const { api, unused } = read.json
    assert.deepEqual(api.scopes, {
      'pets/read': 'See pets',
      'pets/write': 'Change pets',
      'pets/admin': 'Everything',
    })
    assert.deepEqual(api.endpoints, [
      { method: 'GET', path: '/v1/pets/{pet}', scope: 'pets/read' },
      { method: 'PUT', path: '/v1/pets/{pet}', scope: 'pets/write' },
      { method: 'HEAD', path: '/v1/shared', scope: 'pets/read' },
    ])
    assert.deepEqual(
      unused.map((one: { pointer: string; reason: string }) => `${one.pointer} ${one.reason}`),
      [
        '/components/securitySchemes/key no oauth2 scheme: only those declare scopes',
        '/components/securitySchemes/round no scheme, or a $ref that leads out of this document',
        '/components/securitySchemes/oauth/flows/clientCredentials/scopes/two words a scope that cannot stand in a token request',
        '/paths/~1pets~1{pet}/delete more than one scope: pets/write, pets/read',
        '/paths/~1pets~1{pet}/trace a method or path that an endpoint cannot have',
        '/paths/~1pets~1{id}/get the same requests as another path',
        '/paths/~1health/get it may be called without a token',
        '/paths/~1me/get it needs a token, but no scope',
        '/paths/~1eat/post no oauth2 scheme declares the scope pets/eat',
        '/paths/~1report.{format}/get a method or path that an endpoint cannot have',
        '/paths/~1elsewhere no path, or a $ref that leads out of this document',
      ],
    )
    assert.deepEqual((await operator.call('GET', '/tenants/acme/apis/rest')).json, api)
    assert.equal(api.audience, restApi.audience)
    const basic = server.credential('acme', 'sync')
    const scope = await server.token('acme', {
      basic,
      body: { grant_type: 'client_credentials', scope: 'read' },
    })
    assert.equal(scope.json.error, 'invalid_scope')
  })

  test('001-19: the document may be YAML; what is none, too deep, empty or another version changes nothing', async (t) => {
    const server = await startTestServer(t, suite, own)
    const operator = await manager(server)
    const path = '/tenants/acme/apis/rest/openapi'
    const before = await operator.call('GET', '/tenants/acme/apis/rest')
    const deep = `${'['.repeat(40)}${']'.repeat(40)}`
    const refused: readonly (readonly [object, string])[] = [
      [{ ...petStore, openapi: '2.0' }, '/openapi'],
      [{ swagger: '2.0' }, '/openapi'],
      [{ openapi: '3.1.0' }, '/components/securitySchemes'],
      [{ openapi: '3.1.0', components: { securitySchemes: [] } }, '/components/securitySchemes'],
      [{ openapi_text: 'a: b: c' }, '/openapi_text'],
      [{ openapi_text: `a: ${deep}` }, '/openapi_text'],
      [{ openapi_text: 'a: &x [1]\nb: *x' }, '/openapi_text'],
      [{ openapi_text: 7 }, '/openapi_text'],
      [{ openapi_text: 'openapi: 3.1.0', paths: {} }, '/paths'],
    ]
    for (const [body, pointer] of refused) {
      const answer = await operator.call('POST', path, { body })
      assertProblem(answer, 400, 'invalid_body')
      assert.deepEqual([...new Set(pointersOf(answer))], [pointer], JSON.stringify(body))
    }
    assert.equal((await operator.call('GET', '/tenants/acme/apis/rest')).etag, before.etag)
    const yaml = [
      'openapi: 3.1.0',
      'paths: {/read: {get: {security: [{oauth: [read]}]}}}',
      'components:',
      '  securitySchemes:',
      '    oauth: {type: oauth2, flows: {clientCredentials: {tokenUrl: x, scopes: {read: To read}}}}',
    ].join('\n')
    const read = await operator.call('POST', path, { body: { openapi_text: yaml } })
    assert.equal(read.status, 200, read.text)
    assert.deepEqual(read.json.api.endpoints, [{ method: 'GET', path: '/read', scope: 'read' }])
    assert.deepEqual([read.json.unused, read.json.unused_more], [[], 0])
  })

  test('product: endpoints of a blueprint are stored as declared, and a second apply changes nothing', async (t) => {
    const text = blueprint(
      tenant('acme', [app('sync', { scopes: { pets: ['pets/read'] } })], { apis: [pets] }),
    )
    const server = await startTestServer(t, suite, text)
    const operator = await manager(server)
    const shown = await operator.call('GET', '/tenants/acme/apis/pets')
    assert.deepEqual(shown.json.endpoints, pets.endpoints)
    const parsed = parseBlueprints([{ name: 'again.yaml', text }])
    assert.ok(parsed.blueprints)
    const readTextFile = () => Promise.reject(new Error('no files'))
    const { hasher } = server.store
    const planned = await planBlueprints(server.db, parsed.blueprints, {
      hasher,
      environment: {},
      readTextFile,
    })
    assert.ok(planned.plan)
    assert.deepEqual(planned.plan.steps, [])
  })
})

test('product: an endpoint that needs an undeclared scope is refused in a blueprint at its place', () => {
  const api = { ...pets, endpoints: [{ method: 'GET', path: '/a', scope: 'pets/eat' }] }
  const text = blueprint(tenant('acme', [], { apis: [api] }))
  const { problems = [] } = parseBlueprints([{ name: 'b.yaml', text }])
  assert.match(
    problems.map(formatProblem).join('\n'),
    /tenants\[0\]\.apis\[0\]\.endpoints\[0\]\.scope: found "pets\/eat", expected a scope of this API: pets\/read, pets\/write/,
  )
})
