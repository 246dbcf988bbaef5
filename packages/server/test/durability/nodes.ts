/** `sallyport serve` on one database, as many processes of it as a test wants, asked over HTTP and killed as it likes. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { StoreLocation } from '../../src/open-store.ts'
import { basic, freePorts, type Running, run, startFor } from '../cli/processes.ts'
import { freshAddress } from '../oauth/answers.ts'
import { type StoreSuite, temporaryFolder } from '../store/each-store.ts'

export interface Site {
  readonly folder: string
  readonly location: StoreLocation
  credential(tenantId: string, appId: string): readonly [clientId: string, clientSecret: string]
  /** `flags` of `serve`, beside those that name the ports. */
  start(t: TestContext, flags?: readonly string[]): Promise<Node>
}

export interface NodeReply {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers whose shape is what they assert
  readonly json: any
  readonly text: string
}

export interface NodeRequest {
  readonly basic?: readonly [clientId: string, clientSecret: string]
  readonly dpop?: string
}

export interface Node {
  readonly running: Running
  /** POSTs a form; rejects when the connection ends before the answer has come. */
  post(path: string, form: Readonly<Record<string, string>>, more?: NodeRequest): Promise<NodeReply>
  /** `kill -9`. */
  kill(): Promise<void>
}

/** Where tenants are served in these tests: `https://localhost/{tenant}`. */
export const issuerOf = (tenantId: string): string => `https://localhost/${tenantId}`

/** `databaseUrl` for PostgreSQL; without it, SQLite in the folder. */
export async function prepareSite(
  t: TestContext,
  blueprint: string,
  databaseUrl: string | null,
): Promise<Site> {
  const folder = temporaryFolder(t)
  const location: StoreLocation = {
    data_folder: join(folder, 'data'),
    database_url: databaseUrl,
    master_key: randomBytes(32).toString('base64url'),
  }
  const { master_key: SALLYPORT_MASTER_KEY, ...places } = location
  const environment = { SALLYPORT_MASTER_KEY: SALLYPORT_MASTER_KEY ?? '' }
  const settings = {
    ...{ base_url: 'https://localhost', listen_host: '127.0.0.1', proxies: ['127.0.0.1'] },
    ...(databaseUrl === null ? { data_folder: places.data_folder } : { database_url: databaseUrl }),
  }
  const config = join(folder, 'sallyport.yaml')
  const file = join(folder, 'blueprint.yaml')
  writeFileSync(config, JSON.stringify(settings))
  writeFileSync(file, blueprint)
  const { code, stdout, stderr } = await run(['apply', file, '--json', '--config', config], { environment })
  assert.equal(code, 0, stdout + stderr)
  const made: { tenant: string; app: string; client_id: string; client_secret: string }[] =
    JSON.parse(stdout).generated
  return {
    folder,
    location,
    credential(tenantId, appId) {
      const found = made.find(({ tenant, app }) => tenant === tenantId && app === appId)
      assert.ok(found, stdout)
      return [found.client_id, found.client_secret]
    },
    async start(t, flags = []) {
      const [port = 0, metricsPort = 0] = await freePorts(2)
      const ports = ['--listen-port', `${port}`, '--metrics-port', `${metricsPort}`]
      const running = startFor(t, ['serve', '--config', config, ...ports, ...flags], { environment })
      await running.says(/"msg":"ready"/)
      return connect(running, port)
    },
  }
}

function connect(running: Running, port: number): Node {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  return {
    running,
    post: (path, form, more = {}) => post({ port, agent, path, form, more }),
    async kill() {
      await running.stop('SIGKILL')
      agent.destroy()
    },
  }
}

interface Post {
  readonly port: number
  readonly agent: Agent
  readonly path: string
  readonly form: Readonly<Record<string, string>>
  readonly more: NodeRequest
}

function post({ port, agent, path, form, more }: Post): Promise<NodeReply> {
  const body = new URLSearchParams(form).toString()
  const headers = {
    'Content-Type': 'application/x-www-form-urlencoded',
    'Content-Length': body.length,
    'X-Forwarded-Proto': 'https',
    // From a network that nobody has been refused from: guessing is another test's affair.
    'X-Forwarded-For': freshAddress(),
    ...(more.basic && { Authorization: basic(...more.basic) }),
    ...(more.dpop !== undefined && { DPoP: more.dpop }),
  }
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, agent, path, method: 'POST', headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () => {
        const isJson = response.headers['content-type'] === 'application/json' && text !== ''
        resolve({ status: response.statusCode ?? 0, text, json: isJson ? JSON.parse(text) : null })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

export async function databaseUrlFor(
  t: TestContext,
  { engine, prepare }: StoreSuite,
): Promise<string | null> {
  return engine === 'sqlite' ? null : (await prepare(t)).location
}
