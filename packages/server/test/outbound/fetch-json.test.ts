// trust F23, 53, 67, 153: what somebody registered as a URL is no door into the operator's network.
import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { createFetchJson, type FetchOptions } from '../../src/outbound/fetch-json.ts'
import { isPublicAddress } from '../../src/outbound/public-address.ts'
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
) {
  const host = await startHost(t, ['keys.example'], listener)
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
    [answering(gzipSync('{}'), { 'Content-Encoding': 'gzip' }), /compressed/],
    [answering('[]'), /no JSON object/],
    [answering('null'), /no JSON object/],
    [answering('{"a":1,"a":2}'), /no JSON object/],
    [answering(Buffer.from([0x7b, 0xff, 0x7d])), /not UTF-8/],
    [answering('', {}, 404), /it answers 404/],
    [(request) => request.socket.destroy(), /could not be asked/],
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
  const lost = await start(t, answering('{}'), { deadline, lookup: () => new Promise(() => {}) })
  assert.deepEqual(await lost.fetchJson(lost.url), { ok: false, reason: 'its host took too long' })
})

test('trust 67: the certificate must be of the name, and of an authority we know', async (t) => {
  const { host, fetchJson, url } = await start(t, answering('{}'))
  const other = await fetchJson(`https://other.example:${host.port}/`)
  assert.deepEqual(other, { ok: false, reason: 'its host could not be asked (ERR_TLS_CERT_ALTNAME_INVALID)' })
  const stranger = await start(t, answering('{}'), { authorities: [] })
  assert.equal((await stranger.fetchJson(stranger.url)).ok, false)
  assert.equal((await fetchJson(url)).ok, true)
})

test('trust F23: only https URLs without user or fragment are fetched', async () => {
  const fetchJson = createFetchJson({ lookup: async () => assert.fail('looked up') })
  for (const url of ['http://keys.example/', 'file:///etc/passwd', 'gopher://x/', 'data:,{}', 'keys', '']) {
    assert.deepEqual(await fetchJson(url), { ok: false, reason: 'it is no https URL' })
  }
  for (const url of ['https://a:b@keys.example/', 'https://keys.example/#x']) {
    assert.deepEqual(await fetchJson(url), { ok: false, reason: 'it has a user or a fragment' })
  }
})

test('trust F23: hosts that never answer leave room for the others', async (t) => {
  const ends: AbortController[] = []
  const deadline = () => {
    const end = new AbortController()
    ends.push(end)
    return end.signal
  }
  const { fetchJson, url } = await start(t, () => {}, { deadline, lookup: () => new Promise(() => {}) })
  const waiting = Array.from({ length: 217 }, () => fetchJson(url))
  assert.deepEqual(await waiting.at(-1), { ok: false, reason: 'too many fetches are under way' })
  assert.equal(ends.length, 16)
  ends[0]?.abort()
  await waiting[0]
  // The next one enters in the same turn.
  await new Promise(setImmediate)
  assert.equal(ends.length, 17)
  for (let index = 0; index < 216; index++) {
    ends[index]?.abort()
    await waiting[index]
    await new Promise(setImmediate)
  }
})

test('trust 153: an address is public only if nothing sets it apart', () => {
  const byte = fc.nat(255)
  const table: readonly (readonly [first: number, second: fc.Arbitrary<number>])[] = [
    [10, byte],
    [127, byte],
    [0, byte],
    [169, fc.constant(254)],
    [172, fc.integer({ min: 16, max: 31 })],
    [192, fc.constant(168)],
    [100, fc.integer({ min: 64, max: 127 })],
    [224, byte],
    [255, byte],
  ]
  for (const [first, second] of table) {
    fc.assert(
      fc.property(second, byte, byte, (b, c, d) => {
        const address = `${first}.${b}.${c}.${d}`
        const hex = (one: number, two: number) => ((one << 8) | two).toString(16)
        assert.equal(isPublicAddress(address), false)
        assert.equal(isPublicAddress(`::ffff:${address}`), false)
        assert.equal(isPublicAddress(`64:ff9b::${hex(first, b)}:${hex(c, d)}`), false)
        assert.equal(isPublicAddress(`2002:${hex(first, b)}:${hex(c, d)}::1`), false)
      }),
    )
  }
  for (const address of [
    '93.184.216.34',
    '1.1.1.1',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    '2a00::1',
  ])
    assert.equal(isPublicAddress(address), true, address)
  for (const address of [
    '::',
    '::1',
    'fc00::1',
    'fe80::1',
    'fe80::1%eth0',
    'ff02::1',
    '2001:db8::1',
    'x',
    '',
    '1.2.3',
    '4000::1',
  ])
    assert.equal(isPublicAddress(address), false, address)
})
