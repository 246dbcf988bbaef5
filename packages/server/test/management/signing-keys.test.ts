// Issue 5, 1: signing keys over the management API: seen without their private parts, and replaced, on both databases.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { openSigningKey } from '../../src/keys/signing-keys.ts'
import { lateSeconds } from '../../src/store/revocations.ts'
import { listSigningKeys } from '../../src/store/signing-keys.ts'
import { forEachStore, startTestServer, type TestServer } from '../harness.ts'
import { assertActive, assertInactive, introspect, resourceServer, tokenOf } from '../oauth/ends.ts'
import { app, blueprint, restApi, tenant } from '../oauth/sample.ts'
import { assertProblem, callApi, manager, organizationPlace, tenantPlace } from './managed.ts'

const signed = blueprint(
  tenant('acme', [app('sync'), resourceServer], {
    apis: [restApi, { id: 'mac', audience: 'mac', scopes: { use: 'Use' }, signing_algorithm: 'HS512' }],
  }),
)

const path = '/tenants/acme/signing-keys'

const statesOf = (keys: readonly { readonly kid: string; readonly state: string }[]) =>
  Object.fromEntries(keys.map(({ kid, state }) => [kid, state]))

const publishedKids = async (server: TestServer): Promise<readonly string[]> =>
  (await server.request({ url: '/acme/oauth2/jwks' })).json.keys.map(({ kid }: { kid: string }) => kid)

forEachStore((_engine, suite) => {
  test('product decision 9: a rotation publishes the next key at once, which signs once all can know it', async (t) => {
    const server = await startTestServer(t, suite, signed)
    const operator = await manager(server, ['tenant_admin'], tenantPlace('acme'))
    assertProblem(await operator.call('POST', `${path}/rotate`, { body: {} }), 409, 'conflict')
    const { kid: first = '' } = decodeProtectedHeader(await tokenOf(server))
    const list = await operator.call('GET', path)
    assert.equal(list.json.items.find((one: { kid: string }) => one.kid === first)?.state, 'active')
    const rotated = await operator.call('POST', `${path}/rotate`, { body: { algorithm: 'ES256' } })
    assert.equal(rotated.status, 200, rotated.text)
    const next = rotated.json.keys.find((one: { state: string }) => one.state === 'next')
    assert.deepEqual((await publishedKids(server)).toSorted(), [first, next.kid].toSorted())
    assert.equal(decodeProtectedHeader(await tokenOf(server)).kid, first)
    const shown = await operator.call('GET', `${path}/${encodeURIComponent(next.kid)}`)
    assert.equal(shown.json.becomes.state, 'active')
    assert.ok(shown.json.becomes.at > shown.json.since)
    const again = await operator.call('POST', `${path}/rotate`, { body: { algorithm: 'ES256' } })
    assert.deepEqual(statesOf(again.json.keys), statesOf(rotated.json.keys))
  })

  test('product: an emergency retires what signed, kills its tokens, and signs with a new key at once', async (t) => {
    const server = await startTestServer(t, suite, signed)
    const operator = await manager(server)
    const dead = await tokenOf(server)
    const { kid = '' } = decodeProtectedHeader(dead)
    assertActive(await introspect(server, dead))
    const answer = await operator.call('POST', `${path}/rotate`, { body: { emergency: true } })
    assert.equal(answer.status, 200, answer.text)
    assert.equal(statesOf(answer.json.keys)[kid], 'retired')
    assert.ok(!(await publishedKids(server)).includes(kid))
    assertInactive(await introspect(server, dead))
    const alive = await tokenOf(server)
    assert.notEqual(decodeProtectedHeader(alive).kid, kid)
    assertActive(await introspect(server, alive))
    const { json } = await operator.call('GET', '/tenants/acme/revocations')
    assert.ok(
      json.items.some((one: { kind: string; subject: string }) => one.kind === 'key' && one.subject === kid),
    )
    assert.equal(decodeJwt(alive).client_id, decodeJwt(dead).client_id)
  })

  test('product 4: after an emergency, who is enabled again is told to come back in seconds, not when the key’s cut-off ends', async (t) => {
    const server = await startTestServer(t, suite, signed)
    const operator = await manager(server)
    await tokenOf(server)
    await operator.call('POST', `${path}/rotate`, { body: { emergency: true } })
    const basic = server.credential('acme', 'sync')
    const app = `/tenants/acme/apps/${basic[0]}`
    for (const disabled of [true, false]) {
      const { status } = await operator.call('PATCH', app, {
        body: { disabled },
        headers: { 'if-match': '*' },
      })
      assert.equal(status, 200)
    }
    await server.advance(0)
    const refused = await server.token('acme', { basic })
    assert.equal(refused.status, 503, refused.text)
    const seconds = Number(refused.headers['Retry-After'])
    assert.ok(seconds > 0 && seconds <= lateSeconds + 1, `Retry-After: ${seconds}`)
    await server.advance(seconds)
    assertActive(await introspect(server, await tokenOf(server)))
  })

  test('product decision 6: no private part of any key is in an answer, in the audit chain or in the log', async (t) => {
    const server = await startTestServer(t, suite, signed)
    const operator = await manager(server)
    await tokenOf(server)
    const replies = [
      await operator.call('POST', `${path}/rotate`, { body: {} }),
      await operator.call('POST', `${path}/rotate`, { body: { emergency: true } }),
      await operator.call('GET', path),
      await operator.call('GET', '/tenants/acme/audit-records'),
    ]
    const said = replies.map(({ text }) => text).join('\n') + JSON.stringify(server.logLines)
    for (const key of await listSigningKeys(server.db, 'acme')) {
      assert.ok(said.includes(key.kid))
      for (const encoding of ['base64', 'base64url', 'hex'] as const)
        assert.ok(!said.includes(Buffer.from(key.sealed).toString(encoding)))
      const { d, k } = openSigningKey(server.store.sealer, 'acme', key).export({ format: 'jwk' })
      assert.ok(!said.includes(d ?? k ?? ''))
    }
    assert.doesNotMatch(said, /"(?:d|k|p|q|dp|dq|qi|sealed)":/)
    for (const { json } of replies.slice(0, 2)) assert.ok(json.keys.length > 0)
  })

  test('trust F19: signing keys are the tenant’s alone: neither its organizations nor strangers see or rotate them', async (t) => {
    const server = await startTestServer(t, suite, [
      signed,
      JSON.stringify({
        blueprint: 'others',
        tenants: [{ id: 'umbrella', name: 'Umbrella', environment: 'test' }],
      }),
    ])
    const kid = decodeProtectedHeader(await tokenOf(server)).kid ?? ''
    const admin = await manager(server, ['organization_admin'], organizationPlace('acme', 'customer'))
    const stranger = await manager(server, ['tenant_admin'], tenantPlace('umbrella'))
    for (const caller of [admin, stranger]) {
      assertProblem(await caller.call('GET', path), 404, 'not_found')
      assertProblem(await caller.call('GET', `${path}/${encodeURIComponent(kid)}`), 404, 'not_found')
      const rotated = await caller.call('POST', `${path}/rotate`, { body: { emergency: true } })
      assertProblem(rotated, 404, 'not_found')
    }
    const foreign = `/tenants/umbrella/signing-keys/${encodeURIComponent(kid)}`
    assertProblem(await stranger.call('GET', foreign), 404, 'not_found')
    const auditor = await manager(server, ['auditor'], tenantPlace('acme'))
    assert.equal((await auditor.call('GET', path)).status, 200)
    assertProblem(await auditor.call('POST', `${path}/rotate`, { body: {} }), 403, 'forbidden')
    assertProblem(await callApi(server, null, 'GET', path), 401, 'unauthenticated')
  })

  test('decision 0020: keys are made before the transaction, for those alone who may, and no writer waits for them', async (t) => {
    let open = 0
    const made: string[] = []
    const server = await startTestServer(
      t,
      suite,
      signed,
      {},
      {
        db: (db) => ({
          ...db,
          write: (work, ...rest) =>
            db.write(
              async (tx) => {
                open += 1
                return work(tx).finally(() => (open -= 1))
              },
              ...rest,
            ),
        }),
        // The bytes of a symmetric key; nothing else is as long.
        effects: (effects) => ({
          ...effects,
          random(bytes) {
            if (bytes === 64) made.push(open > 0 ? 'inside' : 'before')
            return effects.random(bytes)
          },
        }),
      },
    )
    const operator = await manager(server)
    await tokenOf(server)
    made.length = 0
    const stranger = await manager(server, ['auditor'], tenantPlace('acme'))
    assertProblem(await stranger.call('POST', `${path}/rotate`, { body: {} }), 403, 'forbidden')
    assert.deepEqual(made, [])
    const rotated = await operator.call('POST', `${path}/rotate`, { body: { emergency: true } })
    assert.equal(rotated.status, 200, rotated.text)
    assert.deepEqual(made, ['before'])
  })
})
