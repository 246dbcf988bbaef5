// trust F23, 53, 67: what somebody registered as a URL is no door into the operator's network.
import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import https from 'node:https'
import { test } from 'node:test'
import type { TlsOptions } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { createFetchJson, type FetchOptions } from '../../src/outbound/fetch-json.ts'
import { startHost } from './https-host.ts'

const answering =
  (body: string | Buffer, headers: Readonly<Record<string, string>> = {}, status = 200): RequestListener =>
  (_request, response) =>
    response.writeHead(status, headers).end(body)

const loopback = (address: string) => address === '127.0.0.1'

async function start(
  t: Parameters<typeof startHost>[0],
  listener: RequestListener,
  options: FetchOptions = {},
  tls: TlsOptions = {},
) {
  const host = await startHost(t, ['keys.example'], listener, tls)
  const asked: string[] = []
  const fetchJson = createFetchJson({
    isAllowed: loopback,
    authorities: [host.authority],
    lookup: async (name) => {
      asked.push(name)
      return [{ address: '127.0.0.1', family: 4 }]
    },
    ...options,
  })
  return { host, asked, fetchJson, url: `https://keys.example:${host.port}/jwks` }
}

test('trust 67: a key set is fetched over TLS, by name, with its lifetime', async (t) => {
  const seen: unknown[] = []
  const { fetchJson, url, asked } = await start(t, (request, response) => {
    seen.push(request.headers.host, request.url, request.headers.accept)
    response.writeHead(200, { 'Cache-Control': 'public, max-age=120' }).end('{"keys":[]}')
  })
  assert.deepEqual(await fetchJson(`${url}?x=1`), { ok: true, value: { keys: [] }, maxAgeSeconds: 120 })
  assert.deepEqual(asked, ['keys.example'])
  assert.deepEqual(seen, [new URL(url).host, '/jwks?x=1', 'application/json'])
})

test('FAPI 2.0 §5.2.2 no. 2: a host that has only TLS 1.2 with CBC is not asked, and the log can say why; one with GCM is', async (t) => {
  const onlyTls12 = (ciphers: string): TlsOptions => ({ maxVersion: 'TLSv1.2', ciphers })
  for (const ciphers of ['ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES256-SHA', 'ECDHE-ECDSA-AES128-CCM']) {
    let requests = 0
    const count: RequestListener = (_request, response) => {
      requests += 1
      response.end('{}')
    }
    const { fetchJson, url } = await start(t, count, {}, onlyTls12(ciphers))
    const fetched = await fetchJson(url)
    const reason = 'its host ended the TLS handshake: it needs TLS 1.3, or TLS 1.2 with ECDHE and AES-GCM'
    assert.deepEqual(fetched, { ok: false, reason }, ciphers)
    assert.equal(requests, 0)
  }
  const { fetchJson, url } = await start(t, answering('{}'), {}, onlyTls12('ECDHE-ECDSA-AES128-GCM-SHA256'))
  assert.equal((await fetchJson(url)).ok, true)
})

test('trust 67: a host whose certificate says the words of OpenSSL is not taken for one without TLS', async (t) => {
  const named = await startHost(t, ['x:handshake failure:x'], answering('{}'))
  const { fetchJson } = await start(t, answering('{}'), { authorities: [named.authority] })
  assert.deepEqual(await fetchJson(`https://keys.example:${named.port}/jwks`), {
    ok: false,
    reason: 'its host could not be asked (ERR_TLS_CERT_ALTNAME_INVALID)',
  })
})

test('trust F23: nothing that is not public is connected to, in whatever spelling', async (t) => {
  const { host, fetchJson } = await start(t, answering('{}'), {
    isAllowed: () => false,
    lookup: async () => [
      { address: '93.184.216.34', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ],
  })
  const { port } = host
  for (const name of [
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '0',
    '127.0.0.1.',
    '%31%32%37.0.0.1',
    '\uff11\uff12\uff17.0.0.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::127.0.0.1]',
    '[fd00::1]',
    '[fe80::1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '169.254.169.254',
    '10.0.0.1',
    '192.168.1.1',
    '100.64.0.1',
    // One of its two addresses is not public.
    'keys.example',
    'localhost',
  ]) {
    const fetched = await fetchJson(`https://${name}:${port}/jwks`)
    assert.deepEqual(fetched, { ok: false, reason: 'its host has an address that is not public' }, name)
  }
  assert.equal(host.connections(), 0)
})

test('trust F23: a name that changes its address between two look-ups is looked up once', async (t) => {
  const answers = ['127.0.0.1', '127.0.0.2']
  let lookups = 0
  const { host, fetchJson, url } = await start(t, answering('{}'), {
    lookup: async () => [{ address: answers[lookups++] ?? '127.0.0.2', family: 4 }],
  })
  assert.equal((await fetchJson(url)).ok, true)
  assert.equal(lookups, 1)
  assert.equal(host.connections(), 1)
  assert.deepEqual(await fetchJson(url), { ok: false, reason: 'its host has an address that is not public' })
  assert.equal(host.connections(), 1)
})

test('trust F23: the certificate of an address must name that address', async (t) => {
  const options = { lookup: async () => assert.fail('looked up') }
  const named = await start(t, answering('{}'), options)
  const { reason } = { reason: '', ...(await named.fetchJson(`https://127.0.0.1:${named.host.port}/`)) }
  assert.match(reason, /ERR_TLS_CERT_ALTNAME_INVALID/)
  const host = await startHost(t, ['127.0.0.1'], answering('{}'))
  const fetchJson = createFetchJson({ ...options, isAllowed: loopback, authorities: [host.authority] })
  assert.equal((await fetchJson(`https://127.0.0.1:${host.port}/`)).ok, true)
})

test('trust 67: of the addresses that were checked, one that answers is enough', async (t) => {
  const { host, fetchJson, url } = await start(t, answering('{}'), {
    isAllowed: (address) => address === '::1' || loopback(address),
    // Nothing listens at the first.
    lookup: async () => [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ],
  })
  assert.equal((await fetchJson(url)).ok, true)
  assert.equal(host.connections(), 1)
})

test('trust F23: a redirect is a failure, and its target hears nothing', async (t) => {
  const target = await startHost(t, ['inner.example'], answering('{}'))
  const Location = `https://127.0.0.1:${target.port}/`
  for (const status of [301, 302, 303, 307, 308]) {
    const { fetchJson, url } = await start(t, answering('', { Location }, status))
    assert.deepEqual(await fetchJson(url), { ok: false, reason: `it answers ${status}` })
  }
  assert.equal(target.connections(), 0)
})

test('trust 67: what is large, compressed, broken or no object is not read', async (t) => {
  const large = 'x'.repeat(10_000_000)
  const table: readonly (readonly [listener: RequestListener, reason: RegExp])[] = [
    [answering(large, { 'Content-Length': String(large.length) }), /larger than 65536/],
    [answering(`{"x":"${'x'.repeat(70_000)}"}`), /larger than 65536/],
    [answering(gzipSync(large), { 'Content-Encoding': 'gzip' }), /compressed/],
    [answering(gzipSync(large)), /not UTF-8/],
    [answering('[]'), /no JSON object/],
    [answering('null'), /no JSON object/],
    [answering('{"a":1,"a":2}'), /no JSON object/],
    [answering(Buffer.from([0x7b, 0xff, 0x7d])), /not UTF-8/],
    [answering('', {}, 404), /it answers 404/],
    [answering(`{"a":${'['.repeat(32_000)}${']'.repeat(32_000)}}`), /no JSON object/],
    [(request) => request.socket.destroy(), /could not be asked/],
    [(_request, response) => response.writeHead(200).write('{', () => response.destroy()), /could not be/],
    // To Node neither a response nor an error: it would hold its place for ever.
    [
      ({ socket }) => socket.write('HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n{}'),
      /it answers 101/,
    ],
    [({ socket }) => socket.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`), /HEADER_OVERFLOW/],
  ]
  for (const [listener, reason] of table) {
    const { fetchJson, url } = await start(t, listener)
    const fetched = await fetchJson(url)
    assert.ok(!fetched.ok)
    assert.match(fetched.reason, reason)
  }
})

test('trust 67: a host that takes too long is left, at the look-up as well', async (t) => {
  const deadline = () => AbortSignal.timeout(20)
  const slow = await start(t, () => {}, { deadline })
  assert.deepEqual(await slow.fetchJson(slow.url), { ok: false, reason: 'its host took too long' })
  const drip = await start(t, (_request, response) => response.writeHead(200).write('{'), { deadline })
  assert.deepEqual(await drip.fetchJson(drip.url), { ok: false, reason: 'its host took too long' })
  const lost = await start(t, answering('{}'), { deadline, lookup: () => new Promise(() => {}) })
  assert.deepEqual(await lost.fetchJson(lost.url), { ok: false, reason: 'its host took too long' })
})

test('trust 67: the certificate must be of the name, and of an authority we know', async (t) => {
  const { host, fetchJson, url } = await start(t, answering('{}'))
  const other = await fetchJson(`https://other.example:${host.port}/`)
  assert.deepEqual(other, { ok: false, reason: 'its host could not be asked (ERR_TLS_CERT_ALTNAME_INVALID)' })
  const stranger = await start(t, answering('{}'), { authorities: [] })
  assert.equal((await stranger.fetchJson(stranger.url)).ok, false)
  t.after(() => Reflect.deleteProperty(process.env, 'NODE_TLS_REJECT_UNAUTHORIZED'))
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
  assert.equal((await stranger.fetchJson(stranger.url)).ok, false, 'whatever the environment says')
  assert.equal((await fetchJson(url)).ok, true)
})

test('trust F23: a proxy that the environment names hears nothing', async (t) => {
  const { globalAgent } = https
  const proxy = await startHost(t, ['proxy.example'], answering('{}'))
  t.after(() => {
    https.globalAgent = globalAgent
  })
  https.globalAgent = new https.Agent({ proxyEnv: { HTTPS_PROXY: `https://127.0.0.1:${proxy.port}` } })
  const { fetchJson, url } = await start(t, answering('{}'))
  assert.equal((await fetchJson(url)).ok, true)
  assert.equal(proxy.connections(), 0)
})

test('trust F23: only https URLs without user or fragment are fetched', async () => {
  const fetchJson = createFetchJson({ lookup: async () => assert.fail('looked up') })
  for (const url of ['http://keys.example/', 'file:///etc/passwd', 'gopher://x/', 'data:,{}', 'keys', '']) {
    assert.deepEqual(await fetchJson(url), { ok: false, reason: 'it is no https URL' })
  }
  const long = await fetchJson(`https://keys.example/${'x'.repeat(2_048)}`)
  assert.deepEqual(long, { ok: false, reason: 'it is longer than 2048 characters' })
  for (const url of ['https://a:b@keys.example/', 'https://keys.example/#x']) {
    assert.deepEqual(await fetchJson(url), { ok: false, reason: 'it has a user or a fragment' })
  }
})
