// Issue 4, item 5: GitHub's reports of leaked secrets, as its secret scanning partner program sends them.
import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { formatClientSecret, formatRegistrationToken } from '@sallyport/protocol'
import { listCredentials } from '../../src/store/credentials.ts'
import { type Database, StoreUnavailable } from '../../src/store/database.ts'
import { listNotices } from '../../src/store/notices.ts'
import { type Doubles, forEachStore, oneStore, startTestServer } from '../harness.ts'
import { assertInvalidClient, assertToken, freshAddress } from '../oauth/answers.ts'
import { assertActive, assertInactive, introspect, resourceServer, tokenOf } from '../oauth/ends.ts'
import { app, blueprint, tenant } from '../oauth/sample.ts'
import { found, labelOf, published, report, scannerDoubles, type, url } from './scanner.ts'

const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const text = blueprint(
  tenant('acme', [app('sync'), app('other'), resourceServer]),
  tenant('lenient', [app('sync')], { exposed_secrets: 'flag' }),
)

forEachStore((engine, suite) => {
  test(`issue 4.5: ${engine}: a secret that was found in public is dead with its tokens, whoever's it is, and its owner hears where`, async (t) => {
    const { doubles, fetches } = scannerDoubles()
    const server = await startTestServer(t, suite, text, {}, doubles)
    const [sync, other, lenient] = [
      server.credential('acme', 'sync'),
      server.credential('acme', 'other'),
      server.credential('lenient', 'sync'),
    ]
    const [ofSync, ofOther] = [await tokenOf(server), await tokenOf(server, 'other')]
    const fabricated = formatClientSecret('test', randomBytes(32))
    await server.advance(5)
    const reply = await report(server, found(fabricated, sync[1], lenient[1]))
    assert.equal(reply.status, 200, reply.text)
    assert.deepEqual(reply.json, [
      labelOf(fabricated, 'false_positive'),
      labelOf(sync[1], 'true_positive'),
      labelOf(lenient[1], 'true_positive'),
    ])
    assertInvalidClient(await server.token('acme', { basic: sync }))
    assertInactive(await introspect(server, ofSync))
    assertActive(await introspect(server, ofOther))
    assertToken(await server.token('acme', { basic: other, clientAddress: freshAddress() }))
    assertToken(await server.token('lenient', { basic: lenient }))
    const notices = await listNotices(server.db)
    assert.deepEqual(
      notices.map(({ tenantId, clientId, kind, detail }) => ({ tenantId, clientId, kind, detail })),
      [
        ['acme', sync[0], true],
        ['lenient', lenient[0], false],
      ].map(([tenantId, clientId, quarantined]) => ({
        ...{ tenantId, clientId, kind: 'exposed' },
        detail: { by: 'leak_report', quarantined, url },
      })),
    )
    // Reported again, it is as true as before, and told of no more.
    const again = await report(server, found(sync[1]))
    assert.deepEqual(again.json, [labelOf(sync[1], 'true_positive')])
    assert.deepEqual(await listNotices(server.db), notices)
    assert.deepEqual(fetches, ['https://api.github.com/meta/public_keys/secret_scanning'])
    const told = JSON.stringify([server.logLines, notices, reply.text])
    for (const secret of [sync[1], lenient[1], fabricated]) assert.ok(!told.includes(secret.slice(8, 40)))
  })

  test(`issue 4.5: ${engine}: a secret without an index gets it on its first use, and is then found`, async (t) => {
    const server = await startTestServer(t, suite, text, {}, scannerDoubles().doubles)
    const sync = server.credential('acme', 'sync')
    await server.db.write(async (tx) => {
      await tx.kysely.updateTable('credentials').set({ lookup: null }).execute()
      const { copyToApp } = await import('../../src/store/client-credentials.ts')
      await copyToApp(tx, 'acme', sync[0])
      tx.append({ tenantId: 'acme', noun: 'app', subjectId: sync[0] })
    })
    assert.deepEqual((await report(server, found(sync[1]))).json, [labelOf(sync[1], 'false_positive')])
    const [before] = await listCredentials(server.db, 'acme', sync[0])
    assertToken(await server.token('acme', { basic: sync }))
    while (!(await hasIndex(server.db, sync[0]))) await new Promise(setImmediate)
    assert.deepEqual(await listCredentials(server.db, 'acme', sync[0]), [before])
    assert.deepEqual((await report(server, found(sync[1]))).json, [labelOf(sync[1], 'true_positive')])
  })
})

const hasIndex = async (db: Database, clientId: string) =>
  (
    await db.kysely
      .selectFrom('credentials')
      .select('lookup')
      .where('client_id', '=', clientId)
      .executeTakeFirstOrThrow()
  ).lookup !== null

test('issue 4.5: a report that the scanner has not signed ends nothing', async (t) => {
  const { doubles } = scannerDoubles()
  const server = await startTestServer(t, oneStore, text, {}, doubles)
  const sync = server.credential('acme', 'sync')
  const body = found(sync[1])
  const refused = [
    await report(server, body, { by: stranger }),
    await report(server, '[]', { sent: body }),
    await report(server, body, { id: 'f'.repeat(64) }),
    await report(server, body, { id: '' }),
    await server.request({ method: 'POST', url: '/secret-scanning/github', body }),
  ]
  for (const reply of refused) {
    assert.equal(reply.status, 403)
    assert.equal(reply.json.error, 'access_denied')
  }
  const get = await report(server, body, { method: 'GET' })
  assert.deepEqual([get.status, get.headers.Allow], [405, 'POST'])
  assertToken(await server.token('acme', { basic: sync }))
})

/** A server whose database is not read before `onRead`, which may throw in its place. */
const whoseReads = (onRead: () => void): Doubles => ({
  ...scannerDoubles().doubles,
  db: (db) => ({
    ...db,
    get kysely() {
      onRead()
      return db.kysely
    },
  }),
})

test('issue 4.5: what is signed and is no report is refused, and a bad checksum is false without a look at the store', async (t) => {
  let reads = 0
  const doubles = whoseReads(() => {
    reads += 1
  })
  const server = await startTestServer(t, oneStore, text, {}, doubles)
  for (const body of ['', '{}', 'null', '[1]', '[{"token":"x"}]', '[{"token":1,"type":"x"}]', '\ufffd['])
    assert.equal((await report(server, body)).status, 400, body)
  const many = JSON.stringify(Array.from({ length: 1_001 }, () => ({ token: 'x', type })))
  assert.equal((await report(server, many)).status, 400)
  const [, secret] = server.credential('acme', 'sync')
  const mistyped = `${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`
  const tokens = (['initial', 'registration'] as const).map((kind) =>
    formatRegistrationToken(kind, randomBytes(32)),
  )
  const mistypedTokens = tokens.map((token) => `${token}x`)
  const otherKind = tokens.map((token) =>
    token.replace(/iat|rat/, (kind) => (kind === 'iat' ? 'rat' : 'iat')),
  )
  const elses = [
    ...['', 'ghp_whatever', mistyped, `${secret}x`, secret.toLowerCase()],
    ...[...mistypedTokens, ...otherKind],
  ]
  const { json } = await report(server, '[]')
  assert.deepEqual(json, [])
  // The tenant that the path seems to name is looked for each time.
  reads = 0
  await report(server, '[]')
  const ofNone = reads
  reads = 0
  const reply = await report(server, found(...elses))
  assert.deepEqual(
    reply.json,
    elses.map((token) => labelOf(token, 'false_positive')),
  )
  assert.equal(reads, ofNone)
})

test('trust R5: a scanner whose report the database cannot take is told to come again, and the log says why', async (t) => {
  let reads = 0
  let most = Number.POSITIVE_INFINITY
  const doubles = whoseReads(() => {
    reads += 1
    if (reads > most) throw new StoreUnavailable('the database is gone')
  })
  const server = await startTestServer(t, oneStore, text, {}, doubles)
  const body = found(server.credential('acme', 'sync')[1])
  reads = 0
  assert.deepEqual((await report(server, '[]')).json, [])
  // As much as it takes to find out where the request belongs, and no more.
  most = reads
  reads = 0
  const { status, headers } = await report(server, body)
  assert.deepEqual([status, headers['Retry-After']], [503, '60'])
  const [line, ...others] = server.logLines.filter(({ msg }) => msg === 'secret report not answered')
  assert.deepEqual([typeof line?.request_id, line?.reason, others], ['string', 'the database is gone', []])
  most = Number.POSITIVE_INFINITY
  assert.deepEqual((await report(server, body)).json, [
    labelOf(server.credential('acme', 'sync')[1], 'true_positive'),
  ])
})

test('issue 4.5: the keys are fetched when they are needed, and a made-up identifier has us fetch once a minute at most', async (t) => {
  let answer: Record<string, unknown> | null = null
  const { doubles, fetches } = scannerDoubles(() => answer)
  const server = await startTestServer(t, oneStore, text, {}, doubles)
  const body = found(server.credential('acme', 'sync')[1])
  const gone = await report(server, body)
  assert.deepEqual([gone.status, gone.headers['Retry-After']], [503, '60'])
  answer = { public_keys: 'none' }
  await report(server, body)
  assert.equal(fetches.length, 1)
  await server.advance(60)
  assert.equal((await report(server, body)).status, 503)
  answer = published
  await server.advance(60)
  assert.equal((await report(server, '[]')).status, 200)
  assert.equal(fetches.length, 3)
  for (const index of Array(20).keys()) await report(server, body, { id: `made-up-${index}` })
  assert.equal(fetches.length, 3)
  await server.advance(60)
  await Promise.all(Array.from(Array(20).keys(), (index) => report(server, body, { id: `made-up-${index}` })))
  assert.equal(fetches.length, 4)
  // While its host is gone the keys that are known stay good.
  answer = null
  await server.advance(7_200)
  assert.equal((await report(server, '[]')).status, 200)
  assert.equal(fetches.length, 5)
})

test('issue 4.5: keys that could not be had again for a day are not believed, and the log says why', async (t) => {
  let answer: Record<string, unknown> | null = published
  const { doubles } = scannerDoubles(() => answer)
  const server = await startTestServer(t, oneStore, text, {}, doubles)
  const sync = server.credential('acme', 'sync')
  assert.equal((await report(server, '[]')).status, 200)
  answer = null
  await server.advance(86_399)
  assert.equal((await report(server, '[]')).status, 200)
  // Not asked again so soon, and refused all the same.
  await server.advance(1)
  const refused = await report(server, found(sync[1]))
  assert.deepEqual([refused.status, refused.headers['Retry-After']], [503, '60'])
  assertToken(await server.token('acme', { basic: sync }))
  await server.advance(60)
  assert.equal((await report(server, '[]')).status, 503)
  const reasons = server.logLines.filter(({ msg }) => msg === 'keys not fetched').map(({ reason }) => reason)
  assert.deepEqual(reasons, [
    'its host is gone',
    'its host is gone, and keys of a day ago are no longer believed',
  ])
  answer = published
  await server.advance(60)
  assert.deepEqual((await report(server, found(sync[1]))).json, [labelOf(sync[1], 'true_positive')])
})

test('issue 4.5: after a clock was set back the keys are believed for a day from then, and no longer', async (t) => {
  let answer: Record<string, unknown> | null = published
  const { doubles } = scannerDoubles(() => answer)
  const server = await startTestServer(t, oneStore, text, {}, doubles)
  assert.equal((await report(server, '[]')).status, 200)
  answer = null
  await server.advance(-604_800)
  assert.equal((await report(server, '[]')).status, 200)
  await server.advance(86_400)
  assert.equal((await report(server, '[]')).status, 503)
})

test('settled: a host that is a tenant answers for that tenant alone, and no tenant may take the path', async (t) => {
  const hosted = blueprint(tenant('acme', [app('sync')], { hosts: ['auth.acme.example'] }))
  const server = await startTestServer(t, oneStore, hosted, {}, scannerDoubles().doubles)
  assert.equal((await report(server, '[]', { host: 'auth.acme.example' })).status, 404)
  assert.equal((await report(server, '[]', { host: 'anything.example' })).status, 200)
  await assert.rejects(
    server.apply(blueprint(tenant('secret-scanning', []))),
    /a path of the server itself, expected another id/,
  )
})
