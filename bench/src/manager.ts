/** One who manages the tenant es256 over the management API while its apps go on: an operator of the prepared data. */
import { randomBytes } from 'node:crypto'
import { systemEffects } from '../../packages/server/src/effects.ts'
import { wholeServer } from '../../packages/server/src/management/authorize.ts'
import { addOperator } from '../../packages/server/src/management/system-tenant.ts'
import { openStore } from '../../packages/server/src/open-store.ts'
import { basicCredential } from './contestant.ts'
import type { PreparedData } from './prepared-data.ts'

export interface Manager {
  /** The answer's body; throws for anything but success. */
  call(method: string, path: string, options?: CallOptions): Promise<Called>
}

export interface CallOptions {
  readonly body?: object
  readonly ifMatch?: string
}

export interface Called {
  // biome-ignore lint/suspicious/noExplicitAny: the caller knows what it has asked for
  readonly json: any
  readonly etag: string
}

/** The Basic credential of a new operator: made in the store, as `sallyport operators add` does. */
export async function makeOperator({ dataFolder, masterKey }: PreparedData): Promise<string> {
  const location = { data_folder: dataFolder, database_url: null, master_key: masterKey }
  const store = await openStore(location, systemEffects)
  try {
    const id = `bench-${randomBytes(6).toString('hex')}`
    const operator = { id, roles: ['operator'], place: wholeServer }
    const { clientId, clientSecret } = await store.db.write((tx) =>
      addOperator(tx, operator, () => id, { ...store, random: systemEffects.random }),
    )
    return basicCredential(clientId, clientSecret)
  } finally {
    await store.db.close()
  }
}

const proxied = { 'X-Forwarded-Proto': 'https' }

export async function createManager(port: number, credential: string): Promise<Manager> {
  const origin = `http://127.0.0.1:${port}`
  const asked = await fetch(`${origin}/system/oauth2/token`, {
    method: 'POST',
    headers: { ...proxied, Authorization: `Basic ${credential}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
  const { access_token: token } = (await asked.json()) as { access_token: string }
  return {
    async call(method, path, { body, ifMatch } = {}) {
      const response = await fetch(`${origin}/manage/v1${path}`, {
        method,
        headers: {
          ...{ ...proxied, Authorization: `Bearer ${token}` },
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
          ...(ifMatch !== undefined && { 'If-Match': ifMatch }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`)
      return { json: text === '' ? null : JSON.parse(text), etag: response.headers.get('ETag') ?? '' }
    },
  }
}
