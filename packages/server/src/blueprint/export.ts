/** The tenants of a store as the blueprint that declares them: the reverse of `declare-rows.ts`. */

import type { TObject } from 'typebox'
import { dateText } from './check-dates.ts'
import { formOfFormat } from './proof.ts'
import type { Noun, Stored, StoredRow } from './rows.ts'
import {
  ApiEntry,
  AppEntry,
  type BlueprintFile,
  CredentialEntry,
  OrganizationEntry,
  PlanEntry,
  pickSettings,
  TenantEntry,
} from './schema.ts'

export const exportRows = (blueprint: string, rows: readonly StoredRow[]): BlueprintFile => ({
  blueprint,
  tenants: ofNoun(rows, 'tenant').map((tenant) =>
    exportTenant(
      tenant,
      rows.filter(({ tenantId }) => tenantId === tenant.tenantId),
    ),
  ),
})

const ofNoun = <N extends Noun>(rows: readonly StoredRow[], noun: N): Stored<N>[] =>
  rows.filter((row): row is Stored<N> => row.noun === noun).toSorted(byAddress)

/** By the code of characters: the order of PostgreSQL depends on its locale. */
const byAddress = (one: StoredRow, other: StoredRow): number => (one.address < other.address ? -1 : 1)

const exportTenant = (tenant: Stored<'tenant'>, rows: readonly StoredRow[]): TenantEntry =>
  entryOf(TenantEntry, tenant, {
    id: tenant.tenantId,
    hosts: unlessEmpty(tenant.fields.hosts),
    apis: unlessEmpty(ofNoun(rows, 'api').map((api) => entryOf(ApiEntry, api))),
    plans: unlessEmpty(ofNoun(rows, 'plan').map((plan) => entryOf(PlanEntry, plan))),
    organizations: unlessEmpty(ofNoun(rows, 'organization').map((each) => exportOrganization(each, rows))),
  })

const exportOrganization = (
  organization: Stored<'organization'>,
  rows: readonly StoredRow[],
): OrganizationEntry => {
  const apps = ofNoun(rows, 'app').filter((app) => app.fields.organization === organization.fields.id)
  return entryOf(OrganizationEntry, organization, {
    apps: unlessEmpty(apps.map((app) => exportApp(app, rows))),
  })
}

function exportApp(app: Stored<'app'>, rows: readonly StoredRow[]): AppEntry {
  const own = ofNoun(rows, 'credential').filter(({ fields }) => fields.appId === app.fields.id)
  return entryOf(AppEntry, app, { credentials: unlessEmpty(own.map(exportCredential)) })
}

const exportCredential = (credential: Stored<'credential'>): CredentialEntry => {
  const { expires_at: expiresAt } = credential.fields
  return entryOf(CredentialEntry, credential, {
    ...proofOf(credential),
    expires_at: expiresAt === null ? null : dateText(expiresAt),
  })
}

/** Public proofs as they are; of a secret nothing, not even the hash: its owner and the store have it. */
function proofOf({ verifier: { format, verifier } }: Stored<'credential'>): object {
  const form = formOfFormat(format)
  if (form === 'secret') return { secret: 'kept' }
  const text = Buffer.from(verifier).toString()
  return { [form]: form === 'jwks_uri' ? text : JSON.parse(text) }
}

/** In the schema's order, without what is not set. The store holds only what the schema has let in. */
const entryOf = <Entry extends object>(schema: TObject, row: StoredRow, more: object = {}): Entry =>
  pickSettings(schema, withoutNull({ ...row.settings, ...row.fields, ...more })) as Entry

const withoutNull = (record: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null))

const unlessEmpty = <Item>(list: readonly Item[]): readonly Item[] | undefined =>
  list.length === 0 ? undefined : list
