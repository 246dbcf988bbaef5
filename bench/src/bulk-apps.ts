/** Puts organizations and apps straight into the store, many rows a statement: verbs for single apps would take an hour for a million. */
import { randomBytes } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import { formatClientSecret } from '@sallyport/protocol'
import type { SecretHasher } from '../../packages/server/src/keys/secret-hasher.ts'
import { packClientCredentials } from '../../packages/server/src/store/client-credentials.ts'
import type { Database, WriteTransaction } from '../../packages/server/src/store/database.ts'
import {
  appSettings,
  type BenchTenant,
  benchPlan,
  organizationAttributes,
  organizationName,
} from './blueprint.ts'
import { basicCredential } from './contestant.ts'

const appsPerOrganization = 1000
const appsPerStatement = 1000
const appsPerTransaction = 50_000

export interface CredentialList {
  readonly file: string
  readonly bytes: number
}

export interface BulkApps {
  readonly db: Database
  readonly hasher: SecretHasher
  readonly tenant: BenchTenant
  readonly count: number
  /** Where the `Basic` credentials go, base64, one width, no separators: what the load draws from. */
  readonly credentialsFile: string
}

interface NewApp {
  readonly index: number
  readonly clientId: string
  readonly clientSecret: string
}

export async function insertApps(bulk: BulkApps): Promise<CredentialList> {
  const file = openSync(bulk.credentialsFile, 'w', 0o600)
  let bytes = 0
  try {
    await bulk.db.write((tx) => insertOrganizations(tx, bulk))
    for (let start = 0; start < bulk.count; start += appsPerTransaction) {
      const end = Math.min(bulk.count, start + appsPerTransaction)
      await bulk.db.write(async (tx) => {
        for (let from = start; from < end; from += appsPerStatement) {
          const apps = newApps(from, Math.min(end, from + appsPerStatement))
          await insertRows(tx, bulk, apps)
          const credentials = apps.map(({ clientId, clientSecret }) =>
            basicCredential(clientId, clientSecret),
          )
          bytes = credentials[0]?.length ?? bytes
          writeSync(file, credentials.join(''))
        }
      })
    }
  } finally {
    closeSync(file)
  }
  return { file: bulk.credentialsFile, bytes }
}

export const organizationOf = (appIndex: number) => `org-${Math.floor(appIndex / appsPerOrganization)}`

async function insertOrganizations(tx: WriteTransaction, { tenant, count }: BulkApps): Promise<void> {
  const rows = Array.from({ length: Math.ceil(count / appsPerOrganization) }, (_, index) => ({
    tenant_id: tenant,
    id: organizationOf(index * appsPerOrganization),
    name: organizationName,
    plan_id: benchPlan,
    settings: JSON.stringify({ attributes: organizationAttributes }),
    created_at: tx.now,
    updated_at: tx.now,
  }))
  await tx.kysely.insertInto('organizations').values(rows).execute()
  // Nobody has cached these apps, so one change for the tenant tells followers all they need.
  tx.append({ tenantId: tenant, noun: 'tenant', subjectId: tenant })
}

function newApps(from: number, to: number): readonly NewApp[] {
  const random = randomBytes((to - from) * randomBytesPerApp)
  return Array.from({ length: to - from }, (_, offset) =>
    newApp(from + offset, random.subarray(offset * randomBytesPerApp, (offset + 1) * randomBytesPerApp)),
  )
}

const idBytes = 7
const randomBytesPerApp = idBytes + 32

/** Ids begin with their number, so that rows go in in the order of their key, which is much faster; they are asked for at random. */
function newApp(index: number, random: Buffer): NewApp {
  return {
    index,
    clientId: `${String(index).padStart(10, '0')}${random.toString('hex', 0, idBytes)}`,
    clientSecret: formatClientSecret('live', random.subarray(idBytes)),
  }
}

async function insertRows(
  { kysely, now }: WriteTransaction,
  { tenant, hasher }: BulkApps,
  apps: readonly NewApp[],
): Promise<void> {
  const common = { tenant_id: tenant, created_at: now, updated_at: now }
  const hashed = apps.map((app) => ({ ...app, ...hasher.hash(tenant, app.clientId, app.clientSecret) }))
  await kysely
    .insertInto('apps')
    .values(
      hashed.map(({ index, clientId, format, verifier, pepperVersion }) => ({
        ...common,
        client_id: clientId,
        id: `app-${String(index).padStart(7, '0')}`,
        organization_id: organizationOf(index),
        name: `App ${index}`,
        settings: JSON.stringify(appSettings),
        credentials: packClientCredentials([
          {
            id: 'main',
            format,
            verifier,
            pepperVersion,
            sealedSecret: null,
            expiresAt: null,
            disabledAt: null,
            exposedAt: null,
            isIndexed: true,
          },
        ]),
      })),
    )
    .execute()
  await kysely
    .insertInto('credentials')
    .values(
      hashed.map(({ clientId, format, verifier, pepperVersion }) => ({
        ...common,
        client_id: clientId,
        id: 'main',
        format,
        verifier,
        pepper_version: pepperVersion,
        // As long as the one that secrets of the server's own making have.
        lookup: verifier,
      })),
    )
    .execute()
}
