// trust.md 25: a real secret is exposed wherever others could read it, without its id, under any name, at any path.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { formatClientSecret } from '@sallyport/protocol'
import { StoreUnavailable } from '../../src/store/database.ts'
import { type Doubles, forEachStore, startTestServer, type TestServer } from '../harness.ts'
import { assertError, assertInvalidClient, assertToken, grant } from './answers.ts'
import { app, blueprint, tenant } from './sample.ts'

const names = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth']
const queryCredentials = {
  request: { query_credentials: { client_id: 'apikey', client_secret: 'apisecret' } },
}
const text = blueprint(
  tenant(
    'acme',
    names.map((name) => app(name)),
  ),
  tenant(
    'dialectal',
    names.map((name) => app(name)),
    { dialect: queryCredentials },
  ),
)

const exposedLines = ({ logLines }: TestServer) => logLines.filter(({ msg }) => msg === 'credential exposed')

// Seconds, where it takes milliseconds.
const mostTurns = 200_000

/** The answer does not wait for what is done about it. */
async function untilExposed(server: TestServer, clientId: string): Promise<void> {
  const isExposed = () => exposedLines(server).some(({ client_id }) => client_id === clientId)
  for (let turns = 0; turns < mostTurns && !isExposed(); turns += 1) await turn()
  assert.ok(isExposed(), 'not exposed')
}

/** Out of use, and for that reason. */
async function assertQuarantined(server: TestServer, tenantId: string, name: string, reason: string) {
  const [clientId, secret] = server.credential(tenantId, name)
  await untilExposed(server, clientId)
  const refused = await server.token(tenantId, { basic: [clientId, secret] })
  assertInvalidClient(refused, `https://localhost:8443/${tenantId}`)
  const [line, ...more] = exposedLines(server).filter(({ client_id }) => client_id === clientId)
  assert.deepEqual([line?.tenant, line?.reason, more], [tenantId, reason, []])
}

forEachStore((_engine, suite) => {
  test('trust 25: a right secret in a URL is out of use, whatever stands beside it and wherever it was sent', async (t) => {
    const server = await startTestServer(t, suite, text)
    const made = formatClientSecret('test', new Uint8Array(32))
    const right = server.credential('acme', 'eighth')
    const places = {
      first: { url: '/acme/oauth2/token?client_secret=', status: 400 },
      second: { url: '/acme/oauth2/token?client_id=nobody&client_secret=', status: 400 },
      third: { url: '/acme/oauth2/token?trace=', status: 400, basic: right },
      fourth: { url: '/acme/oauth2/introspect?q=x%3D', status: 400 },
      fifth: { url: '/dialectal/oauth2/token?client_secret=', status: 400 },
      sixth: { url: '/acme/oauth2/tokn?client_secret=', status: 404 },
      seventh: { url: '/acme/.well-known/oauth-authorization-server?', method: 'GET', status: 200 },
    }
    for (const [name, { url, status, ...more }] of Object.entries(places)) {
      const send = (secret: string) =>
        server.request({ method: 'POST', url: url + secret, body: grant, ...more })
      const [other, reply] = [await send(made), await send(server.credential('acme', name)[1])]
      assert.deepEqual([reply.status, reply.text], [status, other.text], url)
      await assertQuarantined(server, 'acme', name, 'query_string')
    }
    // What stood in a header was seen by nobody.
    await server.request({ method: 'POST', url: '/acme/oauth2/tokn?a=b', body: grant, basic: right })
    assertToken(await server.token('acme', { basic: right }))
    assert.equal(exposedLines(server).length, 7)
    const log = JSON.stringify(server.logLines)
    for (const name of names) assert.ok(!log.includes(server.credential('acme', name)[1].slice(8, 40)))
  })

  test('trust 25: the names of a dialect are a place for a secret at its token endpoint, and at none of the others', async (t) => {
    const server = await startTestServer(t, suite, text)
    const pairOf = (name: string) => {
      const [id, secret] = server.credential('dialectal', name)
      return `apikey=${id}&apisecret=${secret}`
    }
    const send = (path: string, query: string, method = 'POST') =>
      server.request({ method, url: `/dialectal/oauth2/${path}?${query}`, body: grant })
    assertToken(await send('token', pairOf('first')))
    assert.equal((await send('token', pairOf('first'), 'GET')).status, 405)
    // A typing error must not end the use of it.
    assert.equal((await send('tokn', pairOf('first'))).status, 404)
    assertError(await send('introspect', pairOf('second')), 'invalid_request')
    await assertQuarantined(server, 'dialectal', 'second', 'query_string')
    assert.equal((await send('introspect', pairOf('third'), 'GET')).status, 405)
    await assertQuarantined(server, 'dialectal', 'third', 'query_string')
    const [, fourth] = server.credential('dialectal', 'fourth')
    assertError(await send('token', `${pairOf('first')}&x=?${fourth}`), 'invalid_request')
    await assertQuarantined(server, 'dialectal', 'fourth', 'query_string')
    assert.equal(exposedLines(server).length, 3)
    assertToken(await send('token', pairOf('first')))
  })

  test('contract: over plain HTTP a right secret is out of use in any form, under any id and at any path', async (t) => {
    const server = await startTestServer(t, suite, text)
    const port = await server.server.listenPlainHttp({ hosts: ['127.0.0.1'], port: 0 })
    const send = (path: string, headers: Record<string, string>, body = '') =>
      new Promise<number | undefined>((resolve, reject) => {
        const sent = request({ host: '127.0.0.1', port, method: 'POST', path, agent: false })
        for (const [name, value] of Object.entries({ host: 'localhost:8443', ...headers }))
          sent.setHeader(name, value)
        sent.once('response', (message) => resolve(message.resume().statusCode))
        sent.once('error', reject).end(body)
      })
    const part = (name: string, value: string) =>
      `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
    const secretOf = (name: string) => server.credential('acme', name)[1]
    const basic = (id: string, secret: string) => ({
      authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
    })
    const path = '/acme/oauth2/token'
    const multipart = { 'content-type': 'multipart/form-data; boundary=b' }
    const sent = {
      first: () => send(path, multipart, `${part('client_secret', secretOf('first'))}--b--\r\n`),
      second: () => send(path, basic('nobody', secretOf('second'))),
      third: () => send(`${path}?apikey=x&apisecret=${secretOf('third')}`, {}),
      fourth: () => send('/acme/oauth2/tokn', basic('nobody', secretOf('fourth'))),
      fifth: () => send('/', {}, JSON.stringify({ a: secretOf('fifth') })),
    }
    for (const [name, sending] of Object.entries(sent)) {
      assert.equal(await sending(), 403)
      await assertQuarantined(server, 'acme', name, 'plain_http')
    }
  })

  test('trust 25: a secret at a wrong path gets the same 404 with the database gone', async (t) => {
    let isGone = false
    const doubles: Doubles = {
      db: (db) => ({
        ...db,
        get kysely() {
          if (isGone) throw new StoreUnavailable('gone')
          return db.kysely
        },
      }),
    }
    const server = await startTestServer(t, suite, text, {}, doubles)
    const url = `/acme/oauth2/tokn?client_secret=${server.credential('acme', 'first')[1]}`
    assert.equal((await server.request({ method: 'GET', url: '/acme/oauth2/tokn' })).status, 404)
    isGone = true
    assert.equal((await server.request({ method: 'GET', url })).status, 404)
  })
})
