// The table: what goes first, what is refused, and what no table can hold.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Endpoint } from '../../src/routes/endpoint.ts'
import { createRouteTable } from '../../src/routes/route-table.ts'

const endpoint = (line: string, more: Partial<Endpoint> = {}): Endpoint => {
  const [method = '', path = ''] = line.split(' ')
  return { method, path, ...more }
}

/** `POST /a` of the endpoint found, or why none is. */
function ask(lines: readonly string[], asked: string): string {
  const [method = '', target = ''] = asked.split(' ')
  const route = createRouteTable(lines.map((line) => endpoint(line))).find(method, target)
  if (route.endpoint) return `${route.endpoint.method} ${route.endpoint.path}`
  return route.refused === 'method' ? `method: ${route.allow.join()}` : route.refused
}

const lines = ['GET /', 'GET /a/{x}', 'GET /a/b', 'POST /a/c', 'GET /a/b/{y}', 'GET /{z}/b/d', 'POST /e/']

test('product: a literal segment goes before a parameter, and where it leads nowhere the parameter follows', () => {
  assert.equal(ask(lines, 'GET /a/b'), 'GET /a/b')
  assert.equal(ask(lines, 'GET /a/q'), 'GET /a/{x}')
  assert.equal(ask(lines, 'GET /a/b/d'), 'GET /a/b/{y}')
  assert.equal(ask(lines, 'GET /f/b/d'), 'GET /{z}/b/d')
  assert.equal(ask(lines, 'GET /a/c'), 'GET /a/{x}')
  assert.equal(ask(lines, 'POST /a/c?d=/e'), 'POST /a/c')
  assert.equal(ask(lines, 'GET https://api.example:8443/a/q?x'), 'GET /a/{x}')
  assert.equal(ask(lines, 'GET /'), 'GET /')
})

test('trust 35: what no endpoint names is refused, and told from a method that its path does not take', () => {
  assert.equal(ask(lines, 'GET /q'), 'unknown')
  assert.equal(ask(lines, 'GET /a'), 'unknown')
  assert.equal(ask(lines, 'GET /a/b/c/d'), 'unknown')
  assert.equal(ask(lines, 'DELETE /a/c'), 'method: GET,HEAD,POST')
  assert.equal(ask(lines, 'OPTIONS /a/b'), 'method: GET,HEAD')
  assert.equal(ask(lines, 'get /a/b'), 'method: GET,HEAD')
  assert.equal(ask([], 'GET /'), 'unknown')
})

test('trust 35: another spelling of an endpoint is malformed even for other methods, so that a caller who lets the unknown pass lets none of them pass', () => {
  for (const target of ['/E/', '/e', '/%65/', '/A/b', '/a/b/', '/a/%62', '/a/', '/a/q/'])
    for (const method of ['GET', 'DELETE'])
      assert.match(ask(lines, `${method} ${target}`), /^(?:malformed|GET \/a\/\{x\})$/)
  assert.equal(ask(lines, 'GET /A/b'), 'malformed')
  assert.equal(ask(lines, 'DELETE /e'), 'malformed')
})

test('trust 35: values of parameters may be encoded, but hold no delimiter and nothing encoded twice', () => {
  for (const value of ['a%20b', '%C3%A9', '%7Ea', 'a:b@c', '50%25', 'a|b[c]', '%E2%84%AA', '...'])
    assert.equal(ask(lines, `GET /a/${value}`), 'GET /a/{x}', value)
  for (const value of [
    'a%2Fb',
    'a%5Cb',
    'a%3Fb',
    'a%23b',
    'a%3Bb',
    'a;b',
    '%2525',
    '%25%32%65',
    '%2e',
    '%C2%85',
    'é',
  ])
    assert.equal(ask(lines, `GET /a/${value}`), 'malformed', value)
})

test('RFC 9112 §3.2: no target has a fragment, not even behind its query, where some routers refuse it', () => {
  for (const target of ['/a/b#c', '/a/b?#c', '/a/b?c#/d', 'http://localhost/a/b?#c'])
    assert.equal(ask(lines, `GET ${target}`), 'malformed', target)
})

test('RFC 9110 §9.3.2: HEAD goes where GET goes, unless an endpoint takes it', () => {
  const own = ['GET /a/b', 'HEAD /a/{x}', 'GET /c/{x}', 'HEAD /c/{x}', 'HEAD /d', 'GET /d']
  assert.equal(ask(own, 'HEAD /a/b'), 'GET /a/b')
  assert.equal(ask(own, 'HEAD /a/q'), 'HEAD /a/{x}')
  assert.equal(ask(own, 'HEAD /c/q'), 'HEAD /c/{x}')
  assert.equal(ask(own, 'HEAD /d'), 'HEAD /d')
  assert.equal(ask(own, 'GET /a/q'), 'method: HEAD')
})

test('trust 35: endpoints that a router could mistake for each other, or that contradict themselves, make no table', () => {
  const refused: readonly (readonly Endpoint[])[] = [
    [endpoint('GET /a/{x}'), endpoint('GET /a/{y}')],
    [endpoint('GET /a'), endpoint('GET /a/')],
    [endpoint('GET /a/b'), endpoint('POST /A/c')],
    [endpoint('HEAD /a'), endpoint('GET /a'), endpoint('HEAD /a')],
    [endpoint('GET /a', { isPublic: true, scope: 'a' })],
    ...[
      'a',
      '',
      '//',
      '/a//b',
      '/a/../b',
      '/./a',
      '/a{b}',
      '/{a}.json',
      '/{}',
      '/a%20',
      '/a;b',
      '/é',
      '/a?b',
      '/a/*b?',
    ].map((path) => [{ method: 'GET', path }]),
    ...['get', '', 'GET '].map((method) => [{ method, path: '/a' }]),
  ]
  for (const endpoints of refused)
    assert.throws(() => createRouteTable(endpoints), TypeError, JSON.stringify(endpoints))
})

test('trust 35: a long path is read to its end', () => {
  for (const long of ['a', '%61', '/a', '/%61', 'a/'].map((part) => part.repeat(16_384 / part.length)))
    assert.match(ask(lines, `GET /a/${long}`.replace(/\/+/g, '/')), /^(?:GET \/a\/\{x\}|unknown)$/)
})
