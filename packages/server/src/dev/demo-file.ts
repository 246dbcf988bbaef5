/** `demo.json`: what scripts and people need to try a development instance. The one place that keeps clear secrets. */

import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'

/** How one tenant is used; the member names are what scripts outside rely on. */
export interface DemoTenant {
  readonly issuer: string
  /** In the form that the platform's own document uses. */
  readonly token_url: string
  /** The same endpoint under localhost, for clients that do not resolve `*.localhost`. */
  readonly path_token_url: string
  readonly token_issuer: string
  readonly jwks_uri: string
  readonly path_jwks_uri: string
  readonly client_id: string
  readonly client_secret: string
  readonly scope: string
  readonly audience: string
  /** All apps of the platform's customers, by their ids. The first is the one above. */
  readonly apps: Readonly<Record<string, DemoClient>>
  /** The platform's own API, which may ask what a token is. */
  readonly introspection?: DemoIntrospection
  /** Where the platform's example API answers; absent while it does not. */
  readonly api_url?: string
}

export interface DemoClient {
  readonly client_id: string
  readonly client_secret: string
  readonly scope: string
}

export interface DemoIntrospection {
  readonly url: string
  /** The same endpoint under localhost. */
  readonly path_url: string
  readonly client_id: string
  readonly client_secret: string
}

/** Who may manage the instance, and where. */
export interface DemoManagement {
  readonly url: string
  readonly token_url: string
  readonly client_id: string
  readonly client_secret: string
}

export interface DemoFile {
  readonly url: string
  /** Path of the local CA's certificate. */
  readonly ca: string
  readonly tenants: Readonly<Record<string, DemoTenant>>
  readonly management: DemoManagement
}

export interface KnownSecret {
  readonly clientId: string
  readonly clientSecret: string
}

/** Of one tenant: that of its first app, those of all its customers' apps by their ids, and that of its API. */
export interface KnownSecrets {
  readonly app: KnownSecret | undefined
  readonly apps: ReadonlyMap<string, KnownSecret | undefined>
  readonly api: KnownSecret | undefined
}

/** The secrets of an earlier start, by tenant; whatever cannot be read of them counts as lost. */
export function readKnownSecrets(file: string): Map<string, KnownSecrets> {
  const { tenants } = readDemoFile(file)
  const entries = Object.entries(typeof tenants === 'object' ? (tenants ?? {}) : {})
  return new Map(
    entries.map(([tenantId, entry]) => [
      tenantId,
      { app: secretIn(entry), apps: secretsIn(entry?.apps), api: secretIn(entry?.introspection) },
    ]),
  )
}

const secretsIn = (entries: unknown) =>
  new Map(Object.entries(entries ?? {}).map(([id, entry]) => [id, secretIn(entry)]))

export const readKnownOperator = (file: string): KnownSecret | undefined =>
  secretIn(readDemoFile(file).management)

function secretIn(entry: unknown): KnownSecret | undefined {
  const { client_id: clientId, client_secret: clientSecret } = (entry ?? {}) as Record<string, unknown>
  return typeof clientId === 'string' && typeof clientSecret === 'string'
    ? { clientId, clientSecret }
    : undefined
}

export interface UnknownDemoFile {
  readonly url?: unknown
  readonly ca?: unknown
  readonly tenants?: Record<string, Record<string, unknown> | null> | null
  readonly management?: Readonly<Record<string, unknown>> | null
}

/** Nobody but this program writes there, so what is no object at all was damaged and is made anew. */
export function readDemoFile(file: string): UnknownDemoFile {
  if (!existsSync(file)) return {}
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return typeof content === 'object' && content !== null ? (content as UnknownDemoFile) : {}
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}

/** Written beside and moved into place, so that nobody reads half of it; left alone while it says the same. */
export function writeDemoFile(file: string, demo: DemoFile): void {
  if (isDeepStrictEqual(readDemoFile(file), demo)) {
    chmodSync(file, 0o600)
    return
  }
  const draft = `${file}.new`
  writeFileSync(draft, `${JSON.stringify(demo, null, 2)}\n`, { mode: 0o600 })
  // An old draft would have kept its own mode.
  chmodSync(draft, 0o600)
  renameSync(draft, file)
}
