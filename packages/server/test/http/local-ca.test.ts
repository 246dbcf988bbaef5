/** The development CA: judged by OpenSSL, curl and Node, and made again only when it must be. */
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { jsonReply } from '@sallyport/protocol'
import { ensureLocalCertificate, LocalCertificateRefused, trustCommand } from '../../src/dev/local-ca.ts'
import { makeServerCertificate } from '../../src/dev/local-certificates.ts'
import { systemEffects } from '../../src/effects.ts'
import { developmentHosts } from '../../src/http/listen.ts'
import { loadTls } from '../../src/http/tls.ts'
import { startListener } from './wire.ts'

const run = promisify(execFile)
const hosts = ['localhost', 'auth.nxtsoft.localhost', 'tokenos.localhost', '127.0.0.1', '::1']
const daySeconds = 86_400

const isMissing = (program: string): string | false =>
  spawnSync(program, ['version']).error === undefined ? false : `${program} is not installed`

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-ca-'))
  t.after(() => rm(folder, { recursive: true }))
  return join(folder, 'tls')
}

/** A machine's clock that a test can move. */
const effectsAt = (offsetSeconds: number) => ({
  ...systemEffects,
  clock: () => systemEffects.clock() + offsetSeconds,
})

const ensure = (folder: string, names: readonly string[] = hosts, offsetSeconds = 0) =>
  ensureLocalCertificate({ folder, hosts: names, effects: effectsAt(offsetSeconds) })

const readCertificate = async (file: string) => new X509Certificate(await readFile(file))

test('trust F30: keys are readable by their owner only', async (t) => {
  const folder = await temporaryFolder(t)
  const { keyFile } = await ensure(folder)
  for (const file of [keyFile, join(folder, 'ca.key')]) assert.equal((await stat(file)).mode & 0o777, 0o600)
  assert.equal((await stat(folder)).mode & 0o777, 0o700)
})

test('product, decision 10: OpenSSL accepts the certificate for each host, strictly', {
  skip: isMissing('openssl'),
}, async (t) => {
  const { caFile, certFile } = await ensure(await temporaryFolder(t))
  const verify = (...options: string[]) =>
    run('openssl', [
      'verify',
      '-x509_strict',
      '-purpose',
      'sslserver',
      '-CAfile',
      caFile,
      ...options,
      certFile,
    ])
  for (const host of ['localhost', 'auth.nxtsoft.localhost', 'tokenos.localhost'])
    await verify('-verify_hostname', host)
  for (const address of ['127.0.0.1', '::1']) await verify('-verify_ip', address)
  await assert.rejects(verify('-verify_hostname', 'other.localhost'))
})

test('settled, on the wire: the CA cannot vouch for anything but localhost', {
  skip: isMissing('openssl'),
}, async (t) => {
  const folder = await temporaryFolder(t)
  const { caFile } = await ensure(folder)
  const [certPem, keyPem] = await Promise.all([
    readFile(caFile, 'utf8'),
    readFile(join(folder, 'ca.key'), 'utf8'),
  ])
  for (const host of ['example.com', 'notlocalhost', '192.0.2.1', '::2', '10.0.0.1']) {
    const stray = await makeServerCertificate({ certPem, keyPem }, [host], systemEffects)
    const file = join(folder, 'stray.pem')
    await writeFile(file, stray.certPem)
    await assert.rejects(
      run('openssl', ['verify', '-CAfile', caFile, file]),
      /permitted subtree violation/,
      host,
    )
  }
})

test('product, decision 10: Node and curl reach the listener by each name, trusting only the CA', async (t) => {
  const { caFile, certFile, keyFile } = await ensure(await temporaryFolder(t))
  const tls = await loadTls({ certFile, keyFile })
  const handler = () => jsonReply(200, { ok: true })
  const { port } = await startListener(t, { handler, tls, hosts: developmentHosts })
  const ca = await readFile(caFile)
  const get = (servername: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, servername, ca, headers: { host: servername }, agent: false }
      request(options, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end()
    })
  for (const host of hosts.slice(0, 3)) assert.equal(await get(host), 200)
  await assert.rejects(get('other.localhost'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  if (isMissing('curl') !== false) return t.diagnostic('curl is not installed')
  for (const host of ['localhost', 'auth.nxtsoft.localhost', '127.0.0.1']) {
    const { stdout } = await run('curl', [
      '--silent',
      '--noproxy',
      '*',
      '--cacert',
      caFile,
      `https://${host}:${port}/`,
    ])
    assert.equal(stdout, '{"ok":true}')
  }
})

test('contract: a second start on the same folder keeps everything', async (t) => {
  const folder = await temporaryFolder(t)
  const first = await ensure(folder)
  const before = await readFile(first.certFile, 'utf8')
  assert.deepEqual([first.created, first.isNewCa], [true, true])
  const second = await ensure(folder)
  assert.deepEqual([second.created, second.isNewCa], [false, false])
  assert.equal(await readFile(second.certFile, 'utf8'), before)
})

for (const [what, change] of [
  ['a host is missing', (folder: string) => ensure(folder, [...hosts, 'api.token.localhost'])],
  ['it is near its end', (folder: string) => ensure(folder, hosts, 370 * daySeconds)],
  [
    'its key was lost',
    async (folder: string) => {
      await rm(join(folder, 'server.key'))
      return ensure(folder)
    },
  ],
  [
    'it is damaged',
    async (folder: string) => {
      await writeFile(join(folder, 'server.pem'), 'not a certificate')
      return ensure(folder)
    },
  ],
] as const) {
  test(`product, decision 10: the server certificate is made again when ${what}, under the same CA`, async (t) => {
    const folder = await temporaryFolder(t)
    const { caFile } = await ensure(folder)
    const ca = await readFile(caFile, 'utf8')
    const again = await change(folder)
    assert.deepEqual([again.created, again.isNewCa], [true, false])
    assert.equal(await readFile(caFile, 'utf8'), ca)
    await loadTls(again)
  })
}

for (const [what, change, offset] of [
  ['its key was lost', (folder: string) => rm(join(folder, 'ca.key')), 0],
  ['it would end before a new server certificate', async () => {}, 3300 * daySeconds],
] as const) {
  test(`product, decision 10: the CA is made again when ${what}`, async (t) => {
    const folder = await temporaryFolder(t)
    await ensure(folder)
    await change(folder)
    const { isNewCa, caFile, certFile } = await ensure(folder, hosts, offset)
    assert.ok(isNewCa)
    assert.ok((await readCertificate(certFile)).verify((await readCertificate(caFile)).publicKey))
  })
}

test('product, decision 10: a server certificate lives 397 days at most, so that every client takes it', async (t) => {
  const certificate = await readCertificate((await ensure(await temporaryFolder(t))).certFile)
  const life = Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)
  assert.ok(life <= 397 * daySeconds * 1000)
})

for (const host of [
  'example.com',
  'localhost.example.com',
  '192.0.2.1',
  '*.localhost',
  'a b.localhost',
  '',
]) {
  test(`settled, on the wire: no development certificate is made for "${host}"`, async (t) => {
    await assert.rejects(ensure(await temporaryFolder(t), [host]), LocalCertificateRefused)
  })
}

test('how it must feel: trusting the CA is one command on each system, and so is taking it back', async (t) => {
  const { caFile } = await ensure(await temporaryFolder(t))
  const odd = '/home/a "b"/$x/ca.pem'
  assert.match(
    trustCommand(odd, 'darwin').trust,
    /^sudo security add-trusted-cert .*"\/home\/a \\"b\\"\/\\\$x\/ca\.pem"$/,
  )
  assert.match(trustCommand(odd, 'linux').trust, /&& sudo update-ca-certificates$/)
  assert.match(trustCommand(odd, 'linux', 'fedora').trust, /&& sudo update-ca-trust$/)
  const { serialNumber } = await readCertificate(caFile)
  const { trust, undo } = trustCommand(caFile, 'win32')
  assert.equal(trust, `certutil -user -addstore Root "${caFile}"`)
  assert.equal(undo, `certutil -user -delstore Root ${serialNumber.toLowerCase()}`)
})
