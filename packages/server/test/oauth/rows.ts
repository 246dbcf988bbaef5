/** What no blueprint makes: changes of single columns, told to the change feed as the server's own writes are, and apps by hand. */
import { saveApp } from '../../src/store/apps.ts'
import { copyToApp } from '../../src/store/client-credentials.ts'
import { saveCredential } from '../../src/store/credentials.ts'
import type { Database } from '../../src/store/database.ts'
import type { JsonObject } from '../../src/store/json.ts'
import type { TestServer } from '../harness.ts'

export type Standing = 'tenant' | 'organization' | 'app'

/** Switches off, or with null on again; `subjectId` is the tenant's id, the organization's id, or the client id. */
export async function setDisabled(
  db: Database,
  noun: Standing,
  tenantId: string,
  subjectId: string,
  disabledAt: number | null,
): Promise<void> {
  await db.write(async (tx) => {
    const values = { disabled_at: disabledAt }
    if (noun === 'tenant') {
      await tx.kysely.updateTable('tenants').set(values).where('id', '=', tenantId).execute()
    } else if (noun === 'organization') {
      await tx.kysely
        .updateTable('organizations')
        .set(values)
        .where('tenant_id', '=', tenantId)
        .where('id', '=', subjectId)
        .execute()
    } else {
      await tx.kysely
        .updateTable('apps')
        .set(values)
        .where('tenant_id', '=', tenantId)
        .where('client_id', '=', subjectId)
        .execute()
    }
    tx.append({ tenantId, noun, subjectId })
  })
}

export async function setCredential(
  db: Database,
  tenantId: string,
  clientId: string,
  credentialId: string,
  values: { readonly expires_at?: number | null; readonly disabled_at?: number | null },
): Promise<void> {
  await db.write(async (tx) => {
    await tx.kysely
      .updateTable('credentials')
      .set(values)
      .where('tenant_id', '=', tenantId)
      .where('client_id', '=', clientId)
      .where('id', '=', credentialId)
      .execute()
    await copyToApp(tx, tenantId, clientId)
    tx.append({ tenantId, noun: 'app', subjectId: clientId })
  })
}

/** An app whose client id or settings a blueprint would not take, with a secret of our choosing. */
export async function saveClient(
  { db, store }: TestServer,
  tenantId: string,
  clientId: string,
  secret: string,
  settings: JsonObject = {},
): Promise<void> {
  await db.write(async (tx) => {
    await saveApp(tx, tenantId, {
      clientId,
      id: `app-${Buffer.from(clientId).toString('hex').slice(0, 40)}`,
      organizationId: 'customer',
      name: 'By hand',
      settings: { scopes: { rest: ['read'] }, ...settings },
    })
    await saveCredential(tx, tenantId, clientId, {
      id: 'main',
      ...store.hasher.hash(tenantId, clientId, secret),
    })
  })
}
