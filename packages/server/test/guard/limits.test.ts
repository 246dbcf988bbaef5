// 003-20: "rate limited per endpoint at the App-level": declared in a blueprint, kept to by a guard that declares nothing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createMemoryLimits, type Decision, type Guard } from '@sallyport/guard'
import { saveApp } from '../../src/store/apps.ts'
import { savePlan } from '../../src/store/plans.ts'
import { forEachStore, startTestServer, type TestServer } from '../harness.ts'
import { blueprintOf, changed, tokenOf } from '../platforms/platforms.ts'
import { type Guarded, guardOf } from './guarded.ts'

const archive = 'id: sample-archive\n        name: Sample Archive\n'
const starter = `    plans:
      - id: starter
        price: free
        limits:
          - { api: token, endpoint: POST /notarizations, requests: 2, window_seconds: 60 }

    organizations:
`
// An EC key is made at once, and nothing here depends on which it is.
const quick = changed(blueprintOf('token'), 'signing_algorithm: RS256', 'signing_algorithm: ES256')
const planned = changed(
  changed(quick, '    organizations:\n', starter),
  archive,
  `${archive}        plan: starter\n`,
)
const audience = 'https://developers.token-project.eu'

async function tokenFor(server: TestServer, appId: string): Promise<string> {
  await server.advance(1)
  const [key, secret] = server.credential('token', appId)
  const url = `/auth/token?key=${key}&secret=${secret}`
  return tokenOf(await server.request({ method: 'POST', host: 'api.token.localhost:8443', url }))
}

/** The API of the platform: a store for the counts, and nothing of endpoints, scopes or limits. */
const apiOf = (t: { after(work: () => void): void }, server: TestServer): Guarded =>
  guardOf(t, server, {
    ...{ tenantId: 'token', apiApp: 'resource-server', audience, resource: 'https://api.token.example' },
    tokens: {
      type: 'jwt',
      acceptMissing: ['kid', 'iss', 'exp', 'jti'],
      claimNames: { clientId: 'sub' },
    },
    endpoints: 'issuer',
    limits: { store: createMemoryLimits({ elapsed: () => server.clock() * 1_000 }) },
  })

const stamps = ['GET', '/notarizations/stamps'] as const
const notarize = ['POST', '/notarizations'] as const

const ask = async (
  guard: Guard,
  token: string,
  [method, path]: readonly [string, string],
): Promise<Decision> =>
  guard.check(
    new Request(`https://api.token.example${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
    }),
  )

async function times(
  count: number,
  asking: () => Promise<Decision>,
): Promise<readonly (number | 'allowed')[]> {
  const outcomes: (number | 'allowed')[] = []
  for (let time = 0; time < count; time++) {
    const decision = await asking()
    outcomes.push(decision.isAllowed ? 'allowed' : decision.status)
  }
  return outcomes
}

const allowed = (count: number) => Array.from({ length: count }, () => 'allowed')

/** News come on their own; a limit that is changed begins anew, so looking takes nothing from it. */
async function untilLimit(
  policy: string,
  asking: () => Promise<Decision>,
  wait: () => Promise<unknown> = turn,
): Promise<void> {
  for (let turns = 0; turns < 10_000; turns++) {
    if ((await asking()).headers['RateLimit-Policy'] === policy) return
    await wait()
  }
  assert.fail(`never ${policy}`)
}

forEachStore((_engine, suite) => {
  test('003-20: each app has the limit of each endpoint to itself, whichever of its tokens it shows', async (t) => {
    const server = await startTestServer(t, suite, planned)
    const { guard } = apiOf(t, server)
    const [first, second] = [await tokenFor(server, 'my-app'), await tokenFor(server, 'my-app')]
    assert.notEqual(first, second)
    assert.deepEqual(await times(6, () => ask(guard, first, notarize)), allowed(6))
    assert.deepEqual(await times(5, () => ask(guard, second, notarize)), [...allowed(4), 429])
    const refused = await ask(guard, first, notarize)
    assert.equal(refused.isAllowed ? 'allowed' : refused.reason, 'rate_limited')
    assert.deepEqual(
      [refused.headers['Retry-After'], refused.headers['RateLimit-Policy'], refused.headers.RateLimit],
      ['60', '"app";q=10;w=60', '"app";r=0;t=60'],
    )
    assert.deepEqual(await times(1, () => ask(guard, first, stamps)), allowed(1))
    const other = await tokenFor(server, 'stamp-reader')
    assert.deepEqual(await times(1, () => ask(guard, other, notarize)), allowed(1))
    const reader = await tokenFor(server, 'storage-reader')
    assert.deepEqual(await times(1, () => ask(guard, reader, stamps)), [403])
  })

  test('003-20: the limit of a plan holds for its apps, and a change of the plan or of the app at once', async (t) => {
    const server = await startTestServer(t, suite, planned)
    const { guard, network } = apiOf(t, server)
    const token = await tokenFor(server, 'stamp-reader')
    const asking = () => ask(guard, token, notarize)
    assert.deepEqual(await times(3, asking), [...allowed(2), 429])
    const limits = [{ api: 'token', endpoint: 'POST /notarizations', requests: 5, window_seconds: 60 }]
    const settings = { price: 'free' as const, limits }
    await server.db.write((tx) => savePlan(tx, 'token', { id: 'starter', settings, blueprint: 'token' }))
    await untilLimit('"app";q=5;w=60', asking)
    assert.equal((await asking()).isAllowed, true)

    const [clientId] = server.credential('token', 'stamp-reader')
    await server.db.write((tx) =>
      saveApp(tx, 'token', {
        ...{ clientId, id: 'stamp-reader', name: 'Stamp reader', organizationId: 'sample-archive' },
        settings: { scopes: { token: ['notarization:*'] }, limits: [{ requests: 1, window_seconds: 3_600 }] },
        ...{ disabledAt: null, blueprint: 'token' },
      }),
    )
    // Whose tenant has changed shows who it is once more, a moment later, before it follows on.
    await untilLimit('"app";q=1;w=3600', asking, () => network.pass(1))
    assert.deepEqual(await times(2, asking), [429, 429])
  })
})
