/** Changes of single columns that no blueprint makes, told to the change feed as the server's own writes are. */
import { copyToApp } from '../../src/store/client-credentials.ts'
import type { Database } from '../../src/store/database.ts'

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
