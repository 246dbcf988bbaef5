// Client certificates as operators and clients meet them: `serve`, `dev`, revocation lists in files, and curl.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemEffects } from '../../src/effects.ts'
import { daySeconds, type ListOptions, revoke } from '../certificates/issue.ts'
import { askByCertificate, keyPem } from '../http/mtls-client.ts'
import { temporaryFolder } from '../store/each-store.ts'
import { configure, logLines, operations, serve, usePrepared } from './mtls-serve.ts'
import { ask, freePorts, occupy, run, startFor } from './processes.ts'

const prepared = usePrepared()

/** A list of the prepared authority that is in force today. */
async function listOf(options: ListOptions = {}): Promise<string> {
  const now = systemEffects.clock()
  const inForce = { thisUpdateAt: now - daySeconds, nextUpdateAt: now + daySeconds }
  return (await revoke(prepared().authority, { ...inForce, ...options })).pem
}

/** As an administrator should: half a file is never seen. */
function put(file: string, text: string): void {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}

async function serveMtls(t: TestContext, settings: Readonly<Record<string, unknown>> = {}) {
  const [main = 0, port = 0] = await freePorts(2)
  const running = await serve(t, prepared(), { listen_port: main, mtls_port: port, ...settings })
  return { running, main: { port: main, ca: prepared().ca }, mtls: { port, ca: prepared().ca } }
}

const hasCurl = spawnSync('curl', ['--version']).status === 0

test('RFC 8705 §2: curl with --cert and --key gets a token, as docs/operations.md has it', {
  skip: hasCurl ? false : 'install curl to run this',
}, async (t) => {
  const { mtls } = await serveMtls(t)
  const folder = temporaryFolder(t)
  const [cert, key] = [join(folder, 'billing.pem'), join(folder, 'billing.key')]
  writeFileSync(cert, prepared().leaf.pem)
  writeFileSync(key, keyPem(prepared().leaf))
  const command = /^curl --cert [\s\S]*?(?=\n```)/m.exec(operations)?.[0] ?? ''
  const filled = command
    .replace('billing.pem', cert)
    .replace('billing.key', key)
    .replace('CLIENT_ID', 'robot')
    .replace('https://auth.example.com:8444', `https://localhost:${mtls.port}`)
    .replace('curl', `curl --silent --show-error --cacert ${prepared().server.caFile}`)
  const child = spawn('bash', ['-c', filled])
  let text = ''
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', (chunk: Buffer) => {
      text += chunk
    })
  }
  await once(child, 'close')
  assert.equal(JSON.parse(text).token_type, 'Bearer', `${filled}\n${text}`)
})

test('trust F30: a list that is replaced counts without a restart, and one that cannot be used lets nobody in', async (t) => {
  const file = join(temporaryFolder(t), 'acme.crl')
  const { leaf } = prepared()
  put(file, await listOf())
  const { running, mtls } = await serveMtls(t, { client_certificate_revocation_lists: [file] })
  const asked = async (status: number) => {
    const answer = await askByCertificate(mtls, 'robot', { leaf })
    assert.equal(answer.status, status, answer.text)
    if (status === 401) assert.equal(answer.json.error, 'invalid_client')
  }
  const lookAgain = async (says: RegExp) => {
    const before = logLines(running).length
    running.child.kill('SIGHUP')
    const isSaid = () =>
      logLines(running)
        .slice(before)
        .some(({ msg }) => says.test(String(msg)))
    while (!isSaid()) await once(running.child.stdout ?? running.child, 'data')
  }
  await asked(200)
  put(file, await listOf({ serials: [leaf.serial] }))
  await lookAgain(/^revocation list renewed$/)
  await asked(401)
  await running.says(/"reason":"the client certificate is revoked"/)
  put(file, await listOf())
  await lookAgain(/^revocation list renewed$/)
  await asked(200)
  rmSync(file)
  await lookAgain(/does not exist\. What its authority has issued is refused\.$/)
  await asked(401)
  put(file, 'garbage')
  await lookAgain(/holds no revocation list/)
  await asked(401)
  put(file, await listOf())
  await lookAgain(/^revocation list renewed$/)
  await asked(200)
})

test('trust F30: a revocation list that is missing, garbled or ended is one sentence and exit code 3', async (t) => {
  const folder = temporaryFolder(t)
  const file = join(folder, 'acme.crl')
  for (const [content, sentence] of [
    [null, `The revocation list file ${file} does not exist.\n`],
    ['garbage', `${file} holds no revocation list in DER or PEM form.\n`],
    [(await listOf()).replaceAll(/^.{20}/gm, ''), /^.* (holds no|is no) revocation list.*\.\n$/],
    [
      await listOf({ nextUpdateAt: systemEffects.clock() - 10 }),
      /^The revocation list in .* ended on .*\.\n$/,
    ],
  ] as const) {
    if (content !== null) put(file, content)
    const config = configure(t, prepared(), { client_certificate_revocation_lists: [file] })
    const { code, stdout, stderr } = await run(['serve', '--config', config])
    if (typeof sentence === 'string') assert.equal(stderr, sentence)
    else assert.match(stderr, sentence)
    assert.deepEqual([code, stdout], [3, ''])
  }
})

test('operations: SIGHUP does not end a server that has no files to look at', async (t) => {
  const [port = 0] = await freePorts(1)
  const running = await serve(t, prepared(), { listen_port: port, proxies: ['127.0.0.1'] })
  running.child.kill('SIGHUP')
  assert.equal((await running.stop()).code, 0)
})

const metadataOf = async (url: string, ca: string) =>
  JSON.parse((await ask(`${url}/.well-known/oauth-authorization-server/tokenos`, { ca })).text)

test('RFC 8705 §5: dev names its port for certificates in metadata, unless another program has it', async (t) => {
  const busy = await occupy(t)
  const [port = 0, free = 0] = await freePorts(2)
  const data = join(temporaryFolder(t), 'data')
  const start = (mtlsPort: number) =>
    startFor(t, [
      'dev',
      '--port',
      `${port}`,
      '--http-port',
      '0',
      '--mtls-port',
      `${mtlsPort}`,
      '--api-port',
      '0',
      '--data',
      data,
    ])
  for (const [mtlsPort, isOpen] of [
    [free, true],
    [busy, false],
  ] as const) {
    const running = start(mtlsPort)
    const said = await running.says(/^Sallyport is ready/m)
    assert.equal(/is already in use, so no client certificates are taken\./.test(said), !isOpen)
    const metadata = await metadataOf(`https://localhost:${port}`, join(data, 'ca.pem'))
    const alias = metadata.mtls_endpoint_aliases?.token_endpoint
    assert.equal(alias, isOpen ? `https://localhost:${free}/tokenos/oauth2/token` : undefined)
    assert.equal(metadata.token_endpoint_auth_methods_supported.includes('tls_client_auth'), isOpen)
    await running.stop()
  }
})
