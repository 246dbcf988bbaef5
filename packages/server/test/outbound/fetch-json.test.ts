// trust F23, 53, 67, 153: what somebody registered as a URL is no door into the operator's network.
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import type { RequestListener } from 'node:http'
import https from 'node:https'
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

/** Deadlines that pass when the test says so, in the order of their fetches. */
function createDeadlines() {
  const ends: AbortController[] = []
  const deadline = () => {
    const end = new AbortController()
    ends.push(end)
    return end.signal
  }
  return {
    deadline,
    pass: (index: number) => ends[index]?.abort(),
    all: () => ends.map((end) => end.abort()),
  }
}

/** Listens and never answers; `heard` resolves once so many have asked. */
function createSilence() {
  const events = new EventEmitter()
  let requests = 0
  const listener: RequestListener = () => {
    requests += 1
    events.emit(`request ${requests}`)
  }
  return { listener, heard: (count: number) => once(events, `request ${count}`) }
}

/** One real host under as many names as are asked for. */
async function startMany(
  t: Parameters<typeof startHost>[0],
  listener: RequestListener,
  options: FetchOptions = {},
) {
  const host = await startHost(t, ['*.keys.example'], listener)
  const fetchJson = createFetchJson({
    isAllowed: loopback,
    authorities: [host.authority],
    lookup: async () => [{ address: '127.0.0.1', family: 4 }],
    ...options,
  })
  return {
    host,
    fetchFrom: (name: number | string) => fetchJson(`https://${name}.keys.example:${host.port}/jwks`),
  }
}

const tooMany = { ok: false, reason: 'too many fetches are under way' }
const tooLong = { ok: false, reason: 'its host took too long' }

test('trust F23: hosts that never answer use sixteen connections, and waiting for one has an end', async (t) => {
  const { deadline, pass, all } = createDeadlines()
  const { listener, heard } = createSilence()
  const { host, fetchFrom } = await startMany(t, listener, { deadline })
  const full = heard(16)
  const fetches = Array.from({ length: 217 }, (_, name) => fetchFrom(name))
  assert.deepEqual(await fetches[216], tooMany)
  await full
  assert.equal(host.connections(), 16)
  pass(20)
  assert.deepEqual(await fetches[20], tooMany)
  assert.equal(host.connections(), 16)
  const next = heard(17)
  pass(0)
  assert.deepEqual(await fetches[0], tooLong)
  await next
  assert.equal(host.connections(), 17)
  all()
  await Promise.all(fetches)
  assert.equal(host.connections(), 17)
})

test('trust F23: one host has two connections at most, and leaves the others theirs', async (t) => {
  const { deadline, pass, all } = createDeadlines()
  const { listener, heard } = createSilence()
  const hold: RequestListener = (request, response) =>
    request.headers.host?.startsWith('quick') ? response.end('{}') : listener(request, response)
  const { host, fetchFrom } = await startMany(t, hold, { deadline })
  const two = heard(2)
  const fetches = Array.from({ length: 23 }, () => fetchFrom('silent'))
  assert.deepEqual(await fetches[22], tooMany)
  await two
  assert.equal((await fetchFrom('quick')).ok, true)
  assert.equal(host.connections(), 3)
  const third = heard(3)
  pass(0)
  assert.deepEqual(await fetches[0], tooLong)
  await third
  all()
  await Promise.all(fetches)
  assert.equal((await fetchFrom('quick')).ok, true)
})

test('trust F23: hosts that have let us wait have four places of their own, until one of them answers in time', async (t) => {
  const { deadline, all } = createDeadlines()
  const { listener, heard } = createSilence()
  const up = new Set(['quick'])
  const hold: RequestListener = (request, response) =>
    up.has(String(request.headers.host?.split('.')[0])) ? response.end('{}') : listener(request, response)
  const { host, fetchFrom } = await startMany(t, hold, { deadline })
  const firstTime = heard(16)
  const first = Array.from({ length: 16 }, (_, name) => fetchFrom(name))
  await firstTime
  all()
  assert.deepEqual(new Set((await Promise.all(first)).map((each) => JSON.stringify(each))).size, 1)
  // Once more, and now they are known.
  const four = heard(20)
  const again = Array.from({ length: 16 }, (_, name) => fetchFrom(name))
  await four
  for (let fetches = 0; fetches < 20; fetches++) assert.equal((await fetchFrom('quick')).ok, true)
  assert.equal(host.connections(), 40)
  all()
  await Promise.all(again)
  up.add('7')
  assert.equal((await fetchFrom(7)).ok, true)
  const held = heard(24)
  const third = Array.from({ length: 4 }, (_, name) => fetchFrom(name))
  await held
  assert.equal((await fetchFrom(7)).ok, true)
  all()
  await Promise.all(third)
})

test('trust F23: a host that answers late every time is one of them', async (t) => {
  const { deadline, all } = createDeadlines()
  const patience = createDeadlines()
  const { listener, heard } = createSilence()
  const answered = new Set<string | undefined>()
  const answer: RequestListener = (request, response) => {
    const { host } = request.headers
    if (host?.startsWith('quick')) return response.end('{}')
    if (answered.has(host)) return listener(request, response)
    answered.add(host)
    patience.all()
    response.end('{}')
  }
  const { host, fetchFrom } = await startMany(t, answer, { deadline, patience: patience.deadline })
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  for (const name of names) assert.equal((await fetchFrom(name)).ok, true)
  const four = heard(4)
  const held = names.map(fetchFrom)
  await four
  assert.equal((await fetchFrom('quick')).ok, true)
  assert.equal(host.connections(), names.length + 4 + 1)
  all()
  await Promise.all(held)
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

test('trust 153: each block that is set apart ends where the registries say', () => {
  // The first and last address of each block, and their public neighbours.
  const blocks: readonly (readonly [
    before: string | null,
    first: string,
    last: string,
    after: string | null,
  ])[] = [
    [null, '0.0.0.0', '0.255.255.255', '1.0.0.0'],
    ['9.255.255.255', '10.0.0.0', '10.255.255.255', '11.0.0.0'],
    ['100.63.255.255', '100.64.0.0', '100.127.255.255', '100.128.0.0'],
    ['126.255.255.255', '127.0.0.0', '127.255.255.255', '128.0.0.0'],
    ['169.253.255.255', '169.254.0.0', '169.254.255.255', '169.255.0.0'],
    ['172.15.255.255', '172.16.0.0', '172.31.255.255', '172.32.0.0'],
    ['191.255.255.255', '192.0.0.0', '192.0.0.255', '192.0.1.0'],
    ['192.0.1.255', '192.0.2.0', '192.0.2.255', '192.0.3.0'],
    ['192.31.195.255', '192.31.196.0', '192.31.196.255', '192.31.197.0'],
    ['192.52.192.255', '192.52.193.0', '192.52.193.255', '192.52.194.0'],
    ['192.88.98.255', '192.88.99.0', '192.88.99.255', '192.88.100.0'],
    ['192.167.255.255', '192.168.0.0', '192.168.255.255', '192.169.0.0'],
    ['192.175.47.255', '192.175.48.0', '192.175.48.255', '192.175.49.0'],
    ['198.17.255.255', '198.18.0.0', '198.19.255.255', '198.20.0.0'],
    ['198.51.99.255', '198.51.100.0', '198.51.100.255', '198.51.101.0'],
    ['203.0.112.255', '203.0.113.0', '203.0.113.255', '203.0.114.0'],
    ['223.255.255.255', '224.0.0.0', '255.255.255.255', null],
    [null, '::', '1fff:ffff::', '2000::'],
    ['2000:ffff::', '2001::', '2001:1ff:ffff::', '2001:200::'],
    ['2001:db7:ffff::', '2001:db8::', '2001:db8:ffff::', '2001:db9::'],
    ['2001:ffff::', '2002::', '2002:ffff::', '2003::'],
    ['2620:4f:7fff::', '2620:4f:8000::', '2620:4f:8000:ffff::', '2620:4f:8001::'],
    ['3ffe:ffff::', '3fff::', '3fff:fff::', '3fff:1000::'],
    ['3fff:ffff::', '4000::', 'ffff:ffff::', null],
  ]
  for (const [before, first, last, after] of blocks) {
    for (const address of [before, after])
      if (address !== null) assert.equal(isPublicAddress(address), true, address)
    for (const address of [first, last]) assert.equal(isPublicAddress(address), false, address)
  }
})
