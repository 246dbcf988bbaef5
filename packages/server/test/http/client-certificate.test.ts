/** Where a client certificate is taken from: the connection that asks for one, and the header of a listed proxy alone. */
import assert from 'node:assert/strict'
import { KeyObject } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { jsonReply } from '@sallyport/protocol'
import { ensureLocalCertificate } from '../../src/dev/local-ca.ts'
import { systemEffects } from '../../src/effects.ts'
import { connectionCertificates, forwardedCertificates } from '../../src/http/client-certificate.ts'
import type { HttpRequest } from '../../src/http/exchange.ts'
import { loadTls } from '../../src/http/tls.ts'
import { type Issued, issue } from '../certificates/issue.ts'
import { ask, parseReply, readToEnd, startListener } from './wire.ts'

/** Says what the handler sees: a thumbprint, `malformed`, or null. */
const handler = (request: HttpRequest) => {
  const found = request.clientCertificate()
  return jsonReply(200, { seen: typeof found === 'object' ? (found?.leaf.thumbprintSha256 ?? null) : found })
}

const seenIn = (body: string): unknown => JSON.parse(body).seen

test('trust F30: a certificate in a header counts from a listed proxy, and is noise from anybody else', async (t) => {
  const leaf = await issue(null, { name: 'CN=robot' })
  const certificates = forwardedCertificates('rfc9440')
  const options = { handler, plainHandler: handler, certificates }
  const listed = await startListener(t, { ...options, proxies: ['127.0.0.1'] })
  const stranger = await startListener(t, { ...options, proxies: ['192.0.2.1'] })
  const none = await startListener(t, { handler, plainHandler: handler, proxies: ['127.0.0.1'] })
  const header = `Client-Cert: :${leaf.der.toString('base64')}:`
  const seen = async ({ port }: { readonly port: number }, ...headers: string[]) => {
    const lines = ['GET / HTTP/1.1', 'Host: as.example', 'X-Forwarded-Proto: https', ...headers]
    return seenIn((await ask(port, lines)).body)
  }
  assert.equal(await seen(listed, header), leaf.certificate.thumbprintSha256)
  assert.equal(await seen(stranger, header), null)
  assert.equal(await seen(none, header), null)
  assert.equal(await seen(listed), null)
  // RFC 9440 §2.2: what is there and cannot be read must not pass for no certificate.
  for (const bad of [
    [header, header],
    ['Client-Cert: :AAAA:'],
    ['Client-Cert: x'],
    ['Client-Cert: :MAA=:'],
  ]) {
    assert.equal(await seen(listed, ...bad), 'malformed', bad.join())
  }
})

const pemOfKey = ({ keys }: Issued): string =>
  KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }) as string

async function startTls(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-mtls-'))
  t.after(() => rm(folder, { recursive: true }))
  const files = await ensureLocalCertificate({ folder, hosts: ['localhost'], effects: systemEffects })
  const [tls, ca] = [await loadTls(files), await readFile(files.caFile)]
  const asking = await startListener(t, { handler, tls, certificates: connectionCertificates })
  const plain = await startListener(t, { handler, tls })
  return { asking: asking.port, plain: plain.port, ca }
}

interface Place {
  readonly port: number
  readonly ca: Buffer
  readonly version?: 'TLSv1.2' | 'TLSv1.3'
}

interface Visit {
  readonly seen: unknown
  readonly isResumed: boolean
  readonly session: Buffer | undefined
}

/** One request over a connection of its own, with what is needed to take the session up again. */
async function visit(
  { port, ca, version = 'TLSv1.3' }: Place,
  leaf: Issued | null,
  session?: Buffer,
): Promise<Visit> {
  const shown = leaf && { cert: leaf.pem, key: pemOfKey(leaf) }
  const versions = { minVersion: version, maxVersion: version }
  const options = { host: '127.0.0.1', servername: 'localhost', port, ca, ...versions }
  const socket: TLSSocket = connect({ ...options, ...shown, ...(session && { session }) })
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  const seen = seenIn(parseReply(await readToEnd(socket)).body)
  return { seen, isResumed: socket.isSessionReused(), session: socket.getSession() }
}

test('RFC 8705 §2: a connection is asked for a certificate at its own port, and shows what the client holds', async (t) => {
  const { asking, plain, ca } = await startTls(t)
  const leaf = await issue(null, { name: 'CN=robot' })
  assert.equal((await visit({ port: asking, ca }, leaf)).seen, leaf.certificate.thumbprintSha256)
  assert.equal((await visit({ port: asking, ca }, null)).seen, null)
  assert.equal((await visit({ port: plain, ca }, leaf)).seen, null)
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`trust F30: a session begun where no certificate is asked for cannot be taken up where one is (${version})`, async (t) => {
    const { asking, plain, ca } = await startTls(t)
    const leaf = await issue(null, { name: 'CN=robot' })
    const { thumbprintSha256: own } = leaf.certificate
    const [atPlain, atAsking] = [
      { port: plain, ca, version },
      { port: asking, ca, version },
    ]
    const begun = await visit(atPlain, null)
    assert.equal((await visit(atPlain, null, begun.session)).isResumed, true)
    const crossed = await visit(atAsking, leaf, begun.session)
    assert.deepEqual([crossed.isResumed, crossed.seen], [false, own])
    // Where it began neither: it would have lost the certificates that came beside the leaf.
    const { session } = await visit(atAsking, leaf)
    const again = await visit(atAsking, null, session)
    assert.deepEqual([again.isResumed, again.seen], [false, null])
    assert.equal((await visit(atPlain, null, session)).isResumed, false)
  })
}
