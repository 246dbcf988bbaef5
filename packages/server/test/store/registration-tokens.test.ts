// trust R12: an initial access token is counted down by the database alone, until its end, in its own tenant.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Database } from '../../src/store/database.ts'
import {
  addRegistrationToken,
  findRegistrationToken,
  findRegistrationTokenByDigest,
  takeRegistration,
} from '../../src/store/registration-tokens.ts'
import { forEachStore } from './each-store.ts'
import { openWithOwn } from './own-rows.ts'

const digest = Buffer.alloc(32, 1)

const add = async (db: Database, expiresAt: number) => {
  const [organization] = await db.kysely
    .selectFrom('organizations')
    .select('id')
    .where('tenant_id', '=', 'own')
    .execute()
  const organizationId = organization?.id ?? ''
  const terms = { organizationId, name: 'One', terms: {}, registrations: 3, expiresAt }
  await db.write((tx) => addRegistrationToken(tx, 'own', { ...terms, id: 'reg_1', digest }))
}

forEachStore((_engine, store) => {
  test('trust R12: of ten who take the last three at once, three have them', async (t) => {
    const { db, clock, assertNeighbourUntouched } = await openWithOwn(store, t)
    await add(db, clock() + 60)
    const taken = await Promise.all(
      Array.from({ length: 10 }, () => db.write((tx) => takeRegistration(tx, 'own', digest))),
    )
    assert.equal(taken.filter((one) => one !== null).length, 3)
    assert.equal((await findRegistrationToken(db, 'own', 'reg_1'))?.registered, 3)
    await assertNeighbourUntouched()
  })

  test('trust F15: on its end it is good for nothing any more, and in another tenant never was', async (t) => {
    const { db, clock } = await openWithOwn(store, t)
    await add(db, clock() + 60)
    const take = (tenantId: string) => db.write((tx) => takeRegistration(tx, tenantId, digest))
    assert.equal(await take('neighbour'), null)
    assert.equal(await findRegistrationTokenByDigest(db, 'neighbour', digest), null)
    assert.equal((await take('own'))?.registered, 1)
    clock.advance(60)
    assert.equal(await take('own'), null)
  })

  test('trust R12: what is not done in the end has taken nothing', async (t) => {
    const { db, clock } = await openWithOwn(store, t)
    await add(db, clock() + 60)
    const failing = db.write(async (tx) => {
      await takeRegistration(tx, 'own', digest)
      throw new Error('the rest fails')
    })
    await assert.rejects(failing, /the rest fails/)
    assert.equal((await findRegistrationToken(db, 'own', 'reg_1'))?.registered, 0)
  })
})
