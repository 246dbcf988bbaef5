// The five platforms over real sockets: TLS, host names, plain HTTP, and curl as the documents use it.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { commandLine } from '../cli/processes.ts'
import { curl, type DevInstance, devInstance, hasTool, run } from './dev-instance.ts'
import { platformNames } from './platforms.ts'

const dev = devInstance()

const post = (...more: readonly string[]) => ['--data', 'grant_type=client_credentials', ...more]
const credentials = (name: Parameters<ReturnType<typeof dev>['tenant']>[0]) => {
  const { client_id, client_secret } = dev().tenant(name)
  return `${client_id}:${client_secret}`
}
/** The same URL over plain HTTP, at the port where that is refused. */
const plain = (url: string, { plainPort }: DevInstance) => {
  const { hostname, pathname } = new URL(url)
  return `http://${hostname}:${plainPort}${pathname}`
}

test('000-05, 004-06: plain HTTP is refused with 403 and JSON at every platform, and never redirected', async (t) => {
  if (!hasTool(t, 'curl')) return
  for (const name of platformNames) {
    const { token_url } = dev().tenant(name)
    const url = plain(token_url, dev())
    const reply = await curl(dev(), '--location', ...post('--user', 'someone:something'), url)
    assert.equal(reply.status, 403)
    assert.equal(reply.headers.get('content-type'), 'application/json')
    assert.equal(reply.headers.get('location'), undefined)
    assert.equal(reply.headers.get('strict-transport-security'), undefined)
    assert.equal(reply.json.error, 'invalid_request')
    assert.match(reply.json.error_description, /HTTPS only/)
  }
  const elsewhere = await curl(dev(), `http://localhost:${dev().plainPort}/nothing/here`)
  assert.equal(elsewhere.status, 403)
})

/** A secret of the same app that no other test leans on: made by the command line while the server runs. */
async function freshCredential(tenantId: string, clientId: string): Promise<string> {
  const app = ['--tenant', tenantId, '--app', clientId, '--data', dev().dataFolder, '--json']
  const { stdout } = await run(process.execPath, [commandLine, 'credentials', 'add', ...app], {
    ca: dev().ca,
  })
  const { client_id, client_secret } = JSON.parse(stdout) as Record<string, string>
  return `${client_id}:${client_secret}`
}

/** The demonstration's test tenants only note what was exposed; its live tenant does as any new tenant. */
const afterExposure = [
  ['tokenos', 'credential exposed', 200],
  ['nitrobox-live', 'credential quarantined', 401],
] as const

test('004-06, issue 4.5: a right secret that came over plain HTTP is flagged or put out of use, a wrong one is not, and both are answered alike', async (t) => {
  if (!hasTool(t, 'curl')) return
  for (const [tenantId, message, status] of afterExposure) {
    const { token_url, client_id } = dev().tenant(tenantId)
    const fresh = await freshCredential(tenantId, client_id)
    assert.equal((await curl(dev(), ...post('--user', fresh), token_url)).status, 200)
    const url = plain(token_url, dev())
    const wrong = await curl(dev(), ...post('--user', `${client_id}:wrong-secret-wrong`), url)
    assert.ok(!dev().output().includes(message))
    const right = await curl(dev(), ...post('--user', fresh), url)
    assert.equal(right.body, wrong.body)
    const line = await dev().logLine(({ msg }) => msg === message)
    assert.deepEqual([line.tenant, line.client_id, line.reason], [tenantId, client_id, 'plain_http'])
    assert.equal((await curl(dev(), ...post('--user', fresh), token_url)).status, status)
    const after = await curl(dev(), ...post('--user', credentials(tenantId)), token_url)
    assert.equal(after.status, 200)
  }
})

test('000-05, 004-06: plain HTTP at the TLS port gets no answer at all', async (t) => {
  if (!hasTool(t, 'curl')) return
  const { port, ca } = dev()
  const { code, stdout } = await run('curl', ['--silent', `http://localhost:${port}/tokenos/oauth2/token`], {
    ca,
  })
  assert.notEqual(code, 0)
  assert.equal(stdout, '')
})

test('001-01, 004-10: the certificate of the local CA names every host of a platform', async () => {
  const hosts = platformNames.map((name) => new URL(dev().tenant(name).token_url).hostname)
  for (const host of new Set(hosts)) {
    const authorized = await new Promise((resolve, reject) => {
      const socket = connect(
        { host: '127.0.0.1', port: dev().port, servername: host, ca: readFileSync(dev().ca) },
        () => {
          resolve(socket.authorized)
          socket.end()
        },
      )
      socket.on('error', reject)
    })
    assert.equal(authorized, true, host)
  }
})

test('001-01, 003-04, 004-10: curl reaches the platforms that have a host under that host', async (t) => {
  if (!hasTool(t, 'curl')) return
  for (const name of ['nxtsoft', 'token', 'tokenos'] as const) {
    const { token_url, issuer } = dev().tenant(name)
    assert.match(new URL(token_url).hostname, /\.localhost$/)
    const reply = await curl(dev(), ...post('--user', credentials(name)), token_url)
    assert.equal(reply.status, 200, reply.body)
    const metadata = await curl(dev(), `${issuer}/.well-known/oauth-authorization-server`)
    assert.equal(metadata.json.issuer, issuer)
  }
})

test('001-02: the header name content-type in lower case is read', async (t) => {
  if (!hasTool(t, 'curl')) return
  const { client_id, client_secret, token_url } = dev().tenant('nxtsoft')
  const header = ['--header', 'content-type: application/x-www-form-urlencoded']
  const body = `grant_type=client_credentials&client_id=${client_id}&client_secret=${client_secret}`
  const reply = await curl(dev(), ...header, '--data', body, token_url)
  assert.equal(reply.status, 200, reply.body)
})

test('001-05: the error id of an answer leads to the line that says why', async (t) => {
  if (!hasTool(t, 'curl')) return
  const reply = await curl(
    dev(),
    '--data',
    'grant_type=&client_id=&client_secret=',
    dev().tenant('nxtsoft').token_url,
  )
  assert.equal(`${reply.status} ${reply.json.error}`, '400 invalid_request')
  const id = reply.headers.get('x-request-id')
  const line = await dev().logLine(({ request_id }) => request_id === id)
  assert.equal(line.reason, 'empty value: grant_type, client_id, client_secret')
})

test('002-09, 002-10: curl --form is read, with the quotes of the document and without', async (t) => {
  if (!hasTool(t, 'curl')) return
  const { token_url } = dev().tenant('nitrobox')
  for (const form of [
    'grant_type="client_credentials"',
    'grant_type=client_credentials',
    'grant_type="\\"client_credentials\\""',
  ]) {
    const reply = await curl(dev(), '--user', credentials('nitrobox'), '--form', form, token_url)
    assert.equal(reply.status, 200, reply.body)
  }
})

test('002-11: a multipart form leaves no file behind, neither a good one nor a refused one', async (t) => {
  if (!hasTool(t, 'curl')) return
  const { token_url } = dev().tenant('nitrobox')
  const user = ['--user', credentials('nitrobox')]
  const file = await curl(dev(), ...user, '--form', `grant_type=@${dev().ca}`, token_url)
  assert.equal(file.status, 400)
  const large = await curl(dev(), ...user, '--form', `grant_type=${'x'.repeat(60_000)}`, token_url)
  assert.equal(large.status, 400)
  const good = await curl(dev(), ...user, '--form', 'grant_type=client_credentials', token_url)
  assert.equal(good.status, 200)
  assert.deepEqual(readdirSync(dev().temporaryFolder), [])
})

test('002-19: GET is a 405 with Allow: POST, on every platform', async (t) => {
  if (!hasTool(t, 'curl')) return
  for (const name of platformNames) {
    const reply = await curl(dev(), dev().tenant(name).token_url)
    assert.deepEqual([reply.status, reply.headers.get('allow')], [405, 'POST'])
  }
})

test('004-19: what the transport refuses is JSON with an error id as well', async (t) => {
  if (!hasTool(t, 'curl')) return
  const { token_url } = dev().tenant('tokenos')
  const large = await curl(dev(), '--header', 'Expect:', '--data', `a=${'x'.repeat(70_000)}`, token_url)
  const headers = await curl(dev(), '--header', `X-Large: ${'x'.repeat(20_000)}`, token_url)
  assert.deepEqual([large.status, headers.status], [413, 431])
  for (const reply of [large, headers]) {
    assert.equal(typeof reply.json.error, 'string')
    assert.ok(reply.headers.get('x-request-id'))
  }
})

test('003-06: whatever happened in this file, no secret and no query string was printed but in the curl line to copy', () => {
  const lines = dev()
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
  const text = lines.join('\n')
  for (const name of platformNames) assert.ok(!text.includes(dev().tenant(name).client_secret))
  assert.doesNotMatch(text, /secret=/)
})
