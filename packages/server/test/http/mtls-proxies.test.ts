// Client certificates behind proxies: nginx and HAProxy run for real with the configuration that the documents show,
// and the headers of Envoy, Traefik and AWS as they write them.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { ForwardedCertificatePreset } from '@sallyport/protocol'
import { operations, serve, usePrepared } from '../cli/mtls-serve.ts'
import { ask as askPlain, freePorts, type Running } from '../cli/processes.ts'
import { temporaryFolder } from '../store/each-store.ts'
import { askByCertificate, type Place, request, type TlsAnswer } from './mtls-client.ts'

const prepared = usePrepared()

/** The blocks of a language in the operator's manual. */
const blocks = (language: string): string[] =>
  [...operations.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, text = '']) => text,
  )

/** Every text must be there, so that a changed example does not run unfilled. */
const filled = (text: string, values: Readonly<Record<string, string>>): string =>
  Object.entries(values).reduce((before, [shown, value]) => {
    assert.ok(before.includes(shown), `the example in docs/operations.md has no ${shown}`)
    return before.replaceAll(shown, value)
  }, text)

interface Ports {
  readonly main: number
  readonly mtls: number
  readonly sallyport: number
}

/** Writes what the proxy needs and says how it is started. */
type Configure = (folder: string, ports: Ports) => readonly [command: string, ...args: string[]]

const configureNginx: Configure = (folder, { main, mtls, sallyport }) => {
  const [mainServer = '', mtlsServer = ''] = blocks('nginx')
  const { certFile, keyFile } = prepared().server
  const common = {
    'auth.example.com;': 'localhost;',
    '/etc/ssl/auth.example.com.pem': certFile,
    '/etc/ssl/auth.example.com.key': keyFile,
    '127.0.0.1:8443': `127.0.0.1:${sallyport}`,
  }
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(folder, name)};`,
  )
  const lines = [
    `daemon off; master_process off; pid ${join(folder, 'pid')}; error_log stderr; events {}`,
    `http { access_log off; ${temporary.join(' ')}`,
    filled(mainServer, { ...common, 'listen 443': `listen 127.0.0.1:${main}` }),
    filled(mtlsServer, { ...common, 'listen 8444': `listen 127.0.0.1:${mtls}` }),
    '}',
  ]
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, lines.join('\n'))
  return ['nginx', '-p', folder, '-c', file]
}

const configureHaproxy: Configure = (folder, { main, mtls, sallyport }) => {
  const [example = ''] = blocks('haproxy')
  const { certFile, keyFile } = prepared().server
  const both = join(folder, 'both.pem')
  writeFileSync(both, readFileSync(certFile, 'utf8') + readFileSync(keyFile, 'utf8'))
  const file = join(folder, 'haproxy.cfg')
  writeFileSync(
    file,
    filled(example, {
      'bind :443 ': `bind 127.0.0.1:${main} `,
      'bind :8444 ': `bind 127.0.0.1:${mtls} `,
      '/etc/ssl/auth.example.com.pem': both,
      '/etc/ssl/client-authorities.pem': prepared().server.caFile,
      '127.0.0.1:8443': `127.0.0.1:${sallyport}`,
    }),
  )
  return ['haproxy', '-db', '-f', file]
}

/** Resolves when the port answers; rejects with what the proxy says when it ends before. */
async function answers(port: number, child: ChildProcess, said: () => string): Promise<void> {
  const ended = once(child, 'close').then(() => assert.fail(`the proxy ended: ${said()}`))
  // It ends as well when its test does, and then nobody listens.
  ended.catch(() => {})
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await Promise.race([
      once(socket, 'connect').then(
        () => true,
        () => false,
      ),
      ended,
    ])
    socket.destroy()
    if (isOpen) return
  }
}

async function startProxy(t: TestContext, configure: Configure, ports: Ports): Promise<void> {
  const folder = join(temporaryFolder(t), 'proxy')
  mkdirSync(folder)
  const [command, ...args] = configure(folder, ports)
  const child = spawn(command, args)
  let said = ''
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  }
  t.after(async () => {
    if (child.exitCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'close')
  })
  await answers(ports.mtls, child, () => said)
}

interface Behind {
  readonly running: Running
  readonly main: Place
  readonly mtls: Place
}

async function startBehind(
  t: TestContext,
  preset: ForwardedCertificatePreset,
  configure: Configure,
): Promise<Behind> {
  const [main = 0, mtls = 0, sallyport = 0] = await freePorts(3)
  const running = await serve(t, prepared(), {
    listen_port: sallyport,
    base_url: `https://localhost:${main}`,
    mtls_base_url: `https://localhost:${mtls}`,
    proxies: ['127.0.0.1'],
    client_certificate_header: preset,
  })
  await startProxy(t, configure, { main, mtls, sallyport })
  const { ca } = prepared()
  return { running, main: { port: main, ca }, mtls: { port: mtls, ca } }
}

const invalidClient = '{"error":"invalid_client","error_description":"Client authentication failed."}'

const assertInvalidClient = ({ status, text }: TlsAnswer): void =>
  assert.deepEqual([status, text], [401, invalidClient])

/** The certificate that the token is bound to. */
function thumbprintIn({ status, text, json }: TlsAnswer): unknown {
  assert.equal(status, 200, text)
  return JSON.parse(Buffer.from(json.access_token.split('.')[1], 'base64url').toString()).cnf['x5t#S256']
}

interface Proxy {
  readonly preset: ForwardedCertificatePreset
  readonly configure: Configure
  /** Whether it hands on what came beside the certificate. */
  readonly bringsChain: boolean
}

const proxies: Readonly<Record<string, Proxy>> = {
  nginx: { preset: 'nginx', configure: configureNginx, bringsChain: false },
  haproxy: { preset: 'haproxy', configure: configureHaproxy, bringsChain: true },
}

for (const [program, { preset, configure, bringsChain }] of Object.entries(proxies)) {
  const isThere = spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
  // Where the project is checked for everybody it is there, or the test fails.
  const options = { skip: isThere ? false : `install ${program} to run this` }

  test(
    `RFC 8705 §2: behind ${program}, as the manual sets it up, a certificate proves and binds`,
    options,
    async (t) => {
      const { running, main, mtls } = await startBehind(t, preset, configure)
      const { leaf, below, intermediate, selfSigned } = prepared()
      const metadata = await request(main, 'GET /.well-known/oauth-authorization-server/acme HTTP/1.1', {})
      const alias = new URL(metadata.json.mtls_endpoint_aliases.token_endpoint)
      assert.equal(alias.port, String(mtls.port))
      const proven = await askByCertificate(mtls, 'robot', { leaf }, alias.pathname)
      assert.equal(thumbprintIn(proven), leaf.certificate.thumbprintSha256)
      const pinned = await askByCertificate(mtls, 'pinned', { leaf: selfSigned })
      assert.equal(thumbprintIn(pinned), selfSigned.certificate.thumbprintSha256)
      const longer = await askByCertificate(mtls, 'robot', { leaf: below, chain: [intermediate] })
      if (bringsChain) assert.equal(thumbprintIn(longer), below.certificate.thumbprintSha256)
      else assertInvalidClient(longer)
      const headers = [
        'X-Forwarded-For: 6.6.6.6',
        'X-Forwarded-Host: evil.example',
        'X-Forwarded-Proto: http',
      ]
      thumbprintIn(await askByCertificate(mtls, 'robot', { leaf, headers }))
      assert.equal((await running.stop()).code, 0)
      assert.doesNotMatch(running.stdout(), /6\.6\.6\.6|evil/)
    },
  )

  test(
    `trust F30: behind ${program}, what is no good certificate gets the one 401, whatever the headers say`,
    options,
    async (t) => {
      const { main, mtls } = await startBehind(t, preset, configure)
      const { leaf, stranger, expired, selfSigned } = prepared()
      const base64 = leaf.der.toString('base64')
      const forged = [
        `Client-Cert: ${base64}`,
        `client_cert: ${base64}`,
        `Ssl-Client-Cert: ${encodeURIComponent(leaf.pem)}`,
        `SSL_CLIENT_CERT: ${encodeURIComponent(leaf.pem)}`,
        'Ssl-Client-Verify: SUCCESS',
        'Connection: Client-Cert, Ssl-Client-Cert',
      ]
      for (const headers of [[], forged, [...forged, ...forged]]) {
        assertInvalidClient(await askByCertificate(mtls, 'robot', { headers }))
        assertInvalidClient(await askByCertificate(mtls, 'robot', { headers, leaf: stranger }))
        assertInvalidClient(await askByCertificate(main, 'robot', { headers, leaf }))
      }
      assertInvalidClient(await askByCertificate(mtls, 'pinned', { leaf: expired, headers: forged }))
      assertInvalidClient(await askByCertificate(mtls, 'pinned', { leaf }))
      const own = await askByCertificate(mtls, 'pinned', { leaf: selfSigned, headers: forged })
      assert.equal(thumbprintIn(own), selfSigned.certificate.thumbprintSha256)
    },
  )

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(
      `trust F30: behind ${program}, no session of any port is taken up where certificates count (${version})`,
      options,
      async (t) => {
        const { main, mtls } = await startBehind(t, preset, configure)
        const { leaf } = prepared()
        const [atMain, atMtls] = [
          { ...main, version },
          { ...mtls, version },
        ]
        const { session } = await askByCertificate(atMain, 'robot')
        const crossed = await askByCertificate(atMtls, 'robot', { session })
        assertInvalidClient(crossed)
        const proven = await askByCertificate(atMtls, 'robot', { leaf })
        thumbprintIn(proven)
        const without = await askByCertificate(atMtls, 'robot', { session: proven.session })
        assertInvalidClient(without)
        assert.deepEqual([crossed.isResumed, without.isResumed], [false, false])
      },
    )
  }
}

/** As AWS escapes: `+`, `=` and `/` stay. */
const escapeForAws = (text: string): string =>
  encodeURIComponent(text).replaceAll('%2B', '+').replaceAll('%3D', '=').replaceAll('%2F', '/')

const pemBody = (pem: string): string => pem.replaceAll(/-----[A-Z ]+-----|\s/g, '')

/** What each proxy sends of a certificate and the one beside it. */
const recorded: Readonly<
  Record<string, readonly [preset: ForwardedCertificatePreset, write: () => Readonly<Record<string, string>>]>
> = {
  'RFC 9440': [
    'rfc9440',
    () => ({
      'Client-Cert': `:${prepared().below.der.toString('base64')}:`,
      'Client-Cert-Chain': `:${prepared().intermediate.der.toString('base64')}:`,
    }),
  ],
  Envoy: [
    'envoy',
    () => {
      const { pem } = prepared().below
      const chain = encodeURIComponent(pem + prepared().intermediate.pem)
      const elements = [`Hash=${'0'.repeat(64)}`, `Cert="${encodeURIComponent(pem)}"`, `Chain="${chain}"`]
      return { 'X-Forwarded-Client-Cert': elements.join(';') }
    },
  ],
  Traefik: [
    'traefik',
    () => ({
      'X-Forwarded-Tls-Client-Cert': [prepared().below, prepared().intermediate]
        .map(({ pem }) => pemBody(pem))
        .join(','),
    }),
  ],
  'AWS ALB': [
    'aws_alb',
    () => ({ 'X-Amzn-Mtls-Clientcert': escapeForAws(prepared().below.pem + prepared().intermediate.pem) }),
  ],
}

for (const [name, [preset, write]] of Object.entries(recorded)) {
  test(`RFC 8705 §2, trust F30: the header as ${name} writes it counts from a listed proxy, and from nobody else`, async (t) => {
    const [listed = 0, foreign = 0] = await freePorts(2)
    const settings = { client_certificate_header: preset }
    await serve(t, prepared(), { ...settings, listen_port: listed, proxies: ['127.0.0.1'] })
    await serve(t, prepared(), { ...settings, listen_port: foreign, proxies: ['192.0.2.1'] })
    const send = (port: number, headers: Readonly<Record<string, string>>) =>
      askPlain(`http://127.0.0.1:${port}/acme/oauth2/token`, {
        method: 'POST',
        headers: {
          ...headers,
          'X-Forwarded-Proto': 'https',
          'Content-Type': 'application/x-www-form-urlencoded',
        },
        body: 'grant_type=client_credentials&client_id=robot',
      })
    const { status, text } = await send(listed, write())
    assert.equal(status, 200, text)
    const { cnf } = JSON.parse(
      Buffer.from(JSON.parse(text).access_token.split('.')[1], 'base64url').toString(),
    )
    assert.equal(cnf['x5t#S256'], prepared().below.certificate.thumbprintSha256)
    assert.equal((await send(listed, {})).status, 401)
    const others = Object.entries(recorded).filter(([other]) => other !== name)
    for (const [, [, writeOther]] of others) assert.equal((await send(listed, writeOther())).status, 401)
    assert.equal((await send(foreign, write())).status, 403)
  })
}

/** What the manual shows of a refusal is what is logged. */
test('operations: a refused certificate stands in the log as the manual shows it', async (t) => {
  const [port = 0, mtlsPort = 0] = await freePorts(2)
  const running = await serve(t, prepared(), { listen_port: port, mtls_port: mtlsPort })
  const { headers } = await askByCertificate({ port: mtlsPort, ca: prepared().ca }, 'robot', {
    leaf: prepared().expired,
  })
  const { stdout } = await running.stop()
  const id = headers['x-request-id'] ?? ''
  const logged = JSON.parse(stdout.split('\n').find((line) => line.includes(id)) ?? '{}')
  const shown = JSON.parse(blocks('json').find((text) => text.includes('"the client certificate')) ?? '{}')
  assert.deepEqual(Object.keys(shown), Object.keys(logged))
  assert.deepEqual(
    [shown.msg, shown.code, shown.reason, shown.status],
    [logged.msg, logged.code, logged.reason, logged.status],
  )
})
