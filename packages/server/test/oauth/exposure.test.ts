// trust.md 25 and settled.md "Exposure": a secret in the URL is refused and flagged, and nobody else's doing flags one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { formatClientSecret } from '@sallyport/protocol'
import { listCredentials } from '../../src/store/credentials.ts'
import { type Doubles, forEachStore, startTestServer, type TestServer } from '../harness.ts'
import { assertError, assertToken, freshAddress, grant } from './answers.ts'
import { app, blueprint, tenant } from './sample.ts'

const text = blueprint(
  tenant('acme', [app('first'), app('second'), app('third'), app('fourth'), app('fifth')], {
    exposed_secrets: 'flag',
  }),
)
const generatedGuess = `sp_test_${'0'.repeat(49)}`
/** Of the right form, checksum and all. */
const made = formatClientSecret('test', new Uint8Array(32))

const flagOf = async ({ db, credential }: TestServer, appId: string) => {
  const [found] = await listCredentials(db, 'acme', credential('acme', appId)[0])
  assert.ok(found)
  return { at: found.exposedAt, by: found.exposedBy }
}

/** The answer does not wait for the write; the log line comes when the change feed has told of it too. */
async function untilFlagged(server: TestServer, appId: string): Promise<void> {
  const [clientId] = server.credential('acme', appId)
  const isLogged = () =>
    server.logLines.some((line) => line.msg === 'credential exposed' && line.client_id === clientId)
  while (!isLogged()) await turn()
}

forEachStore((_engine, suite) => {
  test('trust 25: credentials in the URL are refused, masked and flagged, once they have proven real', async (t) => {
    let writes = 0
    const doubles: Doubles = {
      db: (db) => ({
        ...db,
        write(work) {
          writes += 1
          return db.write(work)
        },
      }),
    }
    const server = await startTestServer(t, suite, text, {}, doubles)
    const post = (query: string, more = {}) =>
      server.request({
        ...{ method: 'POST', url: `/acme/oauth2/token?${query}`, body: grant, clientAddress: freshAddress() },
        ...more,
      })
    const [firstId, firstSecret] = server.credential('acme', 'first')
    const [secondId, secondSecret] = server.credential('acme', 'second')
    const [thirdId, thirdSecret] = server.credential('acme', 'third')
    const answers = new Set<string>()

    await t.test('settled: a bare id, a wrong secret and what only looks like one flag nothing', async () => {
      for (const query of [
        `client_id=${firstId}`,
        `key=${firstId}`,
        `client_id=${firstId}&client_secret=`,
        `client_id=${firstId}&client_secret=${generatedGuess}`,
        `key=${firstId}&secret=wrong`,
        `client_id=${firstId}&client_secret=${made}`,
        `client_secret=${made}`,
        `client_secret=${firstSecret.slice(0, -1)}`,
        `client_secret=${firstSecret}0`,
        'access_token=x',
        'client_assertion=x',
        'password=x',
      ]) {
        const reply = await post(query)
        assertError(reply, 'invalid_request')
        answers.add(reply.text)
      }
      // Right credentials beside it are refused as well, and are not what stood in the URL.
      assertError(await post(`client_id=${firstId}`, { basic: [firstId, firstSecret] }), 'invalid_request')
    })

    await t.test('trust 25: the right secret gets the same answer and is flagged', async () => {
      for (const query of [
        `client_id=${secondId}&client_secret=${secondSecret}`,
        `key=${thirdId}&secret=${thirdSecret}&grant_type=client_credentials`,
      ]) {
        const reply = await post(query)
        answers.add(reply.text)
        assertError(reply, 'invalid_request')
      }
      assert.equal(answers.size, 1, [...answers].join('\n'))
      await untilFlagged(server, 'second')
      await untilFlagged(server, 'third')
      const flagged = { at: server.clock(), by: 'query_string' }
      assert.deepEqual(await flagOf(server, 'second'), flagged)
      assert.deepEqual(await flagOf(server, 'third'), flagged)
      assert.deepEqual(await flagOf(server, 'first'), { at: null, by: null })
    })

    await t.test(
      'settled: a flag does not cut the app off, stays the first, and is written once',
      async () => {
        const changes: string[] = []
        server.db.changes.follow(
          (list) => changes.push(...list.map(({ subjectId }) => subjectId)),
          assert.fail,
        )
        const first = await flagOf(server, 'second')
        await server.advance(100)
        writes = 0
        assertError(await post(`client_id=${secondId}&client_secret=${secondSecret}`), 'invalid_request')
        assertError(await post(`x=${secondSecret}`), 'invalid_request')
        const [fourthId, fourthSecret] = server.credential('acme', 'fourth')
        assertError(await post(`client_id=${fourthId}&client_secret=${fourthSecret}`), 'invalid_request')
        await untilFlagged(server, 'fourth')
        assert.deepEqual(await flagOf(server, 'second'), first)
        assert.deepEqual(changes, [fourthId])
        assert.equal(writes, 1)
        assertToken(await server.token('acme', { basic: [secondId, secondSecret] }))
      },
    )

    await t.test('trust 25: no answer and no log line holds what stood in the URL', async () => {
      const log = JSON.stringify(server.logLines)
      for (const secret of [firstSecret, secondSecret, thirdSecret, made, generatedGuess]) {
        assert.ok(!log.includes(secret.slice(8, 40)))
        for (const answer of answers) assert.ok(!answer.includes(secret.slice(8, 40)))
      }
      const exposed = server.logLines.filter(({ msg }) => msg === 'credential exposed')
      assert.deepEqual(new Set(exposed.map(({ client_id: id }) => id)).size, 3)
    })
  })

  test('trust 25: a URL that is refused for its form or its method has shown its secret all the same', async (t) => {
    const server = await startTestServer(t, suite, text)
    const [first, second, third] = ['first', 'second', 'third'].map((id) => server.credential('acme', id))
    const query = ([id, secret]: readonly [string, string] = ['', '']) =>
      `client_id=${id}&client_secret=${secret}`
    const url = (pair: readonly [string, string] | undefined, more = '') =>
      `/acme/oauth2/token?${query(pair)}${more}`
    const twice = `&client_secret=${first?.[1]}`
    assertError(
      await server.request({ method: 'POST', url: url(first, twice), body: grant }),
      'invalid_request',
    )
    await untilFlagged(server, 'first')
    assert.equal((await server.request({ method: 'GET', url: url(second) })).status, 405)
    await untilFlagged(server, 'second')
    assert.equal((await server.request({ method: 'PUT', url: url(third) })).status, 405)
    await untilFlagged(server, 'third')
    assert.equal((await flagOf(server, 'third')).by, 'query_string')
    // A name without a value counts as absent, and hides nothing.
    const [fifthId, fifthSecret] = server.credential('acme', 'fifth')
    const emptyFirst = `/acme/oauth2/token?client_secret=&${query([fifthId, fifthSecret])}`
    assertError(await server.request({ method: 'POST', url: emptyFirst, body: grant }), 'invalid_request')
    await untilFlagged(server, 'fifth')
    // What came in a header over TLS was seen by nobody.
    const fourth = server.credential('acme', 'fourth')
    await server.request({ method: 'GET', url: '/acme/oauth2/token?x=1', basic: fourth })
    await server.request({
      method: 'GET',
      url: `/acme/oauth2/token?client_id=${fourth[0]}&client_secret=wrong`,
    })
    assert.equal((await flagOf(server, 'fourth')).at, null)
  })

  test('trust 41, settled: guesses in a URL that is refused count like any other, and the refusal does not change', async (t) => {
    const server = await startTestServer(t, suite, text)
    const [clientId] = server.credential('acme', 'first')
    const clientAddress = freshAddress()
    const bodies = new Set<string>()
    for (let time = 0; time < 12; time += 1) {
      const url = `/acme/oauth2/token?client_id=${clientId}&client_secret=wrong`
      const reply = await server.request({ method: 'GET', url, clientAddress })
      assert.equal(reply.status, 405)
      bodies.add(reply.text)
    }
    assert.equal(bodies.size, 1)
    assert.equal((await server.token('acme', { basic: [clientId, 'wrong'], clientAddress })).status, 429)
    // Another network is not held up by it.
    const elsewhere = { basic: [clientId, 'wrong'] as const, clientAddress: freshAddress() }
    assert.equal((await server.token('acme', elsewhere)).status, 401)
  })
})
