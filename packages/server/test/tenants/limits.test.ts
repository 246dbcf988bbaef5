// product.md, words: an API's endpoints have the limit each needs, a plan carries limits: which of them holds.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limitFor } from '../../src/tenants/limits.ts'
import type { PlacedLimit } from '../../src/tenants/settings.ts'

const orders = { method: 'GET', path: '/orders/{order}', limit: { requests: 1, window_seconds: 60 } } as const
const health = { method: 'GET', path: '/health' } as const

const to = (requests: number, place: Pick<PlacedLimit, 'api' | 'endpoint'> = {}): PlacedLimit => ({
  ...place,
  ...{ requests, window_seconds: 60 },
})
const everywhere = [
  to(2),
  to(3, { api: 'rest' }),
  to(4, { endpoint: 'GET /orders/{order}' }),
  to(5, { api: 'rest', endpoint: 'GET /orders/{order}' }),
]

/** Limits of the app, of its plan, the endpoint, and what holds. */
const cases: readonly (readonly [
  string,
  readonly PlacedLimit[],
  readonly PlacedLimit[],
  typeof orders | typeof health,
  number | null,
])[] = [
  ['the endpoint’s own where nobody says otherwise', [], [], orders, 1],
  ['none where nobody says one', [], [], health, null],
  ['the plan’s before the endpoint’s', [], [to(2)], orders, 2],
  ['the plan’s where the endpoint has none', [], [to(2)], health, 2],
  ['the app’s before the plan’s, however exact that is', [to(9)], everywhere, orders, 9],
  ['the plan’s where the app speaks of another API', [to(9, { api: 'other' })], [to(2)], orders, 2],
  ['the endpoint’s where all speak of others', [to(9, { api: 'x' })], [to(2, { api: 'y' })], orders, 1],
  ['an endpoint of an API before all', [], everywhere, orders, 5],
  ['an endpoint by its name before an API', [], everywhere.slice(0, 3), orders, 4],
  ['an API before all endpoints', [], everywhere.slice(0, 2), orders, 3],
  ['of another endpoint of the API the API’s', [], everywhere, health, 3],
  ['no endpoint that only looks alike', [], [to(4, { endpoint: 'POST /orders/{order}' })], orders, 1],
  [
    'no endpoint of that name in another API',
    [],
    [{ ...to(4), api: 'x', endpoint: 'GET /health' }],
    health,
    null,
  ],
]

for (const [title, app, plan, endpoint, requests] of cases) {
  test(`product: of limits there holds ${title}`, () => {
    const limit = limitFor({ api: 'rest', endpoint }, { app, plan })
    assert.equal(limit?.requests ?? null, requests)
  })
}
