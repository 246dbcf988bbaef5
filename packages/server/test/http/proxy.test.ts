/** Forwarding headers: believed from a listed proxy, noise from anybody else. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { jsonReply } from '@sallyport/protocol'
import { AddressRefused, canonicalAddress, parseAddressList } from '../../src/http/address-list.ts'
import type { HttpRequest } from '../../src/http/exchange.ts'
import { ask, startListener } from './wire.ts'

const describe = ({ id, host, path, secure, clientAddress }: HttpRequest) => ({
  id,
  host,
  path,
  secure,
  clientAddress,
})

/** Two listeners, one that lists this machine as its proxy, and one that does not. */
async function startBoth(t: TestContext, proxies: readonly string[]) {
  const options = {
    handler: (request: HttpRequest) => jsonReply(200, describe(request)),
    plainHandler: (request: HttpRequest) => jsonReply(403, describe(request)),
  }
  const listed = await startListener(t, { ...options, proxies: ['127.0.0.1', ...proxies] })
  const unlisted = await startListener(t, { ...options, proxies: ['192.0.2.1'] })
  const send = async (port: number, headers: readonly string[]) => {
    const { status, body } = await ask(port, ['GET /p HTTP/1.1', 'Host: as.example', ...headers])
    return { status, ...JSON.parse(body) }
  }
  return {
    fromProxy: (...headers: string[]) => send(listed.port, headers),
    fromStranger: (...headers: string[]) => send(unlisted.port, headers),
  }
}

const hostile = [
  'Forwarded: for=6.6.6.6;host=evil.example;proto=https',
  'X-Forwarded-For: 6.6.6.6',
  'X-Forwarded-Host: evil.example',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Port: 443',
  'X-Forwarded-Prefix: /evil',
  'X-Forwarded-Server: evil.example',
  'X-Forwarded-Ssl: on',
  'Front-End-Https: on',
  'X-Real-IP: 6.6.6.6',
  'X-Original-URL: /evil',
  'X-Rewrite-URL: /evil',
  'X-Original-Host: evil.example',
  'X-Request-Id: believed-nowhere',
  'True-Client-IP: 6.6.6.6',
]

test('trust F22: no forwarding header of an unlisted peer changes anything', async (t) => {
  const { fromStranger } = await startBoth(t, [])
  const plain = await fromStranger()
  assert.deepEqual(
    { ...plain, id: '' },
    { status: 403, id: '', host: 'as.example', path: '/p', secure: false, clientAddress: '127.0.0.1' },
  )
  for (const headers of [...hostile.map((header) => [header]), hostile]) {
    const reply = await fromStranger(...headers)
    assert.match(reply.id, /^generated-/)
    assert.deepEqual({ ...reply, id: '' }, { ...plain, id: '' }, headers.join(', '))
  }
})

test('trust 117: from a listed proxy only the headers of the contract count', async (t) => {
  const { fromProxy } = await startBoth(t, [])
  const others = hostile.filter((header) => !/^X-(Forwarded-(For|Host|Proto)|Request-Id):/.test(header))
  const reply = await fromProxy('X-Forwarded-Proto: https', ...others)
  assert.deepEqual(
    { ...reply, id: '' },
    { status: 200, id: '', host: 'as.example', path: '/p', secure: true, clientAddress: '127.0.0.1' },
  )
})

for (const [value, status] of [
  ['https', 200],
  ['HTTPS', 200],
  ['http', 403],
  ['https, http', 403],
  ['http, https', 403],
  ['', 403],
  ['httpsx', 403],
] as const) {
  test(`trust 23: X-Forwarded-Proto "${value}" from a listed proxy is answered ${status}`, async (t) => {
    const { fromProxy } = await startBoth(t, [])
    assert.equal((await fromProxy(`X-Forwarded-Proto: ${value}`)).status, status)
  })
}

test('trust 23: a listed proxy that does not say https brings plain HTTP', async (t) => {
  const { fromProxy } = await startBoth(t, [])
  assert.equal((await fromProxy()).status, 403)
})

test('trust F11: the client is the right-most address that no listed proxy owns', async (t) => {
  const { fromProxy } = await startBoth(t, ['10.0.0.0/8', 'fd00::/8'])
  for (const [forwardedFor, client] of [
    ['203.0.113.9', '203.0.113.9'],
    ['6.6.6.6, 203.0.113.9', '203.0.113.9'],
    ['6.6.6.6, 203.0.113.9, 10.1.2.3', '203.0.113.9'],
    ['203.0.113.9, fd00::7, 10.1.2.3', '203.0.113.9'],
    ['10.1.2.3', '10.1.2.3'],
    ['203.0.113.9:4711', '203.0.113.9'],
    ['[2001:DB8:0:0::9]:4711', '2001:db8::9'],
    ['2001:db8::9', '2001:db8::9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['::FFFF:cb00:7109', '203.0.113.9'],
    ['203.0.113.9, unknown, 10.1.2.3', '10.1.2.3'],
    ['203.0.113.9, _hidden', '127.0.0.1'],
    ['', '127.0.0.1'],
  ] as const) {
    assert.equal((await fromProxy(`X-Forwarded-For: ${forwardedFor}`)).clientAddress, client, forwardedFor)
  }
  const twice = await fromProxy('X-Forwarded-For: 6.6.6.6', 'X-Forwarded-For: 203.0.113.9')
  assert.equal(twice.clientAddress, '203.0.113.9')
})

test('trust F22: X-Forwarded-Host of a listed proxy names the host, and nonsense there is refused', async (t) => {
  const { fromProxy } = await startBoth(t, [])
  assert.equal((await fromProxy('X-Forwarded-Host: Api.Example:8443')).host, 'api.example:8443')
  assert.equal((await fromProxy('X-Forwarded-Host: a/b')).status, 400)
})

test('settled, on the wire: an inbound X-Request-Id is believed from a listed proxy when its characters and length are sane', async (t) => {
  const { fromProxy } = await startBoth(t, [])
  const good = '4bf92f35-77b3.4da6_a3ce'
  assert.equal((await fromProxy(`X-Request-Id: ${good}`)).id, good)
  for (const bad of [
    'short',
    'x'.repeat(129),
    'has blank inside',
    '"quoted-text"',
    '<script>alert</script>',
  ]) {
    assert.match((await fromProxy(`X-Request-Id: ${bad}`)).id, /^generated-/, bad)
  }
  assert.match((await fromProxy('X-Request-Id: aaaaaaaaa', 'X-Request-Id: bbbbbbbbb')).id, /^generated-/)
})

test('trust F11: one address has one spelling', () => {
  for (const written of [
    '::ffff:192.0.2.1',
    '::FFFF:192.0.2.1',
    '::ffff:c000:201',
    '0:0:0:0:0:ffff:c000:0201',
    '192.0.2.1',
  ]) {
    assert.equal(canonicalAddress(written), '192.0.2.1', written)
  }
  assert.equal(canonicalAddress('2001:DB8:0:0:0::1'), '2001:db8::1')
  assert.equal(canonicalAddress('fe80::1%eth0'), 'fe80::1')
  for (const wrong of ['', 'localhost', '192.0.2', '192.0.2.1/8', '192.0.2.256'])
    assert.equal(canonicalAddress(wrong), undefined)
})

test('trust 117: a proxy list holds addresses and networks, and refuses anything else by name', () => {
  const list = parseAddressList(['192.0.2.1', '10.0.0.0/8', 'fd00::/8'])
  assert.ok(
    ['192.0.2.1', '::ffff:192.0.2.1', '10.255.0.1', 'fd12::1'].every((address) => list.contains(address)),
  )
  assert.ok(
    !['192.0.2.2', '11.0.0.1', 'fe00::1', '::1', '', 'nonsense'].some((address) => list.contains(address)),
  )
  assert.ok(!parseAddressList([]).contains('127.0.0.1') && parseAddressList([]).isEmpty)
  for (const wrong of [
    'proxy.example',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    'fd00::/129',
    '10.0.0.0/-1',
  ]) {
    assert.throws(
      () => parseAddressList([wrong]),
      (error) => error instanceof AddressRefused && error.message.includes(wrong),
    )
  }
})

test('trust F22: trusting all of IPv6 does not trust IPv4, nor the other way round', () => {
  assert.equal(parseAddressList(['::/0']).contains('192.0.2.7'), false)
  assert.equal(parseAddressList(['::/0']).contains('2001:db8::1'), true)
  assert.equal(parseAddressList(['0.0.0.0/0']).contains('2001:db8::1'), false)
  assert.equal(parseAddressList(['0.0.0.0/0']).contains('192.0.2.7'), true)
  assert.equal(parseAddressList([]).contains('192.0.2.7'), false)
})
