// Mutual TLS over real sockets (RFC 8705): who a certificate proves, and that nothing else can pass for one.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { ensureLocalCertificate } from '../../src/dev/local-ca.ts'
import { systemEffects } from '../../src/effects.ts'
import { parseAddressList } from '../../src/http/address-list.ts'
import { loadTls, type TlsPair } from '../../src/http/tls.ts'
import { clientAuth, daySeconds, type Issued, issue, now, serverAuth } from '../certificates/issue.ts'
import { authorityName, issueForRobot, type RobotCertificates, robotName } from '../certificates/robot.ts'
import { freePorts } from '../cli/processes.ts'
import { type Doubles, oneStore, startTestServer, type TestServer } from '../harness.ts'
import { app, blueprint, type Part, proving, tenant } from '../oauth/sample.ts'
import { askByCertificate, type Place, request, type Shown, type TlsAnswer } from './mtls-client.ts'
import { ask } from './wire.ts'

const machine = { folder: '', ca: '', tls: { cert: Buffer.of(), key: Buffer.of() } as TlsPair }
let made: RobotCertificates

before(async () => {
  machine.folder = mkdtempSync(join(tmpdir(), 'sallyport-mtls-'))
  const hosts = ['localhost', '127.0.0.1']
  const files = await ensureLocalCertificate({ folder: machine.folder, hosts, effects: systemEffects })
  machine.tls = await loadTls(files)
  machine.ca = readFileSync(files.caFile, 'utf8')
  made = await issueForRobot()
})
after(() => rmSync(machine.folder, { recursive: true }))

const named = (id: string, certificate: Part): Part => proving(id, 'tls_client_auth', { certificate })

const robot = () => named('robot', { subject_dn: made.leaf.certificate.subjectText })

interface Started {
  readonly server: TestServer
  readonly main: Place
  readonly mtls: Place
  /** Asks on the port of certificates, a minute after the attempt before: wrong ones are counted by the minute. */
  send(clientId: string, shown?: Shown): Promise<TlsAnswer>
}

async function start(
  t: TestContext,
  apps: readonly Part[],
  settings: Part = {},
  transport: Doubles['transport'] = {},
): Promise<Started> {
  const [port = 0] = await freePorts(1)
  const text = blueprint(tenant('acme', apps, { certificate_authorities: [made.authority.pem], ...settings }))
  const mtlsUrl = new URL(`https://localhost:${port}`)
  const doubles = { mtlsUrl, transport: { tls: machine.tls, ...transport } }
  const server = await startTestServer(t, oneStore, text, {}, doubles)
  const hosts = ['127.0.0.1']
  const main = { port: await server.server.listen({ hosts, port: 0 }), ca: machine.ca }
  const mtls = { port: transport.tls === null ? 0 : port, ca: machine.ca }
  if (transport.tls !== null) await server.server.listenMtls({ hosts, port })
  const send = async (clientId: string, shown?: Shown) => {
    await server.advance(60)
    return askByCertificate(mtls, clientId, shown)
  }
  return { server, main, mtls, send }
}

const reasonOf = ({ logLines }: TestServer): string => String(logLines.at(-1)?.reason)

const claimsOf = ({ json }: TlsAnswer): Readonly<Record<string, unknown>> =>
  JSON.parse(Buffer.from(json.access_token.split('.')[1], 'base64url').toString())

const assertToken = (answer: TlsAnswer): void => assert.equal(answer.status, 200, answer.text)

/** The one answer to every failed authentication, to the byte. */
function assertInvalidClient(answer: TlsAnswer): void {
  assert.equal(answer.status, 401, answer.text)
  assert.equal(answer.text, '{"error":"invalid_client","error_description":"Client authentication failed."}')
}

test('RFC 8705 §2.1.2: over a connection of its own, a certificate proves by its subject and by each kind of name', async (t) => {
  const { server, send } = await start(t, [
    robot(),
    named('by-dns', { san_dns: 'robot.acme.example' }),
    named('by-uri', { san_uri: 'spiffe://acme.example/robot' }),
    named('by-email', { san_email: 'robot@acme.example' }),
    named('by-ip', { san_ip: '192.0.2.7' }),
    named('by-ipv6', { san_ip: '2001:0db8:0::7' }),
    named('by-other', { san_dns: 'other.acme.example' }),
  ])
  for (const id of ['robot', 'by-dns', 'by-uri', 'by-email', 'by-ip', 'by-ipv6'])
    assertToken(await send(id, { leaf: made.leaf }))
  assertInvalidClient(await send('by-other', { leaf: made.leaf }))
  assert.equal(reasonOf(server), 'certificate bears another name')
})

test('RFC 8705 §2.2: over a connection of its own, a self-signed certificate proves whoever registered it', async (t) => {
  const sha256 = made.selfSigned.certificate.thumbprintSha256
  const { send } = await start(t, [
    proving('robot', 'self_signed_tls_client_auth', { certificate: { sha256 } }),
  ])
  assertToken(await send('robot', { leaf: made.selfSigned }))
  assertInvalidClient(await send('robot', { leaf: made.leaf }))
  assertInvalidClient(await send('robot', { leaf: await issue(null, { name: 'CN=mine' }) }))
})

test('trust 102-103: without a certificate, or with one that is not good, the answer is always the same 401', async (t) => {
  const { server, send } = await start(t, [robot()])
  const { authority, intermediate, below } = made
  const [name, purposes] = [robotName, [clientAuth]]
  const twin = await issue(null, { name: authorityName, ca: true })
  const deep = await issue(intermediate, { name: 'CN=Too Deep', ca: true })
  const [past, future] = [now - 2 * daySeconds, now + 2 * daySeconds]
  const bad: readonly (readonly [RegExp, Shown])[] = [
    [/^no client certificate$/, {}],
    [
      /has expired/,
      { leaf: await issue(authority, { name, purposes, notBeforeAt: past, notAfterAt: past + 9 }) },
    ],
    [
      /not valid yet/,
      { leaf: await issue(authority, { name, purposes, notBeforeAt: future, notAfterAt: future + 9 }) },
    ],
    [/not for client authentication/, { leaf: await issue(authority, { name, purposes: [serverAuth] }) }],
    [/not signed by the authority/, { leaf: await issue(twin, { name, purposes }), chain: [twin] }],
    [/no authority of the tenant/, { leaf: await issue(null, { name, purposes }) }],
    [/is the certificate of an authority/, { leaf: await issue(authority, { name, ca: true }) }],
    [/no authority of the tenant/, { leaf: below }],
    [
      /allows no path of this length/,
      { leaf: await issue(deep, { name, purposes }), chain: [deep, intermediate] },
    ],
  ]
  for (const [reason, shown] of bad) {
    assertInvalidClient(await send('robot', shown))
    assert.match(reasonOf(server), reason)
  }
  assertInvalidClient(await send('nobody', { leaf: made.leaf }))
  assertToken(await send('robot', { leaf: below, chain: [intermediate] }))
})

test('trust 102: a chain longer than is read is a 401 as well', async (t) => {
  const { server, send } = await start(t, [robot()])
  const chain: Issued[] = []
  for (let depth = 0; depth < 12; depth++) {
    chain.push(await issue(chain.at(-1) ?? made.authority, { name: `CN=Step ${depth}`, ca: true }))
  }
  const leaf = await issue(chain.at(-1) ?? null, { name: robotName, purposes: [clientAuth] })
  assertInvalidClient(await send('robot', { leaf, chain: chain.toReversed() }))
  assert.match(reasonOf(server), /no authority of the tenant|more than 8/)
})

test('RFC 8705 §3.1: a bound token names the certificate of its connection, and the main port gives none', async (t) => {
  const { server, send, main } = await start(t, [robot(), app('sync')], { sender_constraint: 'mtls' })
  const answer = await send('robot', { leaf: made.leaf })
  assertToken(answer)
  assert.deepEqual(claimsOf(answer).cnf, { 'x5t#S256': made.leaf.certificate.thumbprintSha256 })
  const renewed = await send('robot', { leaf: made.below, chain: [made.intermediate] })
  assert.deepEqual(claimsOf(renewed).cnf, { 'x5t#S256': made.below.certificate.thumbprintSha256 })
  const [id, secret] = server.credential('acme', 'sync')
  const headers = [
    `Authorization: Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
    'Content-Type: application/x-www-form-urlencoded',
  ]
  const line = 'POST /acme/oauth2/token HTTP/1.1'
  const refused = await request(main, line, { leaf: made.leaf, headers }, 'grant_type=client_credentials')
  assert.deepEqual([refused.status, refused.json.error], [400, 'invalid_request'])
})

const hasOpenssl = spawnSync('openssl', ['version']).status === 0

/** What both sides say in the handshake, as OpenSSL prints it. Not run in our own thread: that is the server's. */
async function handshakeOf({ port }: Place, version: '-tls1_2' | '-tls1_3'): Promise<string> {
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, version, '-msg'])
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  child.stdin.end()
  await once(child, 'close')
  return text
}

test('trust F30: the main port never asks for a certificate, and none counts there', {
  skip: hasOpenssl ? false : 'install openssl to run this',
}, async (t) => {
  const { server, main, mtls } = await start(t, [robot()])
  assertInvalidClient(await askByCertificate(main, 'robot', { leaf: made.leaf }))
  assert.equal(reasonOf(server), 'no client certificate')
  for (const version of ['-tls1_2', '-tls1_3'] as const) {
    assert.match(await handshakeOf(mtls, version), /<<< .*CertificateRequest/)
    const atMain = await handshakeOf(main, version)
    assert.match(atMain, /<<< .*Finished/)
    assert.doesNotMatch(atMain, /CertificateRequest/)
  }
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`trust F30: no session is taken up where certificates are asked for, from wherever it comes (${version})`, async (t) => {
    const { main, mtls } = await start(t, [robot()])
    const [atMain, atMtls] = [
      { ...main, version },
      { ...mtls, version },
    ]
    const begun = await askByCertificate(atMain, 'robot')
    assertInvalidClient(begun)
    const { session } = begun
    assert.equal((await askByCertificate(atMain, 'robot', { session })).isResumed, true)
    const crossed = await askByCertificate(atMtls, 'robot', { session })
    assertInvalidClient(crossed)
    assert.equal(crossed.isResumed, false)

    // With a leaf that needs what came beside it: a resumed session would have lost that.
    const shown = { leaf: made.below, chain: [made.intermediate] }
    const proven = await askByCertificate(atMtls, 'robot', shown)
    assertToken(proven)
    const again = await askByCertificate(atMtls, 'robot', { ...shown, session: proven.session })
    assertToken(again)
    const without = await askByCertificate(atMtls, 'robot', { session: proven.session })
    assertInvalidClient(without)
    const back = await askByCertificate(atMain, 'robot', { session: proven.session })
    assertInvalidClient(back)
    assert.deepEqual([again.isResumed, without.isResumed, back.isResumed], [false, false, false])
  })
}

/** Every way in which proxies are known to hand on a certificate, and some in which they do not. */
function forgeries({ der, pem, certificate }: Issued): string[] {
  const [base64, escaped] = [der.toString('base64'), encodeURIComponent(pem)]
  return [
    `Client-Cert: :${base64}:`,
    `Client-Cert-Chain: :${base64}:`,
    `Ssl-Client-Cert: ${escaped}`,
    'Ssl-Client-Verify: SUCCESS',
    `SSL_CLIENT_CERT: ${escaped}`,
    `X-SSL-Client-Cert: ${escaped}`,
    'X-SSL-Client-Verify: SUCCESS',
    `X-SSL-Client-S-DN: ${certificate.subjectText}`,
    `X-SSL-CERT: ${escaped}`,
    `X-Client-Cert: ${escaped}`,
    `X-Forwarded-Client-Cert: Hash=00;Cert="${escaped}";Chain="${escaped}"`,
    `X-Forwarded-Tls-Client-Cert: ${base64}`,
    `X-Amzn-Mtls-Clientcert: ${escaped}`,
    `X-Amzn-Mtls-Clientcert-Leaf: ${escaped}`,
    `X-ARR-ClientCert: ${base64}`,
    'X-Forwarded-Proto: https',
  ]
}

test('trust F30: a forged header proves nobody, with and without a certificate of another', async (t) => {
  const { server, main, send } = await start(t, [robot()])
  const forged = forgeries(made.leaf)
  const stranger = await issue(made.authority, { name: 'CN=stranger', purposes: [clientAuth] })
  for (const headers of [...forged.map((header) => [header]), forged]) {
    assertInvalidClient(await send('robot', { headers }))
    assert.equal(reasonOf(server), 'no client certificate')
    assertInvalidClient(await send('robot', { headers, leaf: stranger }))
    assert.equal(reasonOf(server), 'certificate bears another name')
  }
  assertInvalidClient(await askByCertificate(main, 'robot', { headers: forged, leaf: made.leaf }))
  assertToken(await send('robot', { leaf: made.leaf, headers: forgeries(stranger) }))
})

test('trust F30: the header of a peer that is no listed proxy does not even get past plain HTTP', async (t) => {
  const proxies = parseAddressList(['192.0.2.1'])
  const transport = { tls: null, proxies, certificateHeader: 'rfc9440' } as const
  const { main, server } = await start(t, [robot()], {}, transport)
  const lines = [
    'POST /acme/oauth2/token HTTP/1.1',
    'Host: localhost',
    'Content-Type: application/x-www-form-urlencoded',
    ...forgeries(made.leaf),
  ]
  const body = 'grant_type=client_credentials&client_id=robot'
  assert.equal((await ask(main.port, lines, body)).status, 403)
  assert.doesNotMatch(JSON.stringify(server.logLines), /token issued/)
})

test('RFC 8705 §5: the aliases that metadata names are where certificates count', async (t) => {
  const { main, mtls } = await start(t, [robot()])
  const { json: metadata } = await request(
    main,
    'GET /.well-known/oauth-authorization-server/acme HTTP/1.1',
    {},
  )
  const { token_endpoint: alias, introspection_endpoint: introspection } = metadata.mtls_endpoint_aliases
  assert.equal(new URL(alias).port, String(mtls.port))
  const answer = await askByCertificate(mtls, 'robot', { leaf: made.leaf }, new URL(alias).pathname)
  assertToken(answer)
  const headers = ['Content-Type: application/x-www-form-urlencoded']
  const form = `client_id=robot&token=${answer.json.access_token}`
  const line = `POST ${new URL(introspection).pathname} HTTP/1.1`
  const seen = await request(mtls, line, { leaf: made.leaf, headers }, form)
  // Not whether it is active: this client may not see that, but it is known.
  assert.deepEqual([seen.status, seen.json.active], [200, false])
  const forged = [...headers, ...forgeries(made.leaf)]
  assertInvalidClient(await request(mtls, line, { headers: forged }, form))
})
