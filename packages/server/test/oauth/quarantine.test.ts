// Issue 4, item 5: a secret that others could read is put out of use, that one alone, and its owner hears of it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { credentialSubject } from '@sallyport/protocol'
import { createExposureLater } from '../../src/apps/expose-credential.ts'
import { listCredentials } from '../../src/store/credentials.ts'
import { StoreBusy } from '../../src/store/database.ts'
import { listNotices } from '../../src/store/notices.ts'
import { listRevocations } from '../../src/store/revocations.ts'
import { forEachStore, startTestServer, type TestServer } from '../harness.ts'
import { assertError, assertInvalidClient, assertToken, freshAddress, grant } from './answers.ts'
import { assertActive, assertInactive, introspect, resourceServer, tokenOf } from './ends.ts'
import { app, blueprint, type Part, tenant } from './sample.ts'

const two = [
  { id: 'main', secret: 'generated' },
  { id: 'spare', secret: 'generated' },
]

const textOf = (more: Part = {}) =>
  blueprint(tenant('acme', [app('sync', { credentials: two }), app('other'), resourceServer], more))

type Pair = readonly [string, string]

const inUrl = (server: TestServer, [id, secret]: Pair) =>
  server.request({
    method: 'POST',
    url: `/acme/oauth2/token?client_id=${id}&client_secret=${secret}`,
    body: grant,
    clientAddress: freshAddress(),
  })

const linesOf = (server: TestServer, message: string) => server.logLines.filter(({ msg }) => msg === message)

async function untilLogged(server: TestServer, message: string, count = 1): Promise<void> {
  while (linesOf(server, message).length < count) await turn()
}

const standingOf = async ({ db }: TestServer, clientId: string) =>
  (await listCredentials(db, 'acme', clientId)).map(({ id, exposedBy, exposedAt, disabledAt }) => ({
    id,
    exposedBy,
    exposedAt,
    disabledAt,
  }))

forEachStore((engine, suite) => {
  test(`issue 4.5: ${engine}: a secret that came in a URL is dead with its tokens, and nothing else of the app is`, async (t) => {
    const server = await startTestServer(t, suite, textOf())
    const main = server.credential('acme', 'sync')
    const spare = server.credential('acme', 'sync', 'spare')
    const [ofMain, ofSpare, ofOther] = [
      await tokenOf(server),
      await tokenOf(server, 'sync', 'acme', 'spare'),
      await tokenOf(server, 'other'),
    ]
    await server.advance(10)
    assertError(await inUrl(server, main), 'invalid_request')
    await untilLogged(server, 'credential quarantined')

    assertInvalidClient(await server.token('acme', { basic: main }))
    assertToken(await server.token('acme', { basic: spare }))
    assertInactive(await introspect(server, ofMain))
    assertActive(await introspect(server, ofSpare))
    assertActive(await introspect(server, ofOther))
    const at = server.clock()
    // What those hear who verify tokens by themselves.
    assert.deepEqual(
      (await listRevocations(server.db, 'acme')).map((one) => ({ ...one })),
      [
        {
          ...{ kind: 'credential', subjectId: credentialSubject(main[0], 'main') },
          ...{ issuedUntil: at + 5, expiresAt: null },
        },
      ],
    )
    assert.deepEqual(await standingOf(server, main[0]), [
      { id: 'main', exposedBy: 'query_string', exposedAt: at, disabledAt: at },
      { id: 'spare', exposedBy: null, exposedAt: null, disabledAt: null },
    ])
    assert.deepEqual(await listNotices(server.db, 'acme'), [
      {
        tenantId: 'acme',
        clientId: main[0],
        credentialId: 'main',
        kind: 'exposed',
        detail: { by: 'query_string', quarantined: true },
        happenedAt: at,
      },
    ])
    // Seen once more, it is told of no more.
    await server.advance(10)
    assertError(await inUrl(server, main), 'invalid_request')
    assertError(await inUrl(server, spare), 'invalid_request')
    await untilLogged(server, 'credential quarantined', 2)
    assert.deepEqual(
      (await listNotices(server.db, 'acme')).map(({ credentialId, happenedAt }) => [
        credentialId,
        happenedAt,
      ]),
      [
        ['main', at],
        ['spare', at + 10],
      ],
    )
    // Applying the blueprint again does not bring it back.
    await server.apply(textOf())
    assertInvalidClient(await server.token('acme', { basic: main }))
    const told = JSON.stringify([server.logLines, await listNotices(server.db)])
    for (const [, secret] of [main, spare]) assert.ok(!told.includes(secret.slice(8, 40)))
  })

  test(`settled: ${engine}: whoever knows a client id alone can put nothing of that client out of use`, async (t) => {
    const server = await startTestServer(t, suite, textOf())
    const main = server.credential('acme', 'sync')
    const [, othersSecret] = server.credential('acme', 'other')
    for (const secret of ['', 'wrong', `sp_test_${'0'.repeat(49)}`, othersSecret])
      assertError(await inUrl(server, [main[0], secret]), 'invalid_request')
    // A real exposure of another app comes after them, so whatever they had set off is done.
    assertError(await inUrl(server, server.credential('acme', 'other')), 'invalid_request')
    await untilLogged(server, 'credential quarantined')
    assertToken(await server.token('acme', { basic: main, clientAddress: freshAddress() }))
    assert.equal(linesOf(server, 'credential exposed').length, 1)
    assert.equal((await listNotices(server.db)).length, 1)
  })

  test(`issue 4.5: ${engine}: a tenant may only have it flagged, and one that changes its mind has it put out of use next time`, async (t) => {
    const server = await startTestServer(t, suite, textOf({ exposed_secrets: 'flag' }))
    const main = server.credential('acme', 'sync')
    assertError(await inUrl(server, main), 'invalid_request')
    await untilLogged(server, 'credential exposed')
    const flaggedAt = server.clock()
    assertToken(await server.token('acme', { basic: main }))
    const [notice] = await listNotices(server.db, 'acme')
    assert.deepEqual(notice?.detail, { by: 'query_string', quarantined: false })
    await server.apply(textOf({ exposed_secrets: 'quarantine' }))
    await server.advance(10)
    assertToken(await server.token('acme', { basic: main }))
    assertError(await inUrl(server, main), 'invalid_request')
    await untilLogged(server, 'credential quarantined')
    assertInvalidClient(await server.token('acme', { basic: main }))
    const [standing] = await standingOf(server, main[0])
    assert.deepEqual([standing?.exposedAt, standing?.disabledAt], [flaggedAt, flaggedAt + 10])
    const [again, ...others] = await listNotices(server.db, 'acme')
    assert.deepEqual([again?.detail.quarantined, again?.happenedAt, others], [true, flaggedAt + 10, []])
  })

  test(`003-01: ${engine}: where the documents put the secret in the URL, it is no exposure`, async (t) => {
    const dialect = {
      request: { query_credentials: { client_id: 'client_id', client_secret: 'client_secret' } },
    }
    const server = await startTestServer(t, suite, textOf({ dialect }))
    const main = server.credential('acme', 'sync')
    assertToken(await inUrl(server, main))
    assertToken(await inUrl(server, main))
    // Under names that no document asks for it is one.
    const other = server.credential('acme', 'other')
    const url = `/acme/oauth2/token?key=${other[0]}&secret=${other[1]}`
    assertError(await server.request({ method: 'POST', url, body: grant }), 'invalid_request')
    await untilLogged(server, 'credential quarantined')
    assertToken(await inUrl(server, main))
    assert.equal((await listNotices(server.db)).length, 1)
  })
})

const seen = { clientId: 'sync', by: 'plain_http', isQuarantined: true } as const

test('issue 4.5: a secret that is seen while its tenant is being changed is tried again, and those of others meanwhile', async () => {
  const [blocked, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const asked: string[] = []
  const expose = createExposureLater(
    async ({ tenantId, credentialId }) => {
      asked.push(`${tenantId} ${credentialId}`)
      if (tenantId === 'other') return null
      if (asked.length > 2) {
        released.resolve()
        return 'quarantined'
      }
      await blocked.promise
      throw new StoreBusy('somebody else has it')
    },
    (error) => assert.fail(String(error)),
  )
  expose({ ...seen, tenantId: 'acme', credentialId: 'main' })
  expose({ ...seen, tenantId: 'acme', credentialId: 'spare' })
  expose({ ...seen, tenantId: 'other', credentialId: 'main' })
  await turn()
  // Not the second of the tenant: each that waits has a connection of the database.
  assert.deepEqual(asked, ['acme main', 'other main'])
  blocked.resolve()
  await released.promise
  await turn()
  assert.deepEqual(asked.slice(2), ['acme main', 'acme spare'])
})
