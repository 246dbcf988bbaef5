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

const names = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth']
const queryCredentials = {
  request: { query_credentials: { client_id: 'apikey', client_secret: 'apisecret' } },
}
const ended = {
  ...{ deprecated: '2020-01-01', sunset: '2021-01-01' },
  request: { query_credentials: { client_id: 'key', client_secret: 'secret' } },
}
const text = blueprint(
  tenant(
    'acme',
    names.map((name) => app(name)),
  ),
  tenant('dialectal', [...names.map((name) => app(name)), app('standard', { dialect: 'standard' })], {
    dialect: queryCredentials,
  }),
  tenant('ended', [app('first'), app('second'), app('third')], { dialect: ended }),
)

interface Place {
  readonly url: string
  readonly status: number
  readonly method?: string
  readonly basic?: readonly [string, string]
  readonly escapes?: boolean
}

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
  assert.ok(line?.request_id && line.client_address)
}

forEachStore((_engine, suite) => {
  test('trust 25: a right secret in a URL is out of use, whatever stands beside it and wherever it was sent', async (t) => {
    const server = await startTestServer(t, suite, text)
    const made = formatClientSecret('test', new Uint8Array(32))
    const right = server.credential('acme', 'ninth')
    const places = {
      first: { url: '/acme/oauth2/token?client_secret=', status: 400 },
      second: { url: '/acme/oauth2/token?client_id=nobody&client_secret=', status: 400 },
      third: { url: '/acme/oauth2/token?trace=', status: 400, basic: right },
      fourth: { url: '/acme/oauth2/introspect?q=x%3D', status: 400, escapes: true },
      fifth: { url: '/dialectal/oauth2/token?client_secret=', status: 400 },
      sixth: { url: '/acme/oauth2/tokn?client_secret=', status: 404 },
      eighth: { url: '/livez?', method: 'GET', status: 200 },
      seventh: { url: '/acme/.well-known/oauth-authorization-server?', method: 'GET', status: 200 },
    }
    for (const [name, { url, status, escapes = false, ...more }] of Object.entries<Place>(places)) {
      const send = (secret: string) =>
        server.request({
          ...{ method: 'POST', url: url + (escapes ? secret.replaceAll('_', '%5F') : secret), body: grant },
          ...more,
        })
      const [other, reply] = [await send(made), await send(server.credential('acme', name)[1])]
      assert.deepEqual([reply.status, reply.text], [status, other.text], url)
      await assertQuarantined(server, 'acme', name, 'query_string')
    }
    // What stood in a header was seen by nobody.
    await server.request({ method: 'POST', url: '/acme/oauth2/tokn?a=b', body: grant, basic: right })
    assertToken(await server.token('acme', { basic: right }))
    assert.equal(exposedLines(server).length, 8)
    const log = JSON.stringify(server.logLines)
    for (const name of names) assert.ok(!log.includes(server.credential('acme', name)[1].slice(8, 40)))
  })

  test('trust 25: whoever follows the documents of a dialect, and mistypes the path or comes after its end, keeps the secret', async (t) => {
    const server = await startTestServer(t, suite, text)
    const pairOf = (tenantId: string, name: string) => {
      const [id, secret] = server.credential(tenantId, name)
      return `apikey=${id}&apisecret=${secret}`
    }
    const send = (url: string, method = 'POST') => server.request({ method, url, body: grant })
    const path = '/dialectal/oauth2/token'
    assertToken(await send(`${path}?${pairOf('dialectal', 'first')}`))
    assert.equal((await send(`${path}?${pairOf('dialectal', 'first')}`, 'GET')).status, 405)
    assert.deepEqual(exposedLines(server), [])
    // At other places it is noted.
    assert.equal((await send(`/dialectal/oauth2/tokn?${pairOf('dialectal', 'second')}`)).status, 404)
    assert.equal((await send(`/oauth2/token?${pairOf('dialectal', 'third')}`)).status, 404)
    const introspection = `/dialectal/oauth2/introspect?${pairOf('dialectal', 'fourth')}`
    assertError(await send(introspection), 'invalid_request')
    for (const name of ['second', 'third', 'fourth']) {
      const pair = server.credential('dialectal', name)
      await untilExposed(server, pair[0])
      assertToken(await server.token('dialectal', { basic: pair }))
    }
    // Under another name it is exposed like any other, and so is that of a tenant without such a dialect.
    const [, fifth] = server.credential('dialectal', 'fifth')
    assertError(await send(`${path}?${pairOf('dialectal', 'first')}&x=?${fifth}`), 'invalid_request')
    await assertQuarantined(server, 'dialectal', 'fifth', 'query_string')
    assert.equal((await send(`/dialectal/oauth2/tokn?${pairOf('acme', 'first')}`)).status, 404)
    await assertQuarantined(server, 'acme', 'first', 'query_string')
    assertToken(await send(`${path}?${pairOf('dialectal', 'first')}`))
    assert.equal(exposedLines(server).length, 5)
    // To an app that is standard only it is as wrong a place as any other, but its tenant's documents name it.
    assertError(await send(`${path}?${pairOf('dialectal', 'standard')}`), 'invalid_request')
    const standard = server.credential('dialectal', 'standard')
    await untilExposed(server, standard[0])
    assertToken(await server.token('dialectal', { basic: standard }))
    for (const line of exposedLines(server)) assert.ok(line.request_id && line.client_address)
    // The end of the dialect is not the end of everybody who is late.
    for (const name of ['first', 'second']) {
      const pair = server.credential('ended', name)
      const query = name === 'first' ? `key=${pair[0]}&secret=${pair[1]}` : `secret=${pair[1]}`
      assertError(await send(`/ended/oauth2/token?${query}`), 'invalid_request')
      await untilExposed(server, pair[0])
      assertToken(await server.token('ended', { basic: pair }))
    }
    // What its documents never wanted in a URL is not excused by what stands beside it.
    const [late, beside] = [server.credential('ended', 'first'), server.credential('ended', 'third')]
    const both = `key=${late[0]}&secret=${late[1]}&x=${beside[1]}`
    assertError(await send(`/ended/oauth2/token?${both}`), 'invalid_request')
    await assertQuarantined(server, 'ended', 'third', 'query_string')
    assertToken(await server.token('ended', { basic: late }))
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
      sixth: () => send(path, { 'x-api-key': secretOf('sixth') }),
      seventh: () => send(path, basic(secretOf('seventh'), '')),
    }
    for (const [name, sending] of Object.entries(sent)) {
      assert.equal(await sending(), 403)
      await assertQuarantined(server, 'acme', name, 'plain_http')
    }
  })

  test('contract: what did not come through a listed proxy puts nothing out of use, and is told of once a minute', async (t) => {
    const server = await startTestServer(t, suite, text)
    const port = await server.server.listen({ hosts: ['127.0.0.1'], port: 0 })
    const [id, secret] = server.credential('acme', 'first')
    const send = () =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = { host: 'localhost:8443', 'x-forwarded-proto': 'https' }
        const to = {
          host: '127.0.0.1',
          port,
          path: '/acme/oauth2/token',
          method: 'POST',
          agent: false as const,
        }
        const sent = request({ ...to, headers, auth: `${id}:${secret}` })
        sent.once('response', (message) => resolve(message.resume().statusCode))
        sent.once('error', reject).end()
      })
    assert.deepEqual([await send(), await send()], [403, 403])
    await untilExposed(server, id)
    assertToken(await server.token('acme', { basic: [id, secret] }))
    const strays = server.logLines.filter(({ msg }) => msg === 'not through a listed proxy')
    assert.deepEqual(
      strays.map(({ client_address }) => client_address),
      ['127.0.0.1'],
    )
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
