// Spellings of a protected path, through a middleware that asks the table, into real routers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Endpoint } from '../../src/routes/endpoint.ts'
import { createRouteTable } from '../../src/routes/route-table.ts'
import { routerNames, startRouter } from './routers.ts'

/** Whatever is not spelled `/admin` is public here, so that a guard that is deceived lets it in. */
const endpoints: readonly Endpoint[] = [
  { method: 'GET', path: '/admin', scope: 'admin' },
  { method: 'GET', path: '/admin/{user}', scope: 'admin' },
  { method: 'GET', path: '/public', isPublic: true },
  { method: 'GET', path: '/public/{page}', isPublic: true },
  { method: 'GET', path: '/{page}', isPublic: true },
  { method: 'GET', path: '/{page}/{part}', isPublic: true },
  { method: 'GET', path: '/{page}/{part}/{line}', isPublic: true },
]

const spellings: readonly string[] = [
  '/admin',
  '/admin?x=/public',
  '/admin?/../public',
  'http://localhost/admin',
  'http://localhost/admin?x=http://localhost/public',
  '/public/../admin',
  '/public/%2e%2e/admin',
  '/public/.%2E/admin',
  '/public/..%2fadmin',
  '/public/%252e%252e/admin',
  '/public%2f..%2fadmin',
  '/public/..\\admin',
  '/public/..%5cadmin',
  '/public/..;/admin',
  '/public/;/../admin',
  '/./admin',
  '/%2e/admin',
  '/admin/.',
  '/admin/public/..',
  '//admin',
  '///admin',
  '/\\admin',
  '/%2fadmin',
  '/admin/',
  '/admin//',
  '/admin/?',
  '/admin;x',
  '/admin;/public',
  '/admin;x=1?y',
  '/admin%3bx',
  '/admin%2f',
  '/admin%2fpublic',
  '/admin%5c',
  '/admin#/public',
  '/admin%23/public',
  '/admin%3fx=/public',
  '/ADMIN',
  '/Admin/',
  '/%61dmin',
  '/%61%64%6D%69%6e',
  '/%2561dmin',
  '/%41DMIN',
  '/admin%00',
  '/admin%0a',
  '/admin\t',
  '/admin /public',
  '/admin%',
  '/admin%zz',
  '/admin%ff',
  '/admin%c0%af',
  '/adm\u00edn/../admin',
  'http://localhost?/admin',
  'http://localhost#/admin',
  'HTTP://localhost/admin',
  'http:/admin',
  'admin',
  '*',
  '',
]

const canonical = new Set(spellings.slice(0, 5))
const isAdmin = (endpoint: Endpoint | null) => endpoint?.scope === 'admin'

test('trust 35: there are forty spellings, and routers take more than a dozen of them for the path', async () => {
  assert.ok(new Set(spellings).size >= 40)
  const taken = new Set<string>()
  for (const name of routerNames) {
    const router = await startRouter(name, endpoints)
    for (const target of spellings) if (isAdmin(await router('GET', target))) taken.add(target)
  }
  assert.ok(taken.size > 12, [...taken].join(' '))
})

for (const name of routerNames) {
  test(`trust 35, 170-176: no spelling gets to a handler of ${name} that the table did not decide for`, async () => {
    const table = createRouteTable(endpoints)
    let decided: Endpoint | undefined
    const router = await startRouter(name, endpoints, (method, target) => {
      decided = table.find(method, target).endpoint
      return decided !== undefined
    })
    for (const method of ['GET', 'HEAD'])
      for (const target of spellings) {
        decided = undefined
        const reached = await router(method, target)
        assert.ok(reached === null || reached === decided, `${method} ${target} reached ${reached?.path}`)
        if (canonical.has(target)) assert.ok(isAdmin(reached), target)
      }
  })
}

test('trust 170-176: a spelling of /admin gets the decision of /admin, or none', () => {
  const table = createRouteTable(endpoints)
  for (const target of spellings) {
    const { endpoint, refused } = table.find('GET', target)
    assert.equal(endpoint?.path ?? refused, canonical.has(target) ? '/admin' : 'malformed', target)
  }
})
