/** Signing keys replaced at once, or retired by hand, with the tokens that they have signed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { replaceAtOnce, retireAtOnce } from '../../src/keys/emergency.ts'
import { startRotation } from '../../src/keys/rotation.ts'
import { keySetMaxAgeSeconds, publishedSeconds } from '../../src/keys/rotation-schedule.ts'
import { listRevocations } from '../../src/store/revocations.ts'
import { listSigningKeys } from '../../src/store/signing-keys.ts'
import { forEachStore } from '../harness.ts'
import { assertToken, freshAddress } from '../oauth/answers.ts'
import { assertActive, assertInactive, introspect, tokenOf } from '../oauth/ends.ts'
import { acme, kidOf, publishedKids, settle, startNode, startNodes, states } from './rotating.ts'

forEachStore((_engine, suite) => {
  test('trust F13: an emergency kills every token that the key has signed, and a new key signs at once', async (t) => {
    const [node, { server: other }] = await startNodes(t, suite, acme())
    const { server } = node
    const retiring = await tokenOf(server)
    await startRotation(node.deps, 'acme')
    await server.advance(publishedSeconds)
    await settle(node)
    await startRotation(node.deps, 'acme')
    const active = await tokenOf(server)
    const known = await publishedKids(node)
    const { gone, made } = await replaceAtOnce(node.deps, 'acme', {})
    // What is still to come lay beside the one that has leaked.
    assert.deepEqual(gone.map(({ state }) => state).toSorted(), ['active', 'next', 'retiring'])
    assert.deepEqual(
      await publishedKids(node),
      made.map(({ kid }) => kid),
    )
    await other.db.changes.catchUp()
    const basic = server.credential('acme', 'sync')
    const fresh = assertToken(await other.token('acme', { basic, clientAddress: freshAddress() }))
    assert.equal(kidOf(fresh), made[0]?.kid)
    for (const token of [retiring, active]) assertInactive(await introspect(server, token))
    assertActive(await introspect(server, fresh))
    const revoked = await listRevocations(server.db, 'acme')
    assert.deepEqual(revoked.map(({ kind, subjectId }) => `${kind} ${subjectId}`).toSorted(), [
      ...known.map((kid) => `key ${kid}`),
    ])
    // A thief writes any iat: the cut-off lies beyond every cache of the key set.
    for (const { issuedUntil } of revoked)
      assert.ok(issuedUntil >= server.clock() + 100 * keySetMaxAgeSeconds)
  })

  test('trust F13: emergencies that two nodes begin at once leave one key that signs', async (t) => {
    const nodes = await startNodes(t, suite, acme())
    const [{ server }] = nodes
    await tokenOf(server)
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(nodes.map(({ deps }) => replaceAtOnce(deps, 'acme', {})))
      assert.equal((await states(server.db)).filter((state) => state === 'active').length, 1)
      await server.db.changes.catchUp()
      assertActive(await introspect(server, await tokenOf(server)))
    }
  })

  test('003-08: where tokens never end a replaced key stays, until it is retired by hand and its tokens with it', async (t) => {
    const endless = { token: { claims: { sub: '${client_id}', iat: '${iat}', aud: '${audience}' } } }
    const node = await startNode(t, suite, acme({ dialect: endless }))
    const { server } = node
    const token = await tokenOf(server)
    await startRotation(node.deps, 'acme')
    await server.advance(publishedSeconds)
    await settle(node)
    // Away from the dialect: what is out has no end all the same.
    await server.apply(acme())
    await server.advance(400 * 86_400)
    await settle(node)
    assert.ok((await states(server.db)).includes('retiring'))
    assertActive(await introspect(server, token))
    const keys = (await listSigningKeys(server.db, 'acme')).filter(({ state }) => state === 'retiring')
    await retireAtOnce(node.deps, 'acme', keys)
    assertInactive(await introspect(server, token))
    assert.deepEqual(
      (await listRevocations(server.db, 'acme')).map(({ kind }) => kind),
      keys.map(() => 'key'),
    )
  })
})
