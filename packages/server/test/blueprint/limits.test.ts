// product.md, words: what a blueprint may say of rate limits, and where it is told that it may not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBlueprints } from '../../src/blueprint/parse.ts'
import { formatProblem } from '../../src/blueprint/problem.ts'
import { app, blueprint, type Part, restApi, tenant } from '../oauth/sample.ts'

const endpoint = (method: string, path: string, more: Part = {}) => ({ method, path, scope: 'read', ...more })
const api = {
  ...restApi,
  endpoints: [endpoint('GET', '/orders/{order}'), endpoint('GET', '/invoices'), endpoint('POST', '/orders')],
}
const bare = { id: 'bare', audience: 'bare', scopes: { see: 'See' } }
const limit = { requests: 10, window_seconds: 60 }

function problemsOf(
  limits: readonly Part[],
  where: 'app' | 'plan' = 'plan',
  apis: readonly Part[] = [api, bare],
) {
  const plans = [{ id: 'free', price: 'free', ...(where === 'plan' && { limits }) }]
  const apps = [app('sync', where === 'app' ? { limits } : {})]
  const { problems = [] } = parseBlueprints([
    { name: 'a.yaml', text: blueprint(tenant('acme', apps, { apis, plans })) },
  ])
  return problems.map((problem) => formatProblem(problem).replace(/^a\.yaml:\d+:\d+ tenants\[0\]\./, ''))
}

/** Limits, and the line that is printed. */
const refused: readonly (readonly [string, readonly Part[], string])[] = [
  [
    'an API that is not declared',
    [{ ...limit, api: 'rset' }],
    'api: found "rset", expected an API of this tenant: rest, bare',
  ],
  [
    'an endpoint that is not declared, with the nearest ones',
    [{ ...limit, endpoint: 'GET /ordres/{order}' }],
    'endpoint: found "GET /ordres/{order}", expected an endpoint of this tenant, such as GET /orders/{order}, GET /invoices, POST /orders',
  ],
  [
    'an endpoint whose parameter is called otherwise',
    [{ ...limit, api: 'rest', endpoint: 'GET /orders/{id}' }],
    'endpoint: found "GET /orders/{id}", expected an endpoint of rest, such as GET /orders/{order}, POST /orders, GET /invoices',
  ],
  [
    'an endpoint of another API',
    [{ ...limit, api: 'bare', endpoint: 'GET /invoices' }],
    'endpoint: found "GET /invoices", expected an endpoint of bare, of which there is none',
  ],
  [
    'no request at all',
    [{ ...limit, requests: 0 }],
    'requests: found 0, expected a whole number, 1 to 1000000000',
  ],
  [
    'a window of no time',
    [{ ...limit, window_seconds: 0 }],
    'window_seconds: found 0, expected whole seconds, 1 to 31536000',
  ],
]

for (const [title, limits, line] of refused) {
  test(`blueprints: a limit is refused for ${title}`, () => {
    assert.deepEqual(problemsOf(limits, 'plan'), [`plans[0].limits[0].${line}`])
    assert.deepEqual(problemsOf(limits, 'app'), [`organizations[0].apps[0].limits[0].${line}`])
  })
}

test('blueprints: of two limits for one place nobody could say which holds', () => {
  const exact = { ...limit, api: 'rest', endpoint: 'GET /invoices' }
  assert.deepEqual(problemsOf([limit, exact, { ...limit, requests: 20 }, { ...exact, window_seconds: 1 }]), [
    'plans[0].limits[2]: found all endpoints a second time, expected each place once',
    'plans[0].limits[3]: found GET /invoices of rest a second time, expected each place once',
  ])
})

test('blueprints: limits of every kind are accepted, and one of a wrong endpoint is not', () => {
  const places = [
    {},
    { api: 'rest' },
    { endpoint: 'GET /invoices' },
    { api: 'rest', endpoint: 'POST /orders' },
  ]
  assert.deepEqual(problemsOf(places.map((place) => ({ ...limit, ...place }))), [])
  const odd = { ...api, endpoints: [endpoint('GET', '/invoices', { limit: { requests: 1 } })] }
  assert.deepEqual(problemsOf([], 'plan', [odd]), [
    'apis[0].endpoints[0].limit.window_seconds: found nothing, expected whole seconds, 1 to 31536000',
  ])
})
