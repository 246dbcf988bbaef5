/** The two APIs of the documents, started beside a development instance: each a process, behind a guard. */

import { fileURLToPath } from 'node:url'
import { startApiProcess } from './api-process.ts'
import type { DemoFile } from './demo-file.ts'
import type { LocalCertificate } from './local-ca.ts'

export interface ExampleApi {
  /** Its folder below examples/. */
  readonly name: string
  readonly tenantId: string
  readonly port: number
}

export interface ExampleApiOptions {
  readonly baseUrl: URL
  readonly certificate: LocalCertificate
  readonly tenants: DemoFile['tenants']
  readonly say: (line: string) => void
}

export interface ExampleApis {
  /** Those that answer, once each of them does or has ended. */
  readonly listening: Promise<readonly ExampleApi[]>
  stop(): Promise<void>
}

const platforms = [
  { name: 'notarizations', tenantId: 'token' },
  { name: 'transactions', tenantId: 'nxtsoft' },
] as const

const highestPort = 65_535

/** One port each, from the first one on, as far as there are ports; none at all for 0. */
export const exampleApisFrom = (firstPort: number): readonly ExampleApi[] =>
  platforms
    .map((platform, index) => ({ ...platform, port: firstPort + index }))
    .filter(({ port }) => firstPort !== 0 && port <= highestPort)

export const urlOf = ({ port }: ExampleApi): string => `https://localhost:${port}`

/** Each in a process of its own: one that fails is told, and stops nothing else. */
export function startExampleApis(apis: readonly ExampleApi[], options: ExampleApiOptions): ExampleApis {
  const started = apis.flatMap((api) => {
    const environment = environmentOf(api, options)
    const file = fileURLToPath(new URL(`../../../../examples/${api.name}/main.ts`, import.meta.url))
    const { say } = options
    return environment === null
      ? []
      : [{ api, running: startApiProcess({ name: api.name, file, environment, say }) }]
  })
  const listening = async () =>
    Promise.all(started.map(async ({ api, running }) => ((await running.isReady) ? [api] : [])))
  return {
    listening: listening().then((found) => found.flat()),
    async stop() {
      await Promise.all(started.map(({ running }) => running.stop()))
    },
  }
}

/** Null where the tenant has no credentials for its API. */
function environmentOf({ tenantId, port }: ExampleApi, options: ExampleApiOptions) {
  const { baseUrl, certificate, tenants } = options
  const credentials = tenants[tenantId]?.introspection
  if (credentials === undefined) return null
  return {
    // Under localhost: Node does not resolve the tenant's own host.
    ISSUER: `${baseUrl.origin}/${tenantId}`,
    CLIENT_ID: credentials.client_id,
    CLIENT_SECRET: credentials.client_secret,
    PORT: String(port),
    TLS_CERTIFICATE_FILE: certificate.certFile,
    TLS_KEY_FILE: certificate.keyFile,
    NODE_EXTRA_CA_CERTS: certificate.caFile,
  }
}

/** `demo.json` with where each API is that answers. */
export const withApiUrls = (demo: DemoFile, apis: readonly ExampleApi[]): DemoFile => ({
  ...demo,
  tenants: Object.fromEntries(
    Object.entries(demo.tenants).map(([id, tenant]) => {
      const api = apis.find(({ tenantId }) => tenantId === id)
      return [id, api === undefined ? tenant : { ...tenant, api_url: urlOf(api) }]
    }),
  ),
})
