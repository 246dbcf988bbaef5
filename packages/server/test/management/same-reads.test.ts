// trust F19: the time that a refusal takes does not tell what another organization has.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller } from '../../src/management/caller.ts'
import type { Operation } from '../../src/management/operation.ts'
import { operations } from '../../src/management/operations.ts'
import { permissionNames } from '../../src/management/permissions.ts'
import { Problem } from '../../src/management/problem.ts'
import { findTarget } from '../../src/management/reply.ts'
import type { Database } from '../../src/store/database.ts'
import { forEachStore } from '../harness.ts'
import { countReads } from '../store/counted-reads.ts'
import { everyThing } from './every-thing.ts'
import { startManaged } from './managed.ts'

/** Of another organization than that of `everyThing`, where it may do all. */
const sister: Caller = {
  actor: 'app sister',
  memberships: [{ tenantId: 'acme', organizationId: 'globex', roles: [], permissions: permissionNames }],
  scopes: new Set(permissionNames),
  scheme: 'Bearer',
}

type Params = Readonly<Record<string, string>>

/** How often the database is read until the refusal; null without one. */
async function readsOf(db: Database, operation: Operation, params: Params): Promise<number | null> {
  const reads = countReads(db)
  try {
    await findTarget({ operation, params }, sister, reads)
  } catch (error) {
    assert.ok(error instanceof Problem && error.code === 'not_found', `${operation.id}: ${error}`)
    return reads.count()
  }
  return null
}

const namesIn = ({ path }: Operation): readonly string[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)

const nobodys = (name: string): Params => ({ [name]: name === 'member' ? 'user:nobody' : 'nobodys' })

forEachStore((_engine, suite) => {
  test('trust F19: for a thing of another organization and for one that nobody has the database is read as often', async (t) => {
    const server = await startManaged(t, suite)
    const things = await everyThing(server)
    let compared = 0
    for (const operation of operations.filter(({ permission }) => permission !== null)) {
      const names = namesIn(operation)
      const thingOf = (name: string) =>
        (names.includes('organization') ? things[`organization ${name}`] : undefined) ?? things[name] ?? ''
      const params = Object.fromEntries(names.map((name) => [name, thingOf(name)]))
      const reads = await readsOf(server.db, operation, params)
      if (reads === null) continue
      for (const name of names.filter((one) => one !== 'tenant')) {
        const missing = await readsOf(server.db, operation, { ...params, ...nobodys(name) })
        assert.equal(missing, reads, `${operation.id} without its ${name}`)
        compared += 1
      }
    }
    assert.ok(compared > 30, String(compared))
  })
})
