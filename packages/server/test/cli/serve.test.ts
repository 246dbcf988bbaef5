/** `sallyport serve` as an operator runs it: configuration, certificates, proxies, PostgreSQL, health, logs, and the end. */

import assert from 'node:assert/strict'
import { randomBytes, X509Certificate } from 'node:crypto'
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { connect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { ensureLocalCertificate, type LocalCertificate } from '../../src/dev/local-ca.ts'
import { systemEffects } from '../../src/effects.ts'
import { startPostgres, withoutPostgres } from '../postgres.ts'
import { temporaryFolder } from '../store/each-store.ts'
import {
  type Answer,
  ask,
  askToken,
  freePorts,
  occupy,
  type Running,
  type RunOptions,
  run,
  startFor,
} from './processes.ts'

const example = fileURLToPath(new URL('../../../../docs/examples/acme.yaml', import.meta.url))

/** One tenant in an embedded database, and certificates of different authorities, the third of which has ended. */
const prepared = { root: '', secret: ['', ''] as readonly [string, string] }
const certificates: LocalCertificate[] = []

async function applyExample(options: RunOptions, ...args: string[]): Promise<readonly [string, string]> {
  const { code, stdout, stderr } = await run(['apply', example, '--json', ...args], options)
  assert.equal(code, 0, stderr)
  const [made] = JSON.parse(stdout).generated
  return [made.client_id, made.client_secret]
}

before(async () => {
  prepared.root = mkdtempSync(join(tmpdir(), 'sallyport-serve-'))
  prepared.secret = await applyExample({}, '--data', join(prepared.root, 'data'))
  for (const [name, ageDays] of [
    ['first', 0],
    ['second', 0],
    ['ended', 400],
  ] as const) {
    const folder = join(prepared.root, name)
    const effects = { ...systemEffects, clock: () => systemEffects.clock() - ageDays * 86_400 }
    certificates.push(await ensureLocalCertificate({ folder, hosts: ['localhost', '127.0.0.1'], effects }))
  }
})
after(() => rmSync(prepared.root, { recursive: true }))

const certificate = (index: number): LocalCertificate => {
  const found = certificates[index]
  assert.ok(found)
  return found
}

/** A configuration file for one test: loopback, data of its own, the first certificate. */
function configure(
  t: TestContext,
  settings: Readonly<Record<string, unknown>>,
): { file: string; folder: string } {
  const folder = temporaryFolder(t)
  cpSync(join(prepared.root, 'data'), join(folder, 'data'), { recursive: true })
  const file = join(folder, 'sallyport.yaml')
  const { certFile, keyFile } = certificate(0)
  const tls = 'proxies' in settings ? {} : { tls_certificate_file: certFile, tls_key_file: keyFile }
  const base = { base_url: 'https://localhost', listen_host: '127.0.0.1', data_folder: join(folder, 'data') }
  const lines = Object.entries({ ...base, ...tls, ...settings }).map(
    ([name, value]) => `${name}: ${JSON.stringify(value)}\n`,
  )
  writeFileSync(file, lines.join(''))
  return { file, folder }
}

const serve = (t: TestContext, file: string, args: readonly string[] = [], options: RunOptions = {}) =>
  startFor(t, ['serve', '--config', file, ...args], options)

const isReady = /"msg":"ready"/

const logLines = (output: string): Record<string, unknown>[] =>
  output
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

const askFor = (port: number, ca: string): Promise<Answer> =>
  askToken(`https://localhost:${port}/acme/oauth2/token`, prepared.secret, { ca })

test('contract: serve reads its file, lets variables override it and flags override both, and SIGTERM drains', async (t) => {
  const [ofFile = 0, ofVariable = 0, ofFlag = 0] = await freePorts(3)
  const { file } = configure(t, { listen_port: ofFile })
  const running = serve(t, file, ['--listen-port', String(ofFlag)], {
    environment: { SALLYPORT_LISTEN_PORT: String(ofVariable) },
  })
  await running.says(isReady)
  const { caFile: ca } = certificate(0)
  assert.equal((await askFor(ofFlag, ca)).status, 200)
  const { code, stdout, stderr } = await running.stop()
  assert.deepEqual([code, stderr], [0, ''])
  const lines = logLines(stdout)
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    ['ready', 'token issued', 'draining', 'stopped'],
  )
  assert.deepEqual([lines[0]?.port, lines[0]?.url, lines[3]?.reason], [ofFlag, 'https://localhost', 'clean'])
})

test('trust R19: with drain_notice_seconds new connections are answered for as long', async (t) => {
  const [port = 0] = await freePorts(1)
  const { file } = configure(t, { listen_port: port, drain_notice_seconds: 1 })
  const running = serve(t, file)
  await running.says(isReady)
  const { caFile: ca } = certificate(0)
  const startedAt = performance.now()
  const stopped = running.stop()
  let answeredAt = startedAt
  try {
    for (;;) {
      assert.equal((await askFor(port, ca)).status, 200)
      answeredAt = performance.now()
    }
  } catch (error) {
    assert.match(String((error as NodeJS.ErrnoException).code), /^ECONN/)
  }
  assert.ok(answeredAt - startedAt > 600, `${answeredAt - startedAt} ms`)
  assert.equal((await stopped).code, 0)
})

test('contract: a configuration that cannot be is refused with every problem and exit code 2', async (t) => {
  const { file } = configure(t, { listen_prot: 1, log_level: 'loud' })
  const { code, stderr } = await run(['serve', '--config', file, '--http-port', 'x'], {
    environment: { SALLYPORT_BASE_ULR: 'https://a.example' },
  })
  assert.equal(code, 2)
  const [heading, ...problems] = stderr.trimEnd().split('\n')
  assert.equal(heading, 'The configuration cannot be used:')
  assert.deepEqual(
    problems.map((problem) => problem.trim().replace(`${file}: `, '').split(':')[0]),
    ['listen_prot', 'SALLYPORT_BASE_ULR', '--http-port', 'log_level'],
  )
})

test('contract: a configuration file that is missing, no YAML, or full of aliases is one sentence and exit code 2', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'bad.yaml'), 'base_url: [\n')
  writeFileSync(join(folder, 'alias.yaml'), 'base_url: &a https://a.example\nlisten_host: *a\n')
  for (const [name, sentence] of [
    ['missing.yaml', /^The configuration file missing\.yaml cannot be read\./],
    ['bad.yaml', /^bad\.yaml:2:\d+: it is not valid YAML\./],
    ['alias.yaml', /^alias\.yaml uses YAML aliases/],
  ] as const) {
    const { code, stderr } = await run(['serve', '--config', name], { cwd: folder })
    assert.match(stderr, sentence)
    assert.deepEqual([code, stderr.trimEnd().split('\n').length], [2, 1])
  }
})

test('trust F30: broken certificate files are one sentence and exit code 3', async (t) => {
  const { file } = configure(t, { tls_certificate_file: '/nowhere/cert.pem' })
  const { code, stderr } = await run(['serve', '--config', file])
  assert.deepEqual([code, stderr], [3, 'The TLS certificate file /nowhere/cert.pem does not exist.\n'])
})

test('contract: a port that cannot be had is one sentence that names its setting, and exit code 3', async (t) => {
  const busy = await occupy(t)
  const [port = 0] = await freePorts(1)
  for (const settings of [{ listen_port: busy }, { listen_port: port, metrics_port: busy }]) {
    const { file } = configure(t, settings)
    const { code, stderr } = await run(['serve', '--config', file])
    const name = 'metrics_port' in settings ? 'metrics_port' : 'listen_port'
    assert.equal(
      stderr,
      `Port ${busy} is already in use. Stop the other program or choose another port with ${name}.\n`,
    )
    assert.equal(code, 3)
  }
})

/** The fingerprint of the certificate that a new connection meets. */
function presented(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256)
      socket.destroy()
    }).on('error', reject)
  })
}

/** In seconds since 1970. */
const endOf = (index: number): number =>
  Date.parse(new X509Certificate(readFileSync(certificate(index).certFile)).validTo) / 1000

test('issue 2 item 8: renewed certificate files are taken on SIGHUP, and broken ones leave the old pair in use', async (t) => {
  const [port = 0, metricsPort = 0] = await freePorts(2)
  const folder = temporaryFolder(t)
  const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
  const install = (index: number) => {
    copyFileSync(certificate(index).certFile, files.certFile)
    copyFileSync(certificate(index).keyFile, files.keyFile)
  }
  install(0)
  const { file } = configure(t, {
    listen_port: port,
    metrics_port: metricsPort,
    tls_certificate_file: files.certFile,
    tls_key_file: files.keyFile,
  })
  const running = serve(t, file)
  await running.says(isReady)
  const first = await presented(port)
  const shownEnd = async () => {
    const { text } = await ask(`http://127.0.0.1:${metricsPort}/metrics`)
    return Number(/^sallyport_certificate_expires_seconds (\d+)$/m.exec(text)?.[1])
  }
  assert.equal(await shownEnd(), endOf(0))
  install(1)
  running.child.kill('SIGHUP')
  await running.says(/"msg":"certificate renewed"/)
  const second = await presented(port)
  assert.notEqual(second, first)
  assert.equal((await askFor(port, certificate(1).caFile)).status, 200)
  writeFileSync(files.certFile, 'no certificate')
  running.child.kill('SIGHUP')
  await running.says(/The certificate loaded before stays in use/)
  assert.equal(await presented(port), second)
  assert.doesNotMatch(running.stdout(), /expired on/)
  install(2)
  running.child.kill('SIGHUP')
  await running.says(/cert\.pem expired on/)
  assert.equal(await shownEnd(), endOf(2))
})

test('operations: a start with a certificate that has ended says so', async (t) => {
  const [port = 0] = await freePorts(1)
  const { certFile, keyFile } = certificate(2)
  const { file } = configure(t, {
    listen_port: port,
    tls_certificate_file: certFile,
    tls_key_file: keyFile,
  })
  assert.match(await serve(t, file).says(isReady), /"level":"warn".*expired on/)
})

test('issue 2 item 8: behind a listed proxy the main port speaks plain HTTP to it, and to nobody else', async (t) => {
  const [port = 0, foreign = 0] = await freePorts(2)
  const url = (at: number) => `http://127.0.0.1:${at}/acme/oauth2/token`
  const forwarded = { headers: { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '192.0.2.7' } }
  const listed = serve(t, configure(t, { listen_port: port, proxies: ['127.0.0.1'] }).file)
  const other = serve(t, configure(t, { listen_port: foreign, proxies: ['10.0.0.0/8'] }).file)
  await Promise.all([listed.says(isReady), other.says(isReady)])
  assert.equal((await askToken(url(port), prepared.secret, forwarded)).status, 200)
  assert.equal(
    (await askToken(url(port), prepared.secret)).status,
    403,
    'the proxy does not say that TLS ended there',
  )
  assert.equal((await askToken(url(foreign), prepared.secret, forwarded)).status, 403)
  const refused = await askToken(url(port), [prepared.secret[0], 'wrong'], forwarded)
  assert.equal(refused.status, 401)
  const { stdout } = await listed.stop()
  const line = logLines(stdout).find(({ request_id: id }) => id === refused.headers['x-request-id'])
  assert.deepEqual(
    [line?.msg, line?.code, line?.client_address],
    ['token refused', 'invalid_client', '192.0.2.7'],
  )
})

test('issue 2 item 6: the id of a refusal leads to its true reason in the log, and no secret stands there', async (t) => {
  const [port = 0] = await freePorts(1)
  const running = serve(t, configure(t, { listen_port: port }).file)
  await running.says(isReady)
  const { caFile: ca } = certificate(0)
  const url = `https://localhost:${port}/acme/oauth2/token`
  const unknown = await askToken(url, ['nobody', 'canary-secret'], { ca })
  const wrong = await askToken(url, [prepared.secret[0], 'canary-secret'], { ca })
  assert.equal(unknown.text, wrong.text)
  const { stdout } = await running.stop()
  const reasons = [unknown, wrong].map(({ headers }) => {
    const line = logLines(stdout).find(({ request_id: id }) => id === headers['x-request-id'])
    return line?.reason
  })
  assert.ok(reasons[0] && reasons[1] && reasons[0] !== reasons[1], String(reasons))
  assert.doesNotMatch(stdout, /canary/)
})

test('issue 2 item 10: log_tokens off leaves tokens out of the log, and the metrics listener counts them', async (t) => {
  const [port = 0, metricsPort = 0] = await freePorts(2)
  const { file } = configure(t, { listen_port: port, metrics_port: metricsPort, log_tokens: false })
  const running = serve(t, file)
  await running.says(isReady)
  const { caFile: ca } = certificate(0)
  await askFor(port, ca)
  const { status, text } = await ask(`http://127.0.0.1:${metricsPort}/metrics`)
  assert.equal(status, 200)
  assert.match(text, /^sallyport_token_requests_total\{tenant="acme",outcome="ok"\} 1$/m)
  assert.equal((await ask(`https://localhost:${port}/metrics`, { ca })).status, 404)
  assert.equal((await ask(`https://localhost:${port}/livez`, { ca })).status, 200)
  assert.equal((await ask(`https://localhost:${port}/readyz`, { ca })).status, 200)
  const { stdout } = await running.stop()
  assert.doesNotMatch(stdout, /token issued/)
})

test('issue 2: a server without tenants starts, and says how to get one', async (t) => {
  const [port = 0] = await freePorts(1)
  const { file, folder } = configure(t, { listen_port: port, data_folder: join(temporaryFolder(t), 'new') })
  assert.ok(folder)
  const running = serve(t, file)
  assert.match(
    await running.says(isReady),
    /there are no tenants yet: .*manage tenants create.*sallyport apply/,
  )
})

const answersSo = async (running: Running, url: string, ca: string, status: number): Promise<Answer> => {
  for (;;) {
    const answer = await ask(url, { ca })
    if (answer.status === status) return answer
    assert.equal(running.child.exitCode, null, running.stderr())
  }
}

test('issue 2 item 10: on PostgreSQL two nodes share one master key, and readiness follows the database', {
  skip: withoutPostgres,
}, async (t) => {
  const postgres = await startPostgres()
  t.after(() => postgres.close())
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'url'), `${postgres.url}\n`)
  const environment = {
    SALLYPORT_DATABASE_URL_FILE: join(folder, 'url'),
    SALLYPORT_MASTER_KEY: randomBytes(32).toString('base64url'),
  }
  const secret = await applyExample({ environment })
  const ports = await freePorts(2)
  const nodes = ports.map((port) => serve(t, configure(t, { listen_port: port }).file, [], { environment }))
  await Promise.all(nodes.map((node) => node.says(isReady)))
  const { caFile: ca } = certificate(0)
  for (const port of ports)
    assert.equal((await askToken(`https://localhost:${port}/acme/oauth2/token`, secret, { ca })).status, 200)

  const wrongKey = { ...environment, SALLYPORT_MASTER_KEY: randomBytes(32).toString('base64url') }
  const refused = await run(['serve', '--config', configure(t, {}).file], { environment: wrongKey })
  assert.equal(refused.code, 3)
  assert.match(refused.stderr, /^The master key is not the one that sealed this database\. .*\n$/)

  const [node] = nodes
  assert.ok(node)
  const readyz = `https://localhost:${ports[0]}/readyz`
  await postgres.stop()
  const down = await answersSo(node, readyz, ca, 503)
  assert.deepEqual(JSON.parse(down.text).failing, ['database'])
  assert.equal((await ask(readyz.replace('readyz', 'livez'), { ca })).status, 200)
  const gone = await run(['serve', '--config', configure(t, {}).file], { environment })
  assert.equal(gone.code, 3)
  assert.match(gone.stderr, /^PostgreSQL cannot be reached: .*\n$/)
  await postgres.start()
  await answersSo(node, readyz, ca, 200)
  for (const { code } of await Promise.all(nodes.map((each) => each.stop()))) assert.equal(code, 0)
})
