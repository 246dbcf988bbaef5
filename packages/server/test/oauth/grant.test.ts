// trust.md part 2 D: which scopes a token gets, at which API, and for how long.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { oneStore, startTestServer, type TestServer } from '../harness.ts'
import { assertError, assertToken, grant } from './answers.ts'
import { app, blueprint, organization, type Part, restApi, tenant } from './sample.ts'

const notary: Part = {
  id: 'notary',
  audience: 'https://notary.example',
  scopes: {
    ...{
      'notarization:*': 'All',
      'storage:read': 'Read',
      'storage:write': 'Write',
      'storage:disk:read': 'Disk',
      'storagex:read': 'Another',
      storage: 'Bare',
    },
    ...{ 'files/*': 'Files', sso: 'Sign in', 'read:user': 'One', 'read:users': 'All of them', '*': 'A star' },
  },
}

const apps = [
  app('wild', { scopes: { notary: ['notarization:*', 'storage:*', 'files/*', 'sso'] } }),
  app('literal', { scopes: { notary: ['notarization:read', 'storage:read', 'read:user'] } }),
  app('mixed', { scopes: { notary: ['storage:*', 'storage:read', 'sso', 'storage:write'] } }),
  app('star', { scopes: { notary: ['*'] } }),
  app('defaults', { scopes: { notary: ['storage:*', 'sso'] }, default_scopes: ['storage:write'] }),
  app('nothing', { scopes: { notary: [] } }),
]

/** What is asked of an app, and the scope it gets; null stands for `invalid_scope`. */
const asked: readonly (readonly [app: string, scope: string | null, granted: string | null | undefined])[] = [
  // Wildcards hold one or more characters after the separator, further segments included.
  ['wild', 'notarization:read', 'notarization:read'],
  ['wild', 'notarization:stamps:read', 'notarization:stamps:read'],
  ['wild', 'notarization:*', 'notarization:*'],
  ['wild', 'notarization:', null],
  ['wild', 'notarization', null],
  ['wild', 'notarizationx:read', null],
  ['wild', 'Notarization:read', null],
  ['wild', 'xnotarization:read', null],
  ['wild', 'notarization/read', null],
  ['wild', 'notarization.read', null],
  ['wild', 'notarization:stamps:*', null],
  ['wild', 'notarization:**', 'notarization:**'],
  ['wild', 'notarization*', null],
  ['wild', '*', null],
  ['wild', ':*', null],
  ['wild', '.*', null],
  ['wild', 'files/a', 'files/a'],
  ['wild', 'files/a/b', 'files/a/b'],
  ['wild', 'files:a', null],
  ['wild', 'files/', null],
  // The API does not declare the wildcard itself, nor what lies outside what it declares.
  ['wild', 'storage:*', null],
  ['wild', 'storage:read', 'storage:read'],
  ['wild', 'storage:disk:read', 'storage:disk:read'],
  ['wild', 'storage:other', null],
  ['wild', null, 'notarization:* storage:read storage:write storage:disk:read files/* sso'],
  // A literal grant is that scope and no other.
  ['literal', 'notarization:read', 'notarization:read'],
  ['literal', 'notarization:*', null],
  ['literal', 'notarization:reads', null],
  ['literal', 'notarization:rea', null],
  ['literal', 'storage:*', null],
  ['literal', 'read:user', 'read:user'],
  ['literal', 'read:users', null],
  ['literal', 'read:use', null],
  ['literal', 'READ:USER', null],
  ['literal', null, 'notarization:read storage:read read:user'],
  // Requested order, without repeats; all of it or nothing.
  ['wild', 'sso notarization:b notarization:a', 'sso notarization:b notarization:a'],
  ['wild', 'sso sso files/x sso', 'sso files/x'],
  ['wild', 'sso read:user', null],
  ['wild', 'sso unknown', null],
  ['mixed', null, 'storage:read storage:write storage:disk:read sso'],
  ['mixed', 'storage:write storage:read', 'storage:write storage:read'],
  // A bare star is an ordinary name.
  ['star', '*', '*'],
  ['star', 'sso', null],
  ['star', 'notarization:read', null],
  ['defaults', null, 'storage:write'],
  ['defaults', 'sso', 'sso'],
  ['nothing', null, undefined],
  ['nothing', 'sso', null],
  // Malformed, and spellings that other parsers forgive.
  ['wild', ' sso', null],
  ['wild', 'sso ', null],
  ['wild', 'sso  files/x', null],
  ['wild', 'sso\tfiles/x', null],
  ['wild', 'sso,files/x', null],
  ['wild', '"sso"', null],
  ['wild', 'sso\\', null],
  ['wild', 'ssö', null],
  ['wild', ' ', null],
  ['wild', 'undefined', null],
  ['wild', '__proto__', null],
  ['wild', 'constructor', null],
]

test('trust 68-72, 003-14: scopes are granted literally or through a wildcard over whole segments', async (t) => {
  const server = await startTestServer(t, oneStore, blueprint(tenant('acme', apps, { apis: [notary] })))
  for (const [appId, scope, granted] of asked) {
    const number = granted === null ? '68-69' : '72'
    await t.test(`trust ${number}: ${appId} asks for ${JSON.stringify(scope)}`, async () => {
      const body = scope === null ? grant : { ...grant, scope }
      const reply = await server.token('acme', { basic: server.credential('acme', appId), body })
      if (granted === null) return assertError(reply, 'invalid_scope')
      const claims = decodeJwt(assertToken(reply))
      assert.equal(reply.json.scope, granted)
      assert.equal(claims.scope, granted)
      assert.equal('scope' in claims, granted !== undefined)
    })
  }

  await t.test('trust 72: an empty scope is an omitted one', async () => {
    const reply = await server.token('acme', {
      basic: server.credential('acme', 'literal'),
      body: { ...grant, scope: '' },
    })
    assert.equal(reply.json.scope, 'notarization:read storage:read read:user')
  })

  await t.test('trust 77: a success brings neither a refresh token nor an id token', async () => {
    const reply = await server.token('acme', {
      basic: server.credential('acme', 'wild'),
      body: { ...grant, scope: 'sso', access_type: 'offline', response_type: 'id_token' },
    })
    assertToken(reply)
    assert.deepEqual(Object.keys(reply.json), ['access_token', 'token_type', 'expires_in', 'scope'])
  })
})

test('settled: without a scope, a wildcard that the plan does not allow as such stands for what the plan allows below it', async (t) => {
  const plans = [{ id: 'small', price: 'free', scopes: { rest: ['storage:read'] } }]
  const apis = [{ id: 'rest', audience: 'https://api.example', scopes: { 'storage:*': 'Storage' } }]
  const wild = app('wild', { scopes: { rest: ['storage:*'] } })
  const text = blueprint(
    tenant('acme', [], { plans, apis, organizations: [organization('customer', [wild], { plan: 'small' })] }),
  )
  const server = await startTestServer(t, oneStore, text)
  const basic = server.credential('acme', 'wild')
  assert.equal((await server.token('acme', { basic })).json.scope, 'storage:read')
  assertError(await server.token('acme', { basic, body: { ...grant, scope: 'storage:*' } }), 'invalid_scope')
})

test('settled: a plan takes scopes away and gives none', async (t) => {
  const plans = [
    { id: 'small', price: 'free', scopes: { rest: ['read'] } },
    { id: 'none', price: 'free', scopes: {} },
    { id: 'open', price: 'paid' },
  ]
  const planned = ['small', 'none', 'open'].map((plan) => organization(plan, [app(`on-${plan}`)], { plan }))
  const little = organization('little', [app('writer', { scopes: { rest: ['write'] } })], { plan: 'small' })
  const text = blueprint(tenant('acme', [], { plans, organizations: [...planned, little] }))
  const server = await startTestServer(t, oneStore, text)
  const ask = (appId: string, scope?: string) =>
    server.token('acme', {
      basic: server.credential('acme', appId),
      body: scope === undefined ? grant : { ...grant, scope },
    })
  assert.equal((await ask('on-small')).json.scope, 'read')
  assert.equal((await ask('on-small', 'read')).json.scope, 'read')
  assertError(await ask('on-small', 'write'), 'invalid_scope')
  assertError(await ask('on-small', 'read write'), 'invalid_scope')
  assert.equal((await ask('on-open')).json.scope, 'read write')
  assert.equal((await ask('on-none')).json.scope, undefined)
  assertError(await ask('on-none', 'read'), 'invalid_scope')
  assert.equal((await ask('writer')).json.scope, undefined)
  assertError(await ask('writer', 'read'), 'invalid_scope')
  assertError(await ask('writer', 'write'), 'invalid_scope')
})

test('RFC 6749 §3.3: where the plan bars what the app is granted, the log says so, asked for or not', async (t) => {
  const plans = [{ id: 'small', price: 'free', scopes: { rest: ['read'] } }]
  const organizations = [
    organization(
      'little',
      [
        app('writer', { scopes: { rest: ['write'] } }),
        app('preferring', { scopes: { rest: ['read', 'write'] }, default_scopes: ['write'] }),
        app('bare', { scopes: { rest: [] } }),
      ],
      { plan: 'small' },
    ),
  ]
  const server = await startTestServer(t, oneStore, blueprint(tenant('acme', [], { plans, organizations })))
  const reasonFor = async (appId: string, scope?: string) => {
    const body = scope === undefined ? grant : { ...grant, scope }
    const reply = await server.token('acme', { basic: server.credential('acme', appId), body })
    return [reply.status, reply.json.scope, server.logLines.at(-1)?.reason]
  }
  const nothingLeft = 'no scope: what the app gets unasked is all outside the plan'
  assert.deepEqual(await reasonFor('writer', 'write'), [400, undefined, 'scope outside the plan: write'])
  assert.deepEqual(await reasonFor('writer', 'read'), [400, undefined, 'scope not granted: read'])
  assert.deepEqual(await reasonFor('writer'), [200, undefined, nothingLeft])
  assert.deepEqual(await reasonFor('preferring'), [200, undefined, nothingLeft])
  assert.deepEqual(await reasonFor('preferring', 'read'), [200, 'read', undefined])
  assert.deepEqual(await reasonFor('bare'), [200, undefined, undefined])
})

test('trust 73-75: a token is for one API, which the app has', async (t) => {
  const apis = [
    { ...restApi, scopes: { read: 'Read' } },
    { id: 'billing', audience: 'billing', scopes: { pay: 'Pay', read: 'Read' } },
    { id: 'path', audience: 'https://api.acme.example/v1?x=1', scopes: { read: 'Read' } },
    { id: 'foreign', audience: 'https://foreign.example', scopes: { read: 'Read' } },
  ]
  const several = { rest: ['read'], billing: ['pay'], path: ['read'] }
  const organizations = [
    organization('customer', [
      app('one', { scopes: { rest: ['read'] } }),
      app('default', { scopes: several, default_api: 'billing' }),
      app('bare', { scopes: {} }),
    ]),
  ]
  const other = tenant('other', [app('sync')], {
    apis: [{ id: 'rest', audience: 'https://other.example', scopes: { read: 'Read', write: 'Write' } }],
  })
  const server = await startTestServer(
    t,
    oneStore,
    blueprint(tenant('acme', [], { apis, organizations }), other),
  )
  const ask = (appId: string, ...parameters: [string, string][]) =>
    server.token('acme', {
      basic: server.credential('acme', appId),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams([...Object.entries(grant), ...parameters]).toString(),
    })
  const audienceOf = async (reply: ReturnType<typeof ask>) => decodeJwt(assertToken(await reply)).aud
  const rest = 'https://api.acme.example'

  await t.test('settled: without a target the token is for the only API, or for the default', async () => {
    assert.equal(await audienceOf(ask('one')), rest)
    assert.equal(await audienceOf(ask('default')), 'billing')
    assert.equal((await ask('default')).json.scope, 'pay')
    assertError(await ask('bare'), 'invalid_target')
  })

  await t.test('RFC 8707 §2: resource and audience name the API by its exact text', async () => {
    assert.equal(await audienceOf(ask('default', ['resource', rest])), rest)
    assert.equal(await audienceOf(ask('default', ['audience', rest])), rest)
    assert.equal(await audienceOf(ask('default', ['audience', 'billing'])), 'billing')
    assert.equal(
      await audienceOf(ask('default', ['resource', 'https://api.acme.example/v1?x=1'])),
      'https://api.acme.example/v1?x=1',
    )
    assert.equal(await audienceOf(ask('default', ['resource', rest], ['audience', rest])), rest)
    assert.equal(await audienceOf(ask('default', ['resource', rest], ['resource', rest])), rest)
    assert.equal(await audienceOf(ask('default', ['resource', ''], ['audience', ''])), 'billing')
  })

  await t.test('trust 73-74: a resource that is relative or has a fragment is no target', async () => {
    for (const resource of [
      ...[
        'billing',
        '/v1',
        'api.acme.example',
        '//api.acme.example',
        `${rest}#x`,
        `${rest}#`,
        'https:',
        'https://',
      ],
      ...[' ', `${rest} `, ` ${rest}`, `${rest}%zz`, `${rest}\n`, 'https://ü.example', 'urn:', `x${rest}`],
    ]) {
      assertError(await ask('default', ['resource', resource]), 'invalid_target')
    }
  })

  await t.test(
    "trust 75: an API that is unknown, another spelling, not the app's or another tenant's",
    async () => {
      for (const target of [
        ...[
          'https://nowhere.example',
          `${rest}/`,
          rest.toUpperCase(),
          'https://api.acme.example:443',
          `${rest}?`,
        ],
        ...['https://foreign.example', 'https://other.example', 'https://user@api.acme.example'],
        ...['https://api.acme.example.evil.example', 'https://localhost:8443/acme'],
      ]) {
        assertError(await ask('default', ['resource', target]), 'invalid_target')
        assertError(await ask('default', ['audience', target]), 'invalid_target')
      }
      for (const audience of ['rest', 'Billing', 'billing ', '__proto__', 'constructor', 'client']) {
        assertError(await ask('default', ['audience', audience]), 'invalid_target')
      }
      assertError(await ask('one', ['audience', 'billing']), 'invalid_target')
      assertError(await ask('bare', ['resource', rest]), 'invalid_target')
    },
  )

  await t.test('settled: two targets are no target, and the scopes are those of the one', async () => {
    assertError(await ask('default', ['resource', rest], ['audience', 'billing']), 'invalid_target')
    assertError(
      await ask('default', ['resource', rest], ['resource', 'https://foreign.example']),
      'invalid_target',
    )
    assertError(await ask('default', ['resource', rest], ['scope', 'pay']), 'invalid_scope')
    assertError(await ask('default', ['audience', 'billing'], ['scope', 'read']), 'invalid_scope')
    const error = await ask('default', ['audience', 'a'], ['audience', 'a'])
    assertError(error, 'invalid_request')
  })
})

test('settled: an app with several APIs and no default has to name one', async (t) => {
  const text = blueprint(
    tenant('acme', [app('two', { scopes: { rest: ['read'], billing: ['pay'] }, default_api: 'rest' })], {
      apis: [restApi, { id: 'billing', audience: 'billing', scopes: { pay: 'Pay' } }],
    }),
  )
  const server = await startTestServer(t, oneStore, text)
  const basic = server.credential('acme', 'two')
  await server.db.write(async (tx) => {
    const settings = JSON.stringify({ scopes: { rest: ['read'], billing: ['pay'] } })
    await tx.kysely.updateTable('apps').set({ settings }).where('client_id', '=', basic[0]).execute()
    tx.append({ tenantId: 'acme', noun: 'app', subjectId: basic[0] })
  })
  assertError(await server.token('acme', { basic }), 'invalid_target')
  assertToken(await server.token('acme', { basic, body: { ...grant, audience: 'billing' } }))
})

test("settled: the lifetime is the first one set in app, plan, API and tenant, within the tenant's bounds", async (t) => {
  const bounds = { minimum_access_token_seconds: 100, maximum_access_token_seconds: 1000 }
  const make = (
    id: string,
    levels: { tenant?: number; api?: number; plan?: number; app?: number },
    more = {},
  ) => {
    const seconds = (value: number | undefined) =>
      value === undefined ? {} : { access_token_seconds: value }
    return tenant(id, [], {
      ...seconds(levels.tenant),
      ...more,
      apis: [{ ...restApi, ...seconds(levels.api) }],
      plans: [{ id: 'plan', price: 'free', ...seconds(levels.plan) }],
      organizations: [organization('customer', [app('sync', seconds(levels.app))], { plan: 'plan' })],
    })
  }
  const cases: [string, Part, number][] = [
    ['none', make('none', {}), 600],
    ['tenant', make('tenant', { tenant: 101 }, bounds), 101],
    ['api', make('api', { tenant: 101, api: 102 }, bounds), 102],
    ['plan', make('plan', { tenant: 101, api: 102, plan: 103 }, bounds), 103],
    ['app', make('app', { tenant: 101, api: 102, plan: 103, app: 104 }, bounds), 104],
    ['app-alone', make('app-alone', { app: 999 }, bounds), 999],
    ['plan-no-api', make('plan-no-api', { tenant: 900, plan: 103 }, bounds), 103],
    ['maximum', make('maximum', {}, { maximum_access_token_seconds: 300 }), 300],
    ['minimum', make('minimum', {}, { minimum_access_token_seconds: 1200 }), 1200],
  ]
  const server = await startTestServer(t, oneStore, blueprint(...cases.map(([, text]) => text)))
  const lifetimeOf = async (id: string) => {
    const reply = await server.token(id, { basic: server.credential(id, 'sync') })
    const { exp = 0, iat = 0 } = decodeJwt(assertToken(reply))
    assert.equal(iat, server.clock())
    assert.equal(reply.json.expires_in, exp - iat)
    return exp - iat
  }
  for (const [id, , seconds] of cases) assert.equal(await lifetimeOf(id), seconds, id)
  // A bound that is moved later holds every lifetime that was set before.
  await setTenantSettings(server, 'app', {
    minimum_access_token_seconds: 200,
    maximum_access_token_seconds: 250,
  })
  assert.equal(await lifetimeOf('app'), 200)
  await setTenantSettings(server, 'app-alone', { maximum_access_token_seconds: 500 })
  assert.equal(await lifetimeOf('app-alone'), 500)
})

async function setTenantSettings({ db }: TestServer, tenantId: string, settings: Part): Promise<void> {
  await db.write(async (tx) => {
    await tx.kysely
      .updateTable('tenants')
      .set({ settings: JSON.stringify(settings) })
      .where('id', '=', tenantId)
      .execute()
    tx.append({ tenantId, noun: 'tenant', subjectId: tenantId })
  })
}
