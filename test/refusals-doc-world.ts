/** A server with the blueprints of docs/authentication.md, for every refusal in its table: whom it knows, and what it hears from outside. */

import type { TestContext } from 'node:test'
import type {
  RevocationLists,
  RevocationVerdict,
} from '../packages/server/src/certificates/revocation-files.ts'
import type { FetchJson } from '../packages/server/src/outbound/fetch-json.ts'
import { saveApp } from '../packages/server/src/store/apps.ts'
import { type NewCredential, saveCredential } from '../packages/server/src/store/credentials.ts'
import { type Issued, issue } from '../packages/server/test/certificates/issue.ts'
import { oneStore, startTestServer, type TestServer } from '../packages/server/test/harness.ts'
import { app, blueprint, proving, tenant } from '../packages/server/test/oauth/sample.ts'
import { type Key, makeKey } from '../packages/server/test/oauth/signed.ts'
import { textOf } from './document-commands.ts'

export interface RefusalsWorld {
  readonly server: TestServer
  readonly key: Key
  readonly stranger: Key
  readonly authority: Issued
  /** What the revocation lists say of the next certificate. */
  judgeNext(verdict: RevocationVerdict): void
}

const example = (name: string) => textOf(`docs/examples/authentication/${name}.yaml`)

/** The document's own blueprints with what the reader would have made, and three that are stricter. */
function blueprintsWith(key: Key, authority: Issued, terminal: Issued): string[] {
  const publicKey = JSON.stringify(key.publicJwk)
  const keys = example('keys').replace('{from_file: key-2026.pub.pem}', publicKey)
  const renamed = (text: string, from: string, to: string) =>
    text.replace(`try-${from}`, `try-${to}`).replace(`id: ${from}`, `id: ${to}`)
  return [
    example('secrets'),
    keys,
    example('federation'),
    example('fapi').replace('{from_file: key-2026.pub.pem}', publicKey),
    example('certificates')
      .replace('{from_file: ca.pem}', JSON.stringify(authority.pem))
      .replace('{from_file: terminal.pem}', `{sha256: ${terminal.certificate.thumbprintSha256}}`),
    renamed(example('secrets'), 'secrets', 'body-only').replace(
      /client_authentication: .+/,
      'client_authentication: [client_secret_post]',
    ),
    renamed(keys, 'keys', 'bound')
      .replace('signing', '')
      .replace(/^( +)name: Keys$/m, '$&\n$1sender_constraint: mtls'),
  ]
}

/** Apps that the document has no example of. */
const others = (key: Key): string =>
  blueprint(
    tenant('in-url', [app('sync')], {
      dialect: { request: { query_credentials: { client_id: 'key', client_secret: 'secret' } } },
    }),
    tenant('others', [
      proving('named', 'private_key_jwt', { public_key: { ...key.publicJwk, kid: 'a' } }),
      proving('unreachable', 'private_key_jwt', { jwks_uri: 'https://nowhere.example/jwks.json' }),
      app('off', { client_id: 'off' }),
      app('encoded', { client_id: 'x%41' }),
    ]),
  )

/** What no blueprint may say and an older one may have said: a method that its tenant has nothing for. */
export async function saveLeftover(
  { db }: TestServer,
  [tenantId, organizationId, clientId]: readonly [string, string, string],
  method: string,
  credential: Omit<NewCredential, 'id'>,
): Promise<void> {
  const settings = { client_authentication: [method], scopes: {} }
  await db.write(async (tx) => {
    await saveApp(tx, tenantId, { clientId, id: clientId, organizationId, name: 'Left over', settings })
    await saveCredential(tx, tenantId, clientId, { id: 'main', ...credential })
  })
}

export async function startRefusalsWorld(t: TestContext): Promise<RefusalsWorld> {
  const [key, stranger] = await Promise.all([makeKey(), makeKey()])
  const authority = await issue(null, { name: 'CN=Partner CA', ca: true })
  const issuer = 'https://token.actions.githubusercontent.com'
  const documents: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    [`${issuer}/.well-known/openid-configuration`]: { issuer, jwks_uri: `${issuer}/keys` },
    [`${issuer}/keys`]: { keys: [{ ...key.publicJwk, kid: 'hub' }] },
  }
  const fetchJson: FetchJson = async (url) => {
    const value = documents[url]
    return value ? { ok: true, value, maxAgeSeconds: null } : { ok: false, reason: 'it answers 404' }
  }
  const blueprints = [...blueprintsWith(key, authority, await issue(null)), others(key)]
  let verdict: RevocationVerdict = { status: 'good' }
  const revocationLists: RevocationLists = {
    isRevoked() {
      const said = verdict
      verdict = { status: 'good' }
      return said
    },
  }
  const doubles = { fetchJson, mtlsUrl: new URL('https://localhost:8444'), revocationLists }
  const server = await startTestServer(t, oneStore, blueprints, {}, doubles)
  const judgeNext = (next: RevocationVerdict) => {
    verdict = next
  }
  return { server, key, stranger, authority, judgeNext }
}
