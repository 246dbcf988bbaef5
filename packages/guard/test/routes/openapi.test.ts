// Endpoints out of OpenAPI documents.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readOpenApiEndpoints } from '../../src/routes/openapi.ts'
import { createRouteTable } from '../../src/routes/route-table.ts'

const securitySchemes = {
  oauth: { type: 'oauth2', flows: { clientCredentials: { tokenUrl: 'https://x', scopes: { read: '' } } } },
  oidc: { type: 'openIdConnect', openIdConnectUrl: 'https://x' },
  bearer: { type: 'http', scheme: 'Bearer' },
  basic: { type: 'http', scheme: 'basic' },
  key: { type: 'apiKey', in: 'header', name: 'X-Key' },
  alias: { $ref: '#/components/securitySchemes/oauth' },
}

const document = (paths: object, more: object = {}) => ({
  ...{ openapi: '3.1.0', components: { securitySchemes }, paths },
  ...more,
})

/** What one operation becomes: its endpoint without the path, or the reason why it is none. */
function accessOf(security: unknown, more: object = {}) {
  const { endpoints, unused } = readOpenApiEndpoints(document({ '/a': { get: { security } } }, more))
  const [endpoint] = endpoints
  if (endpoint === undefined) return unused.map(({ reason }) => reason).join()
  const { method, path, ...access } = endpoint
  assert.deepEqual([method, path, unused], ['GET', '/a', []])
  return access
}

test('product: scopes come from the schemes that a token satisfies, those of the operation over the global ones', () => {
  assert.deepEqual(accessOf([{ oauth: ['read'] }]), { scope: 'read' })
  assert.deepEqual(accessOf([{ oidc: ['read', 'all'] }]), { scope: ['all', 'read'] })
  assert.deepEqual(accessOf([{ alias: ['read'], bearer: ['more'] }]), { scope: ['more', 'read'] })
  assert.deepEqual(accessOf([{ bearer: [] }]), {})
  assert.deepEqual(accessOf([{ oauth: ['read'] }, { basic: [] }]), { scope: 'read' })
  assert.deepEqual(accessOf([{ oauth: ['read', 'all'] }, { oidc: ['all', 'read'] }]), {
    scope: ['all', 'read'],
  })
  const global = { security: [{ oauth: ['write'] }] }
  assert.deepEqual(accessOf(undefined, global), { scope: 'write' })
  assert.deepEqual(accessOf([{ oauth: ['read'] }], global), { scope: 'read' })
})

test('product: public is what the document says is public, never what it forgets or garbles', () => {
  assert.deepEqual(accessOf([], { security: [{ oauth: ['write'] }] }), { isPublic: true })
  assert.deepEqual(accessOf([{ oauth: ['read'] }, {}]), { isPublic: true })
  assert.deepEqual(accessOf(undefined, { security: [] }), { isPublic: true })
  assert.match(String(accessOf(undefined)), /^nothing says/)
  for (const garbled of [
    ['oauth'],
    [null],
    'oauth',
    {},
    [{ oauth: 'read' }],
    [{ oauth: [7] }],
    [{ oauth: null }],
  ])
    assert.equal(accessOf(garbled), 'no list of alternatives that can be read', JSON.stringify(garbled))
})

test('product: what a guard cannot hold to is left out, so that it is refused', () => {
  assert.equal(accessOf([{ key: [] }]), 'no token opens it')
  assert.equal(accessOf([{ basic: [] }]), 'no token opens it')
  assert.equal(accessOf([{ missing: [] }]), 'no token opens it')
  assert.equal(accessOf([{ oauth: ['read'], missing: [] }]), 'no token opens it')
  assert.equal(
    accessOf([{ oauth: ['read'] }, { oauth: ['write'] }]),
    'alternatives that need different scopes',
  )
  assert.equal(accessOf([{ oauth: [] }, { oauth: ['read'] }]), 'alternatives that need different scopes')
  assert.equal(accessOf([{ oauth: ['two words'] }]), 'a scope that no token can have')
  const get = { security: [{ oauth: ['read'] }] }
  const { endpoints, unused } = readOpenApiEndpoints(
    document({
      ...{ '/report.{format}': { get }, '/caf%C3%A9': { get }, '/a/../b': { get }, '/pets/{pet}': { get } },
      ...{ '/pets/{id}': { get }, '/Pets/all': { get }, '/elsewhere': { $ref: 'https://evil.example/a' } },
    }),
  )
  assert.deepEqual(endpoints, [{ method: 'GET', path: '/pets/{pet}', scope: 'read' }])
  assert.deepEqual(
    unused.map(({ pointer }) => pointer),
    [
      ...['/paths/~1report.{format}/get', '/paths/~1caf%C3%A9/get', '/paths/~1a~1..~1b/get'],
      ...['/paths/~1pets~1{id}/get', '/paths/~1Pets~1all/get', '/paths/~1elsewhere'],
    ],
  )
})

test('product: what stands beside a $ref of a path, and servers of one operation, do not count and are told', () => {
  const get = { security: [{ oauth: ['read'] }] }
  const { endpoints, unused } = readOpenApiEndpoints(
    document({
      '/a': { $ref: '#/paths/~1b', summary: 'A', post: get, servers: [{ url: '/other' }] },
      '/b': { get: { ...get, servers: [{ url: '/other' }] } },
    }),
  )
  assert.deepEqual(
    endpoints.map(({ method, path }) => `${method} ${path}`),
    ['GET /a', 'GET /b'],
  )
  const ofOperation = 'servers of one operation: those of the document count'
  assert.deepEqual(unused, [
    { pointer: '/paths/~1a/post', reason: 'beside a $ref, which counts alone' },
    { pointer: '/paths/~1a/servers', reason: 'beside a $ref, which counts alone' },
    { pointer: '/paths/~1a/get/servers', reason: ofOperation },
    { pointer: '/paths/~1b/get/servers', reason: ofOperation },
  ])
})

test('product: a method under which no operation stands is told by its path, for it is refused', () => {
  const get = { security: [{ oauth: ['read'] }] }
  for (const post of [null, '', 'later', 7, [get]]) {
    const { endpoints, unused } = readOpenApiEndpoints(document({ '/a': { get, post } }))
    assert.deepEqual(endpoints, [{ method: 'GET', path: '/a', scope: 'read' }])
    assert.deepEqual(unused, [{ pointer: '/paths/~1a/post', reason: 'no operation that can be read' }])
  }
})

test('product: what is demanded beside the token is told, for the API to check', () => {
  const unusedOf = (security: unknown) => {
    const { endpoints, unused } = readOpenApiEndpoints(document({ '/a': { get: { security } } }))
    assert.deepEqual(endpoints, [{ method: 'GET', path: '/a', scope: 'read' }])
    return unused
  }
  const told = (what: string) => [
    {
      pointer: '/paths/~1a/get/security',
      reason: `beside the token it demands ${what}, which the API must check`,
    },
  ]
  assert.deepEqual(unusedOf([{ oauth: ['read'], key: [] }]), told('apiKey'))
  assert.deepEqual(unusedOf([{ oauth: ['read'], key: [] }, { basic: [] }]), told('apiKey'))
  assert.deepEqual(
    unusedOf([
      { oauth: ['read'], key: [] },
      { oidc: ['read'], basic: [] },
    ]),
    told('apiKey or basic'),
  )
  // The token alone is one of the alternatives.
  assert.deepEqual(unusedOf([{ oauth: ['read'] }, { oauth: ['read'], key: [] }]), [])
})

test('product: paths stand under that of the first server, or where the caller says', () => {
  const one = document(
    { '/pets/{pet}': { get: { security: [], 'x-sallyport-limit': { requests: 5 } } } },
    { servers: [{ url: 'https://api.example/v1/' }] },
  )
  const endpoint = { method: 'GET', isPublic: true, limit: { requests: 5 } }
  assert.deepEqual(readOpenApiEndpoints(one).endpoints, [{ ...endpoint, path: '/v1/pets/{pet}' }])
  const { endpoints } = readOpenApiEndpoints(one, { basePath: '' })
  assert.deepEqual(endpoints, [{ ...endpoint, path: '/pets/{pet}' }])
  assert.equal(createRouteTable(endpoints).find('HEAD', '/pets/7').endpoint, endpoints[0])
})

test('product: another version or another thing is refused', () => {
  for (const other of [null, 'openapi', [], { swagger: '2.0' }, { openapi: '4.0.0' }, { openapi: ['3.1.0'] }])
    assert.throws(() => readOpenApiEndpoints(other), TypeError)
})
