// How a token comes: RFC 6750 §2 and §3, what a request without a good one is told, and what a scope opens.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRefusalId } from '@sallyport/protocol'
import { createWorld, guardOf, requestWith, startedAt } from './world.ts'

const authorized = (value: string) =>
  new Request('https://api.example/invoices', { headers: { authorization: value } })

test('004-07: a request without a token learns the scheme, and no error (RFC 6750 §3.1)', async () => {
  const decision = await guardOf(createWorld()).check(requestWith(null))
  assert.ok(!decision.isAllowed)
  assert.equal(decision.status, 401)
  const challenge = decision.headers['www-authenticate'] ?? ''
  assert.match(challenge, /^Bearer realm="https:\/\/api\.example"/)
  assert.doesNotMatch(challenge, /error/)
  assert.match(
    challenge,
    /resource_metadata="https:\/\/api\.example\/\.well-known\/oauth-protected-resource"/,
  )
})

for (const [title, header] of [
  ['another scheme', 'Basic YTpi'],
  ['an empty header', ''],
  ['a scheme that only begins like ours', 'BearerX token'],
] as const) {
  test(`trust 164: ${title} is no token`, async () => {
    const decision = await guardOf(createWorld()).check(authorized(header))
    assert.ok(!decision.isAllowed)
    assert.equal(decision.status, 401)
  })
}

test('trust 28, 164: tabs, two blanks, commas, quotes, two tokens and two headers are malformed', async () => {
  const world = createWorld()
  const token = world.token()
  const guard = guardOf(world)
  const spellings = [
    'Bearer',
    'Bearer ',
    `Bearer\t${token}`,
    `Bearer  ${token}`,
    `Bearer ${token} ${token}`,
    `Bearer ${token}, Bearer ${token}`,
    `Bearer ${token},`,
    `Bearer "${token}"`,
    `Bearer: ${token}`,
  ]
  for (const spelling of spellings) {
    const decision = await guard.check(authorized(spelling))
    assert.equal(!decision.isAllowed && decision.reason, 'credentials_malformed', JSON.stringify(spelling))
    assert.equal(!decision.isAllowed && decision.status, 401)
  }
  const twice = new Headers([
    ['authorization', `Bearer ${token}`],
    ['authorization', `Bearer ${token}`],
  ])
  const decision = await guard.check(new Request('https://api.example/', { headers: twice }))
  assert.equal(!decision.isAllowed && decision.reason, 'credentials_malformed')
})

test('002-18: the scheme is read whatever its case', async () => {
  const world = createWorld()
  for (const scheme of ['bearer', 'BEARER', 'Bearer'])
    assert.ok((await guardOf(world).check(authorized(`${scheme} ${world.token()}`))).isAllowed)
})

test('003-18: a shell variable that was never put in is refused as a token that is none', async () => {
  const decision = await guardOf(createWorld()).check(authorized('Bearer $BEARER_TOKEN'))
  assert.ok(!decision.isAllowed)
  assert.equal(decision.status, 401)
  assert.match(decision.headers['www-authenticate'] ?? '', /error="invalid_token"/)
})

test('000-17: typographic quotes around a header, as a page prints them, are told from another scheme', async () => {
  // What a header can carry of them: UTF-8 read as Latin-1, as servers do.
  const quoted = Buffer.from('‘Bearer').toString('latin1')
  const decision = await guardOf(createWorld()).check({
    method: 'GET',
    url: '/',
    headers: { get: (name) => (name === 'authorization' ? `${quoted} token` : null) },
  })
  assert.equal(!decision.isAllowed && decision.reason, 'credentials_malformed')
})

test('RFC 6750 §2.3: a token in the URL is never looked at', async () => {
  const world = createWorld()
  const request = new Request(`https://api.example/?access_token=${world.token()}`)
  const decision = await guardOf(world).check(request)
  assert.equal(!decision.isAllowed && decision.reason, 'no_credentials')
})

test('003-19: a missing scope is 403, and the challenge names it (RFC 6750 §3.1)', async () => {
  const world = createWorld()
  const decision = await guardOf(world).check(requestWith(world.token()), {
    scope: ['invoices/read', 'invoices/write'],
  })
  assert.ok(!decision.isAllowed)
  assert.equal(decision.status, 403)
  assert.match(
    decision.headers['www-authenticate'] ?? '',
    /error="insufficient_scope".*scope="invoices\/read invoices\/write"/,
  )
})

test('003-14: a wildcard opens what is below it, as text or in a list; a prefix opens nothing', async () => {
  const world = createWorld()
  const guard = guardOf(world)
  const opens = async (scope: unknown, needed: string) =>
    (await guard.check(requestWith(world.token({ scope, jti: `${scope}` })), { scope: needed })).isAllowed
  for (const held of ['notarization:*', ['sso', 'notarization:*']]) {
    assert.ok(await opens(held, 'notarization:read'))
    assert.ok(await opens(held, 'notarization:stamps:read'))
    for (const needed of ['notarization', 'notarizationx:read', 'notarization:', 'storage:read'])
      assert.ok(!(await opens(held, needed)), needed)
  }
  assert.ok(!(await opens('read:user', 'read:users')))
  assert.ok(!(await opens(undefined, 'read')))
})

test('issue 6, 1: each refusal has an id of its own that says why and when, and no part of the token', async () => {
  const world = createWorld()
  const told: string[] = []
  const guard = guardOf(world, { onRefusal: ({ id }) => told.push(id) })
  world.now = startedAt + 3_600
  const token = world.token()
  const decision = await guard.check(requestWith(token))
  assert.ok(!decision.isAllowed)
  assert.deepEqual(parseRefusalId(decision.id), { reason: 'expired', at: world.now })
  assert.deepEqual(told, [decision.id])
  const response = decision.toResponse()
  const body = await response.text()
  assert.equal(JSON.parse(body).refusal_id, decision.id)
  assert.equal(response.headers.get('cache-control'), 'no-store')
  for (const part of token.split('.'))
    assert.ok(![body, ...response.headers.values()].some((text) => text.includes(part)))
})

test('issue 6, 1: a guard without an audience does not start, and one with wrong options says all that is wrong', () => {
  const world = createWorld()
  for (const audience of [undefined, '', null])
    assert.throws(() => guardOf(world, { audience: audience as string }), /audience must be/)
  const wrong = { issuer: 'http://auth.example', introspect: 'opaque', resource: 'api' } as const
  assert.throws(
    () => guardOf(world, wrong),
    /issuer must be an https URL; .*resource must be .*; introspect: opaque needs credentials/,
  )
  assert.throws(
    () =>
      guardOf(world, {
        tokens: { acceptMissing: ['aud'] },
        endpoints: [{ method: 'GET', path: '/a' }],
      }),
    /each endpoint needs a scope/,
  )
})

test('issue 6, 1: a table of endpoints decides what is needed, and what it does not name is refused', async () => {
  const world = createWorld()
  const endpoints = [
    { method: 'GET', path: '/invoices', scope: 'invoices/read' },
    { method: 'POST', path: '/invoices', scope: 'invoices/write' },
    { method: 'GET', path: '/health', isPublic: true },
  ]
  const guard = guardOf(world, { endpoints })
  const statusOf = async (method: string, path: string, token: string | null = world.token()) => {
    const decision = await guard.check(requestWith(token, { method }, path))
    return decision.isAllowed ? 200 : decision.status
  }
  assert.equal(await statusOf('GET', '/invoices?page=2'), 200)
  assert.equal(await statusOf('POST', '/invoices'), 403)
  assert.equal(await statusOf('DELETE', '/invoices'), 405)
  assert.equal(await statusOf('GET', '/admin'), 404)
  assert.equal(await statusOf('GET', '/invoices%2f'), 400)
  assert.equal(await statusOf('GET', '/health', null), 200)
})
