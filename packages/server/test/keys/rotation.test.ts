/** Signing keys under requests: rotated without a verifier ever meeting a key it does not know (R6, product 9). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createLocalJWKSet, decodeProtectedHeader, errors, type JSONWebKeySet, jwtVerify } from 'jose'
import { isLong } from '../../../../test/length.ts'
import { inspectToken } from '../../src/inspect/inspect-token.ts'
import { replaceAtOnce } from '../../src/keys/emergency.ts'
import { createKeyRotation, type RotationDeps, rotateTenant, startRotation } from '../../src/keys/rotation.ts'
import { publishedSeconds } from '../../src/keys/rotation-schedule.ts'
import { listSigningKeys } from '../../src/store/signing-keys.ts'
import { forEachStore, oneStore } from '../harness.ts'
import { assertToken, freshAddress, grant } from '../oauth/answers.ts'
import { assertActive, introspect, tokenOf } from '../oauth/ends.ts'
import { app, blueprint, restApi, tenant } from '../oauth/sample.ts'
import { turnsDuring } from '../turns.ts'
import {
  acme,
  apps,
  kidOf,
  type Node,
  publishedKids,
  settle,
  startNode,
  startNodes,
  states,
} from './rotating.ts'

/** A verifier as jose makes it, which asks for the key set again only when what it has is no longer fresh. */
function cachingVerifier(firstAskedAt: number) {
  const cache = { keys: undefined as ReturnType<typeof createLocalJWKSet> | undefined, until: firstAskedAt }
  return async (node: Node, token: string): Promise<void> => {
    const now = node.server.clock()
    if (cache.keys === undefined || now >= cache.until) {
      const { json, headers } = await node.server.request({ url: '/acme/oauth2/jwks' })
      const [, maxAge] = /max-age=(\d+)/.exec(headers['Cache-Control'] ?? '') ?? []
      cache.keys = createLocalJWKSet(json as JSONWebKeySet)
      cache.until = now + Number(maxAge)
    }
    await jwtVerify(token, cache.keys, {
      issuer: 'https://localhost:8443/acme',
      currentDate: new Date(now * 1000),
    })
  }
}

const rotations = isLong ? 200 : 10

forEachStore((_engine, suite) => {
  test(`R6: in ${rotations} rotations under requests no verifier that caches by max-age meets a key it does not know`, async (t) => {
    const nodes = await startNodes(t, suite, acme({ access_token_seconds: 900 }))
    const [{ server }] = nodes
    const chores = nodes.map(({ deps }) =>
      createKeyRotation({ ...deps, onFailure: (error) => assert.fail(String(error)) }),
    )
    t.after(() => chores.map((chore) => chore.close()))
    // Their caches end at different times, and each asks another node than the one that signs.
    const verifiers = [0, 77, 153, 289].map((offset) => cachingVerifier(server.clock() + offset))
    const live: { readonly token: string; readonly until: number }[] = []
    const seen = new Set([kidOf(await tokenOf(server))])
    const basic = server.credential('acme', 'sync')
    let checked = 0
    for (let rotation = 0; rotation < rotations; rotation += 1) {
      await startRotation(nodes[rotation % 2 ? 1 : 0].deps, 'acme')
      for (let step = 0; step < 18; step += 1) {
        server.clock.advance(61)
        // In an order that changes, so that now the one and now the other is first.
        for (const chore of step % 2 ? chores : chores.toReversed()) await chore.work()
        for (const { server: one } of nodes) await one.db.changes.catchUp()
        const signing = nodes[step % 2 ? 0 : 1]
        const asking = nodes[step % 2 ? 1 : 0]
        const reply = await signing.server.token('acme', {
          basic,
          body: grant,
          clientAddress: freshAddress(),
        })
        live.push({ token: assertToken(reply), until: server.clock() + 900 })
        seen.add(kidOf(live.at(-1)?.token ?? ''))
        while ((live[0]?.until ?? 0) <= server.clock()) live.shift()
        for (const verify of verifiers) {
          for (const { token } of [live[0], live.at(-1)].filter((one) => one !== undefined)) {
            await verify(asking, token)
            checked += 1
          }
        }
      }
    }
    assert.equal(seen.size, rotations + 1)
    assert.equal(checked, rotations * 18 * 4 * 2)
    // Those that are over leave; what is left may still be named by a token.
    assert.ok((await publishedKids(nodes[0])).length <= 3)
    const told = nodes.flatMap(({ events }) => events)
    for (const state of ['next', 'active', 'retiring'] as const)
      assert.equal(told.filter((event) => event.state === state).length, rotations, state)
  })

  test('product 9: of two nodes that take every step at once, one takes it, and both follow', async (t) => {
    const nodes = await startNodes(t, suite, acme())
    const [{ server }, { server: other }] = nodes
    await tokenOf(server)
    const race = (work: (deps: RotationDeps) => Promise<unknown>) =>
      Promise.all(nodes.flatMap(({ deps }) => [work(deps), work(deps)]))
    for (let rotation = 1; rotation <= 5; rotation += 1) {
      await race((deps) => startRotation(deps, 'acme'))
      server.clock.advance(publishedSeconds)
      await race((deps) => rotateTenant(deps, 'acme'))
      const keys = await listSigningKeys(server.db, 'acme')
      assert.equal(keys.length, rotation + 1)
      assert.equal(keys.filter(({ state }) => state === 'active').length, 1)
      await other.db.changes.catchUp()
      await server.db.changes.catchUp()
      const basic = server.credential('acme', 'sync')
      const token = assertToken(await other.token('acme', { basic, clientAddress: freshAddress() }))
      assert.equal(kidOf(token), keys.find(({ state }) => state === 'active')?.kid)
      assertActive(await introspect(server, token))
    }
    const told = nodes.flatMap(({ events }) => events.map(({ kid, state }) => `${kid} ${state}`))
    assert.equal(new Set(told).size, told.length, 'a step was taken twice')
  })

  test('product 9: a node that was held up while it made a key does not begin a second rotation', async (t) => {
    const [{ server, deps }, slow] = await startNodes(t, suite, acme())
    await tokenOf(server)
    const held: RotationDeps = {
      ...slow.deps,
      db: {
        ...slow.deps.db,
        kysely: slow.deps.db.kysely,
        async write(work) {
          // Between its plan and its write, the other goes a whole rotation further.
          if ((await listSigningKeys(server.db, 'acme')).length === 1) {
            await startRotation(deps, 'acme')
            server.clock.advance(publishedSeconds)
            await rotateTenant(deps, 'acme')
          }
          return slow.deps.db.write(work)
        },
      },
    }
    // Its lifetime is noted already, so that the first write is the key's.
    await rotateTenant(deps, 'acme')
    await startRotation(held, 'acme')
    assert.deepEqual(await states(server.db), ['active', 'retiring'])
    assert.deepEqual(slow.events, [])
  })

  test('product 9: a replaced key is published and verified until its last token has ended, and then refused (trust F38)', async (t) => {
    const node = await startNode(t, suite, acme({ access_token_seconds: 900 }))
    const { server } = node
    const first = await tokenOf(server)
    await startRotation(node.deps, 'acme')
    await server.advance(publishedSeconds - 1)
    await settle(node)
    const last = await tokenOf(server)
    assert.equal(kidOf(last), kidOf(first))
    await server.advance(1)
    await settle(node)
    const next = await tokenOf(server)
    assert.notEqual(kidOf(next), kidOf(first))
    await server.advance(898)
    await settle(node)
    assertActive(await introspect(server, last))
    assert.deepEqual(await publishedKids(node), [kidOf(first), kidOf(next)].toSorted())
    // The token's end, the outage grace of a node that knew no better, and clocks apart.
    await server.advance(2 + 600 + 300 - 1)
    await settle(node)
    assert.deepEqual(await states(server.db), ['active', 'retiring'])
    await server.advance(1)
    await settle(node)
    assert.deepEqual(await states(server.db), ['active', 'retired'])
    assert.deepEqual(await publishedKids(node), [kidOf(next)])
    const report = await inspectToken(first, {
      ...server.store,
      now: server.clock(),
    })
    assert.equal(report.isGood, false)
    assert.ok(report.problems.includes('Its signing key is retired.'), report.problems.join())
  })

  test('product 9: another signing_algorithm brings no outage: the old key signs until the new one is known', async (t) => {
    const node = await startNode(t, suite, acme())
    const { server } = node
    const before = await tokenOf(server)
    const knew = await publishedKids(node)
    await server.apply(acme({ signing_algorithm: 'EdDSA' }))
    const meanwhile = await tokenOf(server)
    assert.equal(kidOf(meanwhile), kidOf(before))
    assert.deepEqual(await publishedKids(node), knew)
    await settle(node)
    const known = await publishedKids(node)
    assert.equal(known.length, 2)
    await server.advance(publishedSeconds - 1)
    await settle(node)
    assert.equal(kidOf(await tokenOf(server)), kidOf(before))
    await server.advance(1)
    await settle(node)
    const after = await tokenOf(server)
    assert.equal(decodeProtectedHeader(after).alg, 'EdDSA')
    assert.deepEqual(known, [kidOf(before), kidOf(after)].toSorted())
    assertActive(await introspect(server, after))
  })

  test('000-15: a rotated HS512 key is verified by introspection until its last token has ended', async (t) => {
    const apis = [{ ...restApi, signing_algorithm: 'HS512' }]
    const node = await startNode(t, suite, acme({ apis, access_token_seconds: 900 }))
    const { server } = node
    const old = await tokenOf(server)
    await startRotation(node.deps, 'acme', { apiId: 'rest' })
    await server.advance(60)
    await settle(node)
    const fresh = await tokenOf(server)
    assert.notEqual(kidOf(fresh), kidOf(old))
    for (const token of [old, fresh]) assertActive(await introspect(server, token))
    // The tenant's own key was not part of the selection.
    const keys = await listSigningKeys(server.db, 'acme')
    assert.deepEqual(keys.map(({ apiId, state }) => `${apiId} ${state}`).toSorted(), [
      'null active',
      'rest active',
      'rest retiring',
    ])
    assert.ok(!(await publishedKids(node)).includes(kidOf(old) ?? ''))
    // Away from HS512: the tenant's key signs at once, for everybody knows it.
    await server.apply(acme({ access_token_seconds: 900 }))
    await settle(node)
    const asymmetric = await tokenOf(server)
    assert.equal(decodeProtectedHeader(asymmetric).alg, 'ES256')
    for (const token of [old, fresh, asymmetric]) assertActive(await introspect(server, token))
    await server.advance(899)
    await settle(node)
    for (const token of [fresh, asymmetric]) assertActive(await introspect(server, token))
    await server.advance(902)
    await settle(node)
    assert.deepEqual(await states(server.db), ['active', 'retired', 'retired'])
  })

  test('product 9: a lowered maximum retires no key before the tokens of earlier settings have ended', async (t) => {
    const node = await startNode(t, suite, acme({ access_token_seconds: 900 }))
    const { server } = node
    await tokenOf(server)
    await settle(node)
    await server.apply(acme({ maximum_access_token_seconds: 60 }))
    await startRotation(node.deps, 'acme')
    await server.advance(publishedSeconds)
    await settle(node)
    await server.advance(899 + 600 + 300)
    await settle(node)
    assert.deepEqual(await states(server.db), ['active', 'retiring'])
    await server.advance(1)
    await settle(node)
    assert.deepEqual(await states(server.db), ['active', 'retired'])
  })
})

test('product 9: the chore rotates every tenant when its days are over, and reads nothing of those that are not due', async (t) => {
  const weekly = tenant('weekly', [app('sync')], { key_rotation_days: 7 })
  const never = tenant('never', [app('sync')], { key_rotation_days: 0 })
  const node = await startNode(t, oneStore, blueprint(tenant('acme', apps), weekly, never))
  const { server, deps, events } = node
  for (const id of ['acme', 'weekly', 'never']) await tokenOf(server, 'sync', id)
  let snapshots = 0
  const counting = new Proxy(deps.db, {
    get: (db, name, receiver) => {
      if (name !== 'kysely') return Reflect.get(db, name, receiver)
      return new Proxy(db.kysely, {
        get: (kysely, member) => {
          if (member === 'transaction') snapshots += 1
          const value: unknown = Reflect.get(kysely, member, kysely)
          return typeof value === 'function' ? value.bind(kysely) : value
        },
      })
    },
  })
  const chore = createKeyRotation({ ...deps, db: counting, onFailure: (error) => assert.fail(String(error)) })
  t.after(() => chore.close())
  await chore.work()
  assert.ok(snapshots >= 3)
  snapshots = 0
  for (let minute = 0; minute < 10; minute += 1) {
    await server.advance(60)
    await chore.work()
  }
  assert.equal(snapshots, 0)
  await server.advance(7 * 86_400)
  await chore.work()
  assert.deepEqual(
    events.map(({ tenantId, state }) => `${tenantId} ${state}`),
    ['weekly next'],
  )
  // Told by the feed of what others do, it looks again.
  await server.apply(blueprint(tenant('acme', apps), weekly, { ...never, signing_algorithm: 'EdDSA' }))
  await chore.work()
  assert.deepEqual(events.at(-1), { ...events.at(-1), tenantId: 'never', algorithm: 'EdDSA', state: 'next' })
})

test('product 9: after a start the chore gives requests their turn between any two tenants', async (t) => {
  const ids = Array.from({ length: 20 }, (_, index) => `shop-${index}`)
  const text = blueprint(...ids.map((id) => tenant(id, [app('sync')])))
  const { server, deps } = await startNode(t, oneStore, text)
  for (const id of ids) await tokenOf(server, 'sync', id)
  const chore = createKeyRotation({ ...deps, onFailure: (error) => assert.fail(String(error)) })
  t.after(() => chore.close())
  const turns = await turnsDuring(() => chore.work())
  assert.ok(turns >= ids.length, `${turns} turns`)
})

test('product 9: a server that stops looks at no further tenant, and the next round takes what was left', async (t) => {
  const ids = ['one', 'other', 'third']
  const { server, deps, events } = await startNode(
    t,
    oneStore,
    blueprint(...ids.map((id) => tenant(id, [app('sync')], { key_rotation_days: 7 }))),
  )
  for (const id of ids) await tokenOf(server, 'sync', id)
  await server.advance(7 * 86_400)
  const stopping = new AbortController()
  const chore = createKeyRotation({
    ...deps,
    onEvent(event) {
      deps.onEvent(event)
      stopping.abort()
    },
    onFailure: (error) => assert.fail(String(error)),
  })
  t.after(() => chore.close())
  await chore.work(stopping.signal)
  assert.deepEqual(
    events.map(({ tenantId }) => tenantId),
    ['one'],
  )
  await chore.work()
  assert.deepEqual(
    events.map(({ tenantId }) => tenantId),
    ids,
  )
})

test('errors: one tenant whose keys do not open holds up no other', async (t) => {
  const node = await startNode(t, oneStore, blueprint(tenant('acme', apps), tenant('zeta', [app('sync')])))
  const { server, deps, events } = node
  for (const id of ['acme', 'zeta']) await tokenOf(server, 'sync', id)
  await server.advance(90 * 86_400)
  const failures: unknown[] = []
  let seals = 0
  const chore = createKeyRotation({
    ...deps,
    sealer: {
      ...deps.sealer,
      seal(plain, context) {
        seals += 1
        if (seals === 1) throw new Error('no key file')
        return deps.sealer.seal(plain, context)
      },
    },
    onFailure: (error) => failures.push(error),
  })
  t.after(() => chore.close())
  await chore.work()
  assert.equal(failures.length, 1)
  assert.deepEqual(
    events.map(({ tenantId }) => tenantId),
    ['zeta'],
  )
  await chore.work()
  assert.deepEqual(
    events.map(({ tenantId }) => tenantId),
    ['zeta', 'acme'],
  )
})

test('R6: the verifier of these tests does refuse a key that it could not know', async (t) => {
  const node = await startNode(t, oneStore, acme())
  const { server } = node
  const verify = cachingVerifier(server.clock())
  await verify(node, await tokenOf(server))
  await replaceAtOnce(node.deps, 'acme', {})
  await assert.rejects(verify(node, await tokenOf(server)), errors.JWKSNoMatchingKey)
})

test('product 9: a server rotates by itself, with a line in the log and a count for each step', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { server } = await startNode(t, oneStore, acme())
  const first = kidOf(await tokenOf(server))
  const steps = () => server.logLines.filter(({ msg }) => String(msg).startsWith('signing key'))
  /** A minute of the server's timers, and whatever they have begun. */
  const until = async (count: number) => {
    t.mock.timers.tick(60_000)
    for (let turn = 0; turn < 10_000 && steps().length < count; turn += 1) await setImmediate()
  }
  await server.advance(90 * 86_400)
  await until(1)
  await server.advance(publishedSeconds)
  await until(3)
  const next = kidOf(await tokenOf(server))
  assert.notEqual(next, first)
  assert.deepEqual(
    steps().map(({ msg, tenant: id, kid }) => [msg, id, kid]),
    [
      ['signing key created', 'acme', next],
      ['signing key replaced', 'acme', first],
      ['signing key activated', 'acme', next],
    ],
  )
  const { body } = await server.server.metrics.render()
  assert.match(body, /^sallyport_signing_key_steps_total\{tenant="acme",state="active"\} 1$/m)
})
