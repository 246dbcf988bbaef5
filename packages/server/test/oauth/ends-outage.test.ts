/** What is said of tokens, and what is not, while a real PostgreSQL is stopped and when it is back. */
import { test } from 'node:test'
import { createTestServer } from '../harness.ts'
import { withoutPostgres } from '../postgres.ts'
import { assertUnavailable } from './answers.ts'
import {
  assertActive,
  assertInactive,
  assertRevoked,
  introspect,
  resourceServer,
  revokeToken,
  tokenOf,
} from './ends.ts'
import { app, blueprint, restApi, tenant } from './sample.ts'
import { startStoppable, untilBack } from './stoppable.ts'

const formats = { jwt: 'acme', opaque: 'opaque' } as const
const apps = [app('sync'), resourceServer]
const text = blueprint(
  tenant(formats.jwt, apps),
  tenant(formats.opaque, apps, { apis: [{ ...restApi, token_format: 'opaque' }] }),
)

test('trust F2, 114: with PostgreSQL stopped nothing is said to be revoked, and nothing is; back again, it can be', {
  skip: withoutPostgres,
}, async (t) => {
  const { postgres, clock, open, server } = await startStoppable(t, text)
  const tenants = Object.values(formats)
  const tokens = new Map<string, readonly [lives: string, dead: string]>()
  for (const tenantId of tenants) {
    const [lives, dead] = [await tokenOf(server, 'sync', tenantId), await tokenOf(server, 'sync', tenantId)]
    tokens.set(tenantId, [lives, dead])
    assertRevoked(await revokeToken(server, dead, {}, tenantId))
    assertActive(await introspect(server, lives, {}, tenantId))
  }
  const ofEach = async (work: (tenantId: string, lives: string, dead: string) => Promise<void>) => {
    for (const [tenantId, [lives, dead]] of tokens) await work(tenantId, lives, dead)
  }

  await postgres.stop()
  await t.test('trust F2: the revocation is 503, from the first moment on', () =>
    ofEach(async (tenantId, lives) => {
      assertUnavailable(await revokeToken(server, lives, {}, tenantId))
    }),
  )

  await t.test('trust 114: what was revoked before is never said to live', () =>
    ofEach(async (tenantId, _lives, dead) => {
      const reply = await introspect(server, dead, {}, tenantId)
      if (reply.status === 200) assertInactive(reply)
      else assertUnavailable(reply)
    }),
  )

  const stoppedAt = server.db.changes.lastContactAt
  clock.advance(4)
  await t.test(
    'trust 114: once the news of revocations is late, introspection and the feed are 503 too',
    () =>
      ofEach(async (tenantId, lives, dead) => {
        assertUnavailable(await introspect(server, lives, {}, tenantId))
        assertUnavailable(await introspect(server, dead, {}, tenantId))
        assertUnavailable(await introspect(server, 'no token at all', {}, tenantId))
        assertUnavailable(await revokeToken(server, lives, {}, tenantId))
        const basic = server.credential(tenantId, 'api')
        assertUnavailable(await server.request({ url: `/${tenantId}/oauth2/revocations`, basic }))
      }),
  )

  await postgres.start()
  await untilBack(server, stoppedAt)
  await t.test('trust F2: what was answered 503 has not been done', () =>
    ofEach(async (tenantId, lives, dead) => {
      assertActive(await introspect(server, lives, {}, tenantId))
      assertInactive(await introspect(server, dead, {}, tenantId))
    }),
  )

  await t.test('trust F2: and now the revocation is done, here and at a node that starts later', async () => {
    await ofEach(async (tenantId, lives) => {
      assertRevoked(await revokeToken(server, lives, {}, tenantId))
      assertInactive(await introspect(server, lives, {}, tenantId))
    })
    const { credential } = server
    const later = { ...(await createTestServer({ db: await open(), clock, blueprints: [] })), credential }
    t.after(() => later.server.close())
    await ofEach(async (tenantId, ...both) => {
      for (const token of both) assertInactive(await introspect(later, token, {}, tenantId))
    })
  })
})
