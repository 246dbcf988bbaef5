/** Certificate files: checked at start, followed while they change, and TLS as the listener speaks it. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { copyFile, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { connect as connectPlain } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { jsonReply } from '@sallyport/protocol'
import { ensureLocalCertificate, type LocalCertificate } from '../../src/dev/local-ca.ts'
import { makeLocalCa, makeServerCertificate } from '../../src/dev/local-certificates.ts'
import { systemEffects } from '../../src/effects.ts'
import { followTls, loadTls, TlsRefused, validityWarning } from '../../src/http/tls.ts'
import { parseReply, readToEnd, startListener } from './wire.ts'

let root: string
/** Two good pairs of different authorities. */
let first: LocalCertificate
let second: LocalCertificate

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'sallyport-tls-'))
  const make = (name: string) =>
    ensureLocalCertificate({
      folder: join(root, name),
      hosts: ['localhost', '127.0.0.1'],
      effects: systemEffects,
    })
  first = await make('first')
  second = await make('second')
})
after(() => rm(root, { recursive: true }))

let writes = 0

/** Each a second after the one before: the clock of a file system may stand still for longer than a test takes. */
async function put(from: string, file: string): Promise<void> {
  await copyFile(from, file)
  writes += 1
  await utimes(file, writes, writes)
}

/** A copy of the first pair, to be spoilt. */
async function copyPair(t: TestContext) {
  const folder = await mkdtemp(join(root, 'copy-'))
  t.after(() => rm(folder, { recursive: true }))
  const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
  const install = async (pair: LocalCertificate) => {
    await put(pair.certFile, files.certFile)
    await put(pair.keyFile, files.keyFile)
  }
  await install(first)
  return { files, install }
}

const refusal = (pattern: RegExp) => (error: unknown) =>
  error instanceof TlsRefused && pattern.test(error.message)

test('trust F30: a missing, broken or foreign file refuses the start with one sentence', async (t) => {
  const { files } = await copyPair(t)
  const garbage = `${files.certFile}.garbage`
  await writeFile(garbage, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
  for (const [broken, sentence] of [
    [
      { ...files, certFile: '/nowhere/cert.pem' },
      /^The TLS certificate file \/nowhere\/cert\.pem does not exist\.$/,
    ],
    [
      { ...files, keyFile: '/nowhere/key.pem' },
      /^The TLS private key file \/nowhere\/key\.pem does not exist\.$/,
    ],
    [{ ...files, keyFile: root }, /cannot be read \(EISDIR\)/],
    [{ ...files, certFile: garbage }, /holds no certificate in PEM form/],
    [{ ...files, certFile: files.keyFile }, /holds no certificate in PEM form/],
    [{ ...files, keyFile: files.certFile }, /holds no private key in PEM form/],
    [{ ...files, keyFile: second.keyFile }, /does not belong to the certificate/],
  ] as const) {
    await assert.rejects(loadTls(broken), refusal(sentence))
  }
})

const daySeconds = 86_400

/** A copy of the first pair, followed on a clock that is moved on by hand. */
async function followPair(t: TestContext) {
  const { files, install } = await copyPair(t)
  const loaded = await loadTls(files)
  const seen = { now: systemEffects.clock(), changes: [] as string[], warnings: [] as string[] }
  const follower = followTls({
    files,
    loaded,
    clock: () => seen.now,
    onChange: ({ cert }) => seen.changes.push(cert.toString()),
    onWarning: (sentence) => seen.warnings.push(sentence),
  })
  t.after(() => follower.stop())
  return { files, install, loaded, follower, seen }
}

test('operations: of the end of a certificate is told fourteen days and one day before, and when it has come', async (t) => {
  const { loaded, follower, seen } = await followPair(t)
  const toldAt = async (secondsBefore: number) => {
    seen.now = loaded.expiresAt - secondsBefore
    await follower.check()
    await follower.check()
    return seen.warnings.splice(0).map((sentence) => sentence.replace(/^.*cert\.pem /, ''))
  }
  const [, minute = '', day = ''] =
    /^((.{10}).{6})/.exec(new Date(loaded.expiresAt * 1000).toISOString()) ?? []
  assert.deepEqual(await toldAt(14 * daySeconds + 1), [])
  assert.deepEqual(await toldAt(14 * daySeconds), [`expires on ${day}: renew it.`])
  assert.deepEqual(await toldAt(daySeconds + 1), [])
  assert.deepEqual(await toldAt(daySeconds), [`expires within a day, at ${minute}Z: renew it.`])
  assert.deepEqual(await toldAt(1), [])
  assert.deepEqual(await toldAt(0), [`expired on ${day}: clients will refuse it until it is renewed.`])
  assert.deepEqual(await toldAt(-400 * daySeconds), [])
})

test('operations: an expired certificate is taken when it is installed, and told of', async (t) => {
  const { files, install, seen, follower } = await followPair(t)
  const { expiresAt } = await loadTls(second)
  seen.now = expiresAt
  await install(second)
  await follower.check()
  assert.equal(seen.changes.length, 1)
  assert.equal(seen.warnings.length, 1)
  assert.ok(seen.warnings[0]?.startsWith(`The certificate in ${files.certFile} expired on `))
})

test('operations: a certificate that has not begun is told of, and one that lives for days only near its end', async (t) => {
  const { files } = await copyPair(t)
  const { expiresAt } = await loadTls(files)
  assert.equal(
    validityWarning({ chain: [{ startsAt: Date.UTC(2030, 0, 2, 3, 4, 5) / 1000, expiresAt }] }, files, 0),
    `The certificate in ${files.certFile} is not valid before 2030-01-02T03:04Z: clients will refuse it until then.`,
  )
  const leftWhenTold = (lifeSeconds: number) => {
    let left = lifeSeconds
    const pair = { chain: [{ startsAt: 0, expiresAt: lifeSeconds }] }
    while (validityWarning(pair, files, lifeSeconds - left) === undefined) left -= 60
    return left
  }
  assert.deepEqual(
    [90, 45, 6, 1].map((days) => leftWhenTold(days * daySeconds) / daySeconds),
    [14, 7.5, 1, 1 / 6],
  )
})

test('operations: of a chain the first certificate to end is told of, with its place, and its end is the metric', async (t) => {
  const { files } = await copyPair(t)
  const now = systemEffects.clock()
  const at = (clock: number) => ({ ...systemEffects, clock: () => clock })
  // It lives for ten years.
  const intermediate = await makeLocalCa(at(now - 3640 * daySeconds))
  const own = await makeServerCertificate(intermediate, ['localhost'], at(now))
  await writeFile(files.certFile, `${own.certPem}\nissued by\n${intermediate.certPem}`)
  await writeFile(files.keyFile, own.keyPem)
  const loaded = await loadTls(files)
  const { validTo } = new X509Certificate(intermediate.certPem)
  assert.equal(loaded.expiresAt, Date.parse(validTo) / 1000)
  const place = `Certificate 2 of the chain in ${files.certFile}`
  const day = new Date(validTo).toISOString().slice(0, 10)
  assert.equal(validityWarning(loaded, files, now), `${place} expires on ${day}: renew it.`)
  assert.equal(
    validityWarning(loaded, files, loaded.expiresAt + 397 * daySeconds),
    `${place} expired on ${day}: clients will refuse it until it is renewed.`,
  )
})

test('product, decision 10: renewed files are taken, and half-written ones leave the old pair in use', async (t) => {
  const { files, install, follower, seen } = await followPair(t)
  const { changes, warnings: complaints } = seen
  await follower.check()
  assert.deepEqual([changes, complaints], [[], []])
  await put(second.certFile, files.certFile)
  await follower.check()
  await follower.check()
  assert.equal(changes.length, 0)
  assert.equal(complaints.length, 1)
  assert.match(complaints[0] ?? '', /does not belong to .* stays in use\.$/)
  await install(second)
  await follower.check()
  assert.deepEqual(changes, [await readFile(second.certFile, 'utf8')])
  await rm(files.keyFile)
  await follower.check()
  assert.match(complaints[1] ?? '', /does not exist/)
  assert.deepEqual([changes.length, complaints.length], [1, 2])
})

test('product, decision 10: a file found half written is read again, even if it looks the same when it is whole', async (t) => {
  const { files, follower, seen } = await followPair(t)
  const whole = await readFile(second.certFile)
  const half = Buffer.concat([whole.subarray(0, 50), Buffer.alloc(whole.length - 50)])
  await put(second.keyFile, files.keyFile)
  for (const content of [half, whole]) {
    await writeFile(files.certFile, content)
    await utimes(files.certFile, writes, writes)
    await follower.check()
    await follower.check()
  }
  assert.deepEqual(seen.changes, [whole.toString()])
  assert.equal(seen.warnings.length, 1)
})

test('product, decision 10: files that are renewed while the server starts are taken at the first look', async (t) => {
  const { files, install } = await copyPair(t)
  const loaded = await loadTls(files)
  await install(second)
  const changes: string[] = []
  const follower = followTls({
    files,
    loaded,
    clock: systemEffects.clock,
    onChange: ({ cert }) => changes.push(cert.toString()),
    onWarning: (sentence) => assert.fail(sentence),
  })
  t.after(() => follower.stop())
  await follower.check()
  await follower.check()
  assert.deepEqual(changes, [await readFile(second.certFile, 'utf8')])
})

test('product, decision 10: the files are looked at by themselves', async (t) => {
  const { files, install } = await copyPair(t)
  const { promise: changed, resolve } = Promise.withResolvers<string>()
  const loaded = await loadTls(files)
  const { clock } = systemEffects
  const options = { files, loaded, clock, onWarning: () => {}, intervalMilliseconds: 5 }
  const follower = followTls({ ...options, onChange: ({ cert }) => resolve(cert.toString()) })
  t.after(() => follower.stop())
  // The timer does not hold the process; the wait below must.
  const hold = setInterval(() => {}, 1000)
  t.after(() => clearInterval(hold))
  await install(second)
  assert.equal(await changed, await readFile(second.certFile, 'utf8'))
})

function handshake(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ...options }, () =>
      resolve(socket),
    )
    socket.once('error', reject)
  })
}

const get = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'

test('product, decision 10: new connections get the renewed certificate while the listener runs', async (t) => {
  const tls = await loadTls(first)
  const { listener, port } = await startListener(t, {
    handler: ({ secure }) => jsonReply(200, { secure }),
    tls,
  })
  for (const pair of [first, second]) {
    listener.replaceTls(await loadTls(pair))
    const socket = await handshake(port, { ca: await readFile(pair.caFile) })
    socket.write(get)
    assert.deepEqual(JSON.parse(parseReply(await readToEnd(socket)).body), { secure: true })
  }
})

test('RFC 9325 §3.1.1: TLS 1.2 and 1.3 are spoken, TLS 1.1 is not, and HTTP/1.1 is all that is offered', async (t) => {
  const { port } = await startListener(t, { handler: () => jsonReply(200, {}), tls: await loadTls(first) })
  const ca = await readFile(first.caFile)
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const socket = await handshake(port, {
      ca,
      minVersion: version,
      maxVersion: version,
      ALPNProtocols: ['h2', 'http/1.1'],
    })
    assert.deepEqual([socket.getProtocol(), socket.alpnProtocol], [version, 'http/1.1'])
    socket.destroy()
  }
  // Level 0 lets this client try what the server must refuse.
  const old = { ca, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  await assert.rejects(handshake(port, old), /protocol version|alert/)
})

test('RFC 9325 §4.2, FAPI 2.0 §5.2.2: with TLS 1.2 only ECDHE with AES-GCM is spoken', async (t) => {
  const { port } = await startListener(t, { handler: () => jsonReply(200, {}), tls: await loadTls(first) })
  const ca = await readFile(first.caFile)
  // Level 0 lets this client offer what the server must refuse.
  const with12 = (ciphers: string) =>
    handshake(port, { ca, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ciphers: `${ciphers}:@SECLEVEL=0` })
  for (const refused of [
    ...['AES128-SHA', 'AES256-GCM-SHA384', 'ECDHE-ECDSA-AES128-SHA', 'ECDHE-RSA-AES128-SHA'],
    ...['ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES256-SHA384', 'DHE-RSA-AES128-GCM-SHA256'],
    ...['ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
    ...['ECDHE-ECDSA-AES128-CCM', 'ECDHE-ECDSA-AES256-CCM', 'ECDHE-ECDSA-AES128-CCM8'],
    'ECDHE-ECDSA-AES256-CCM8',
  ]) {
    // An answer of the server, and not a suite that the client does not have.
    await assert.rejects(with12(refused), /alert handshake failure/, refused)
  }
  for (const spoken of ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384']) {
    const socket = await with12(spoken)
    assert.equal(socket.getCipher().name, spoken)
    socket.destroy()
  }
})

test('trust 21: on TLS as well, a handshake or a request that is not finished in time is cut', async (t) => {
  const limits = { receiveMilliseconds: 60, checkIntervalMilliseconds: 15, lingerMilliseconds: 20 }
  const { port } = await startListener(t, {
    handler: () => jsonReply(200, {}),
    tls: await loadTls(first),
    limits,
  })
  assert.equal(await readToEnd(connectPlain(port, '127.0.0.1')), '')
  const socket = await handshake(port, { ca: await readFile(first.caFile) })
  socket.write('POST / HTTP/1.1\r\n')
  const reply = parseReply(await readToEnd(socket))
  assert.equal(reply.status, 408)
  assert.equal(JSON.parse(reply.body).error, 'invalid_request')
})

test('trust 23: plain HTTP on the TLS port is no HTTP: nothing is answered that a client could follow', async (t) => {
  const { port, failures } = await startListener(t, {
    handler: () => jsonReply(200, {}),
    tls: await loadTls(first),
  })
  const socket = connectPlain(port, '127.0.0.1')
  socket.write(get)
  assert.doesNotMatch(await readToEnd(socket).catch(() => ''), /HTTP\/1/)
  assert.deepEqual(failures, [])
})

test('trust 15, 20: over TLS too, a client that pushes too much still sees why', async (t) => {
  const handler = async (request: { readBody(limit: number): Promise<Buffer> }) => {
    await request.readBody(1000)
    return jsonReply(200, {})
  }
  const limits = { lingerMilliseconds: 300 }
  const { port } = await startListener(t, { handler, tls: await loadTls(first), limits })
  const ca = await readFile(first.caFile)
  for (const [head, status] of [
    ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n', 413],
    ['POST / HTTP/1.1\r\nHost: a\r\nX-Long: ', 431],
  ] as const) {
    const socket = await handshake(port, { ca })
    socket.write(head + 'x'.repeat(300_000))
    assert.equal(parseReply(await readToEnd(socket)).status, status)
  }
})
