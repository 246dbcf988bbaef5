// What createGuard takes: every option by its name, type and range, and nothing else; all problems in one error.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGuard, createMemoryLimits, type GuardOptions, GuardOptionsError } from '@sallyport/guard'
import * as express from '@sallyport/guard/express'
import * as fastify from '@sallyport/guard/fastify'
import * as hono from '@sallyport/guard/hono'
import * as node from '@sallyport/guard/node'
import * as web from '@sallyport/guard/web'
import { Hono } from 'hono'
import { proofAlgorithms } from '../src/options.ts'
import { audience, createWorld, guardOf, issuer, requestWith } from './world.ts'

const credentials = { id: 'api', secret: 'secret' }
const line = { method: 'GET', path: '/invoices' }

/** The problems of these options beside good ones. */
function problemsOf(options: object): readonly string[] {
  try {
    createGuard({ issuer, audience, effects: createWorld().effects, ...options }).close()
    return []
  } catch (error) {
    assert.ok(error instanceof GuardOptionsError, String(error))
    assert.equal(error.name, 'GuardOptionsError')
    const [, problems = ''] = /^The guard cannot start: (.*)\.$/.exec(error.message) ?? []
    return problems.split('; ')
  }
}

const refused: readonly (readonly [options: object, problem: string])[] = [
  [{ audiences: [] }, 'audiences is unknown (did you mean audience?)'],
  [{ senderConstrained: 'dpop' }, 'senderConstrained is unknown (did you mean senderConstraint?)'],
  [{ endpoints: [{ ...line, scopes: 'admin' }] }, 'endpoints[0].scopes is unknown (did you mean scope?)'],
  [{ endpoints: [line, { ...line, scope: 7 }] }, 'endpoints[1].scope must be a scope, or a list of scopes'],
  [{ endpoints: [{ ...line, scope: ['a', ''] }] }, 'endpoints[0].scope must be a scope, or a list of scopes'],
  [{ endpoints: [{ ...line, scope: 'a b' }] }, 'endpoints[0].scope must be a scope, or a list of scopes'],
  [{ endpoints: [{ ...line, scope: undefined }] }, 'endpoints[0].scope must be a scope, or a list of scopes'],
  [{ endpoints: [{ ...line, limit: undefined }] }, 'endpoints[0].limit must be anything but undefined'],
  [{ endpoints: [{ ...line, isPublic: 'false' }] }, 'endpoints[0].isPublic must be true or false'],
  [{ endpoints: [{ path: '/a' }] }, 'endpoints[0].method must be text, and not empty'],
  [{ endpoints: [null] }, 'endpoints[0] must be an object'],
  [{ endpoints: 'Issuer', credentials }, 'endpoints must be a list of endpoints, or issuer'],
  [{ endpoints: {} }, 'endpoints must be a list of endpoints, or issuer'],
  [{ endpoints: 'issuer' }, 'endpoints: issuer needs credentials'],
  [{ endpoints: [line, line] }, 'endpoint GET /invoices: another endpoint takes the same requests'],
  [
    { endpoints: [{ ...line, isPublic: true, scope: 'a' }] },
    'endpoint GET /invoices: it is public, and needs a scope',
  ],
  [{ limits: {} }, 'limits.store must be an object'],
  [{ limits: { store: {} } }, 'limits.store.take must be a function'],
  [
    { limits: { store: createMemoryLimits(), limitof: () => null } },
    'limits.limitof is unknown (did you mean limitOf?)',
  ],
  [{ credentials, revocation: { whenCut: 'deny' } }, 'revocation.whenCut must be refuse or allow'],
  [
    { credentials, revocation: { afterSeconds: -1 } },
    'revocation.afterSeconds must be a whole number, 0 or more',
  ],
  [{ credentials, revocation: { after: 9 } }, 'revocation.after is unknown (did you mean afterSeconds?)'],
  [{ credentials: { id: 'api', secret: '' } }, 'credentials.secret must be text, and not empty'],
  [{ credentials: { ...credentials, clientId: 'x' } }, 'credentials.clientId is unknown (did you mean id?)'],
  [{ tokens: { acceptMissing: 'typ' } }, 'tokens.acceptMissing must be a list'],
  [
    { tokens: { acceptMissing: ['foo'] } },
    'tokens.acceptMissing[0] must be typ or kid or iss or aud or exp or iat or sub or client_id or jti',
  ],
  [{ tokens: { require: new Map([['token_use', 'access']]) } }, 'tokens.require must be an object'],
  [{ tokens: Promise.resolve({}) }, 'tokens must be an object'],
  [{ tokens: { require: { token_use: true } } }, 'tokens.require.token_use must be text'],
  [
    { tokens: { claimNames: { client_id: 'sub' } } },
    'tokens.claimNames.client_id is unknown (did you mean clientId?)',
  ],
  [{ tokens: { typ: 'jwt' } }, 'tokens.typ is unknown (did you mean type?)'],
  [{ keys: { refreshSeconds: 'a' } }, 'keys.refreshSeconds must be a whole number, 1 or more'],
  [{ keys: { oldestSeconds: Number.NaN } }, 'keys.oldestSeconds must be a whole number, 1 or more'],
  [{ cache: { tokens: 0.5 } }, 'cache.tokens must be a whole number, 0 or more'],
  [{ dpop: { algorithms: [] } }, 'dpop.algorithms must be a list of some'],
  [{ dpop: { proofs: {} } }, 'dpop.proofs.use must be a function'],
  [{ onRefusal: 'console' }, 'onRefusal must be a function'],
  [{ effects: { clock: () => 0 } }, 'effects.random must be a function'],
  [{ runtime: 'node' }, 'runtime must be an object'],
  [{ resource: null }, 'resource must be an https URL'],
  [{ introspect: Symbol('always'), credentials }, 'introspect must be opaque or always'],
]

for (const [options, problem] of refused) {
  test(`issue 6, 1: at the start: ${problem}`, () =>
    assert.ok(problemsOf(options).includes(problem), `${problemsOf(options)}`))
}

/** What untyped code may hand over for `{ scope: 'admin' }`, and what is said of it. */
const noRequirements: readonly (readonly [needed: unknown, problem: RegExp])[] = [
  [{ scopes: 'admin' }, /scopes is unknown \(did you mean scope\?\)/],
  [{ scope: 'admin', limits: {} }, /limits is unknown \(did you mean limit\?\)/],
  [{ scope: undefined }, /scope must be a scope, or a list of scopes/],
  [{ scope: null }, /scope must be a scope, or a list of scopes/],
  [{ scope: '' }, /scope must be a scope, or a list of scopes/],
  [{ scope: { admin: true } }, /scope must be a scope, or a list of scopes/],
  [{ scope: ['admin', 7] }, /scope must be a scope, or a list of scopes/],
  [{ scope: new Set(['admin']) }, /scope must be a scope, or a list of scopes/],
  [{ endpoint: 7 }, /endpoint must be text, and not empty/],
  [{ endpoint: 'GET /a', limit: undefined }, /limit must be anything but undefined/],
  ['admin', /must be an object/],
  [['admin'], /must be an object/],
  [[], /must be an object/],
  [null, /must be an object/],
  [7, /must be an object/],
  [() => {}, /must be an object/],
  [new Map([['scope', 'admin']]), /must be an object/],
  [Promise.resolve({ scope: 'admin' }), /must be an object/],
  [new Request('https://api.example'), /must be an object/],
]

for (const [needed, message] of noRequirements) {
  const told = JSON.stringify(needed) ?? typeof needed
  test(`trust 179: a requirement that is none lets nobody in by any way: ${told} ${message.source}`, () => {
    const world = createWorld()
    const guard = createGuard({ issuer, audience, effects: world.effects })
    const wrong = needed as object
    const ways: Readonly<Record<string, () => unknown>> = {
      check: () => guard.check(requestWith(world.token()), wrong),
      'check with a table': () =>
        guardOf(world, { endpoints: [line] }).check(requestWith(world.token()), wrong),
      express: () => express.protect(guard, wrong),
      fastify: () => fastify.protect(guard, wrong),
      hono: () => hono.protect(guard, wrong),
      node: () => node.protect(guard, () => {}, wrong),
      web: () => web.protect(guard, () => new Response(), wrong),
    }
    for (const [name, way] of Object.entries(ways))
      assert.throws(way, { name: 'GuardOptionsError', message }, name)
  })
}

test('trust 179: a requirement that is right is taken in each of its forms', async () => {
  const world = createWorld()
  const guard = guardOf(world)
  class Needed {
    get scope() {
      return 'invoices/read'
    }
  }
  const forms = [{}, undefined, { scope: 'invoices/read' }, { scope: ['invoices/read'] }, { scope: [] }]
  for (const needed of [...forms, Object.create(null), new Needed(), { endpoint: 'GET /invoices' }])
    assert.ok((await guard.check(requestWith(world.token()), needed)).isAllowed)
  const protectedBy = async (needed: object) => {
    const app = new Hono()
    app.get('/invoices', hono.protect(guard, needed), (context) => context.text('good'))
    return (await app.fetch(requestWith(world.token({ scope: 'other' })))).status
  }
  assert.equal(await protectedBy(new Needed()), 403)
  assert.equal(await protectedBy({}), 200)
  const other = await guard.check(requestWith(world.token()), { scope: ['invoices/read', 'admin'] })
  assert.equal(!other.isAllowed && other.reason, 'insufficient_scope')
})

test('RFC 9449 §5: proofs are signed with no algorithm that whoever checks could sign with', () => {
  const words = proofAlgorithms.join(' or ')
  assert.deepEqual(problemsOf({ dpop: { algorithms: ['HS256', 'ES256', 'none'] } }), [
    `dpop.algorithms[0] must be ${words}`,
    `dpop.algorithms[2] must be ${words}`,
  ])
})

test('issue 6, 1: all that is wrong is told at once, and no value: some are secrets', () => {
  const secret = 'a-secret-that-nobody-may-log'
  const problems = problemsOf({
    ...{ issuer: secret, audience: [secret], credential: { id: 'api', secret }, introspect: 'opaque' },
    ...{ credentials: { id: secret, secret: 7 }, keys: { refresh: 1 }, dpop: { nonces: secret } },
  })
  assert.equal(problems.length, 7)
  assert.ok(!problems.join().includes(secret))
})

test('issue 6, 1: options that are none are refused in the same words', () => {
  for (const options of [undefined, null, 'https://auth.example/acme', []])
    assert.throws(() => createGuard(options as unknown as GuardOptions), GuardOptionsError)
})

test('issue 6, 1: every option that is documented is taken, and what is not set counts as left out', () => {
  const { effects } = createWorld()
  const runtime = { importKey: () => null, sha256: () => '' }
  const all: Required<GuardOptions> = {
    ...{ issuer, audience, credentials, resource: `${audience}/v1`, effects, runtime },
    tokens: {
      ...{ type: 'jwt', issuer: 'tokens', acceptMissing: ['typ', 'exp'], require: { token_use: 'access' } },
      claimNames: { clientId: 'azp', subject: 'sub', scope: 'scp', organizationId: 'org' },
    },
    ...{ introspect: 'opaque', unlisted: 'authenticate', senderConstraint: 'any' },
    endpoints: [{ ...line, scope: ['a', 'b'], limit: { requests: 5, window_seconds: 60 } }],
    limits: { store: createMemoryLimits(), limitOf: () => null },
    revocation: { whenCut: 'allow', afterSeconds: 0 },
    dpop: { nonces: 'A'.repeat(43), algorithms: ['ES256'] },
    cache: { tokens: 0, introspectionSeconds: 0, apps: 0 },
    keys: { refreshSeconds: 1, coolDownSeconds: 0, oldestSeconds: 1 },
    ...{ onRefusal: () => {}, onRevocationState: () => {} },
  }
  assert.deepEqual(problemsOf(all), [])
  const unset = Object.fromEntries(Object.keys(all).map((name) => [name, undefined]))
  assert.deepEqual(problemsOf({ ...unset, issuer, audience }), [])
  assert.deepEqual(problemsOf({ endpoints: [{ ...line, limit: 'for my own limitOf' }] }), [])
})

test('001-17: without an expiry only a revocation ends a token, which a guard without credentials never hears of', () => {
  const tokens = { acceptMissing: ['exp'] }
  const [problem = ''] = problemsOf({ tokens })
  assert.match(problem, /^acceptMissing: exp needs credentials: /)
  assert.deepEqual(problemsOf({ tokens, credentials }), [])
})
