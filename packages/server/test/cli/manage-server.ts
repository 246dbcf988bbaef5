// A running server with an operator, and the command line as that operator's: what the tests of `sallyport manage` share.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ensureLocalCertificate } from '../../src/dev/local-ca.ts'
import { systemEffects } from '../../src/effects.ts'
import { freePorts, type Outcome, type Running, type RunOptions, run, start } from './processes.ts'

const example = fileURLToPath(new URL('../../../../docs/examples/acme.yaml', import.meta.url))

export type Secret = readonly [id: string, secret: string]

export interface ManagedServer {
  readonly folder: string
  readonly url: string
  readonly ca: string
  readonly operator: Secret
}

/** An app that may manage, made on the server's own host. */
export async function addOperator(
  folder: string,
  name: string,
  ...place: readonly string[]
): Promise<Secret> {
  const args = ['operators', 'add', name, '--data', join(folder, 'data'), '--json', ...place]
  const { code, stdout, stderr } = await run(args)
  assert.equal(code, 0, stderr)
  const { client_id, client_secret } = JSON.parse(stdout)
  return [client_id, client_secret]
}

async function serveIn(folder: string, port: number): Promise<{ running: Running; ca: string }> {
  const hosts = ['localhost', '127.0.0.1']
  const { caFile, certFile, keyFile } = await ensureLocalCertificate({
    folder,
    hosts,
    effects: systemEffects,
  })
  const settings = {
    ...{ base_url: `https://localhost:${port}`, listen_host: '127.0.0.1', listen_port: port },
    ...{ data_folder: join(folder, 'data'), tls_certificate_file: certFile, tls_key_file: keyFile },
    // So that an issuer can be named where no DNS is.
    outbound_allowed_networks: ['127.0.0.0/8', '::1/128'],
  }
  const file = join(folder, 'sallyport.yaml')
  writeFileSync(file, JSON.stringify(settings))
  const running = start(['serve', '--config', file])
  await running.says(/"msg":"ready"/)
  return { running, ca: caFile }
}

/** One for all tests of a file; what it gives is there once they run. */
export function useServer(): () => ManagedServer {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-manage-'))
  const made: { server?: ManagedServer; running?: Running } = {}
  before(async () => {
    const { code, stderr } = await run(['apply', example, '--data', join(folder, 'data')])
    assert.equal(code, 0, stderr)
    const operator = await addOperator(folder, 'first')
    const [port = 0] = await freePorts(1)
    const { running, ca } = await serveIn(folder, port)
    made.running = running
    made.server = { folder, url: `https://localhost:${port}`, ca, operator }
  })
  after(async () => {
    await made.running?.stop()
    rmSync(folder, { recursive: true })
  })
  return () => {
    assert.ok(made.server)
    return made.server
  }
}

export const environmentOf = ({ url, ca }: ManagedServer, [id, secret]: Secret): Record<string, string> => ({
  ...{ SALLYPORT_URL: url, SALLYPORT_CLIENT_ID: id, SALLYPORT_CLIENT_SECRET: secret, SALLYPORT_CA: ca },
})

/** `sallyport manage` as the server's operator, or as somebody else. */
export function manage(
  server: ManagedServer,
  args: readonly string[],
  { as = server.operator, ...options }: RunOptions & { readonly as?: Secret } = {},
): Promise<Outcome> {
  const environment = { ...environmentOf(server, as), ...options.environment }
  return run(['manage', ...args], { ...options, environment })
}

/** What it prints as JSON; it must succeed. */
export async function manageJson(
  server: ManagedServer,
  args: readonly string[],
  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is for the test to say.
): Promise<any> {
  const { code, stdout, stderr } = await manage(server, [...args, '--json'])
  assert.deepEqual([code, stderr], [0, ''], stdout)
  return JSON.parse(stdout)
}
