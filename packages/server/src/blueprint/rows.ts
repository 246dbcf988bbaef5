/** The rows that blueprints declare and the rows that the store holds, in one form, so that they can be compared. */

import { AppSettings } from '../apps/settings.ts'
import type { BlueprintTenant, CredentialVerifier } from '../store/blueprint-rows.ts'
import { ApiSettings, OrganizationSettings, PlanSettings, TenantSettings } from '../tenants/settings.ts'
import type { Blueprint } from './blueprint.ts'
import { startOfDay } from './check-dates.ts'
import type { Path, Problem } from './problem.ts'
import { type AppEntry, type OrganizationEntry, pickSettings, type TenantEntry } from './schema.ts'
import { type ResolvedSecret, resolveSecret, type SecretEffects } from './secret-source.ts'

/** From the outside in: the order in which rows are shown and written. */
export const nouns = ['tenant', 'api', 'plan', 'organization', 'app', 'credential'] as const
export type Noun = (typeof nouns)[number]

interface Named {
  readonly tenantId: string
  /** Unique among the rows of a noun, and how people are told of it: `nitrobox/acme/billing-sync`. */
  readonly address: string
}

interface Fields {
  readonly tenant: {
    readonly name: string
    readonly environment: 'test' | 'live'
    readonly hosts: readonly string[]
  }
  readonly api: { readonly id: string; readonly audience: string }
  readonly plan: { readonly id: string }
  readonly organization: { readonly id: string; readonly name: string; readonly plan: string | null }
  readonly app: {
    readonly id: string
    readonly name: string
    readonly organization: string
    /** Null where the blueprint leaves it to the store. */
    readonly client_id: string | null
  }
  readonly credential: { readonly id: string; readonly appId: string; readonly expires_at: number | null }
}

type OfNoun<N extends Noun> = Named & {
  readonly noun: N
  readonly fields: Fields[N]
  readonly settings: object
}

export type DeclaredRow = {
  readonly [N in Noun]: OfNoun<N> & {
    readonly blueprint: Blueprint
    readonly path: Path
  } & (N extends 'credential' ? { readonly secret: ResolvedSecret } : unknown)
}[Noun]

export type StoredRow = {
  readonly [N in Noun]: OfNoun<N> & {
    readonly owner: string | null
    readonly disabledAt: number | null
  } & (N extends 'credential' ? { readonly verifier: CredentialVerifier } : unknown) &
    (N extends 'app' ? { readonly clientId: string } : unknown)
}[Noun]

export type Declared<N extends Noun> = Extract<DeclaredRow, { readonly noun: N }>
export type Stored<N extends Noun> = Extract<StoredRow, { readonly noun: N }>

/** The same for a declared row and its stored one. An app keeps its id wherever it stands in its tenant. */
export function keyOf(row: DeclaredRow | StoredRow): string {
  if (row.noun === 'app') return `app ${row.tenantId}/${row.fields.id}`
  if (row.noun === 'credential') return `credential ${row.tenantId}/${row.fields.appId}/${row.fields.id}`
  return `${row.noun} ${row.address}`
}

/** `tenant/app`: what credentials and client ids hang on. */
export const appKey = ({ tenantId, fields }: Declared<'app'> | Stored<'app'>): string =>
  `${tenantId}/${fields.id}`

/** A secret that cannot be resolved is a problem, and its row is left out. */
export async function declareRows(
  blueprints: readonly Blueprint[],
  effects: SecretEffects,
  problems: Problem[],
): Promise<DeclaredRow[]> {
  const rows: DeclaredRow[] = []
  for (const blueprint of blueprints) {
    for (const [index, tenant] of blueprint.file.tenants.entries()) {
      rows.push(...declareTenant(blueprint, tenant, ['tenants', index]))
      for (const [at, organization] of (tenant.organizations ?? []).entries()) {
        const path = ['tenants', index, 'organizations', at]
        rows.push(
          ...(await declareOrganization({ blueprint, tenant, effects, problems }, organization, path)),
        )
      }
    }
  }
  return rows
}

function declareTenant(blueprint: Blueprint, tenant: TenantEntry, path: Path): DeclaredRow[] {
  const common = { blueprint, tenantId: tenant.id }
  const { name, environment, hosts = [], apis = [], plans = [] } = tenant
  return [
    {
      ...common,
      noun: 'tenant',
      address: tenant.id,
      path,
      fields: { name, environment, hosts: hosts.toSorted() },
      settings: pickSettings(TenantSettings, tenant),
    },
    ...apis.map(
      (api, index): Declared<'api'> => ({
        ...common,
        noun: 'api',
        address: `${tenant.id}/${api.id}`,
        path: [...path, 'apis', index],
        fields: { id: api.id, audience: api.audience },
        settings: pickSettings(ApiSettings, api),
      }),
    ),
    ...plans.map(
      (plan, index): Declared<'plan'> => ({
        ...common,
        noun: 'plan',
        address: `${tenant.id}/${plan.id}`,
        path: [...path, 'plans', index],
        fields: { id: plan.id },
        settings: pickSettings(PlanSettings, plan),
      }),
    ),
  ]
}

interface Declaring {
  readonly blueprint: Blueprint
  readonly tenant: TenantEntry
  readonly effects: SecretEffects
  readonly problems: Problem[]
}

async function declareOrganization(
  declaring: Declaring,
  organization: OrganizationEntry,
  path: Path,
): Promise<DeclaredRow[]> {
  const { blueprint, tenant } = declaring
  const address = `${tenant.id}/${organization.id}`
  const rows: DeclaredRow[] = [
    {
      blueprint,
      tenantId: tenant.id,
      noun: 'organization',
      address,
      path,
      fields: { id: organization.id, name: organization.name, plan: organization.plan ?? null },
      settings: pickSettings(OrganizationSettings, organization),
    },
  ]
  for (const [index, app] of (organization.apps ?? []).entries()) {
    rows.push(declareApp(declaring, organization.id, app, [...path, 'apps', index]))
    rows.push(...(await declareCredentials(declaring, `${address}/${app.id}`, app, [...path, 'apps', index])))
  }
  return rows
}

const declareApp = (
  { blueprint, tenant }: Declaring,
  organization: string,
  app: AppEntry,
  path: Path,
): Declared<'app'> => ({
  blueprint,
  tenantId: tenant.id,
  noun: 'app',
  address: `${tenant.id}/${organization}/${app.id}`,
  path,
  fields: { id: app.id, name: app.name, organization, client_id: app.client_id ?? null },
  settings: pickSettings(AppSettings, app),
})

async function declareCredentials(
  { blueprint, tenant, effects, problems }: Declaring,
  appAddress: string,
  app: AppEntry,
  appPath: Path,
): Promise<DeclaredRow[]> {
  const rows: DeclaredRow[] = []
  for (const [index, { id, secret: source, expires_at: day }] of (app.credentials ?? []).entries()) {
    const path = [...appPath, 'credentials', index]
    const secret = await resolveSecret(source, blueprint, [...path, 'secret'], effects, problems)
    if (!secret) continue
    const expiresAt = day === undefined ? null : startOfDay(day)
    rows.push({
      blueprint,
      tenantId: tenant.id,
      noun: 'credential',
      address: `${appAddress}/${id}`,
      path,
      secret,
      fields: { id, appId: app.id, expires_at: expiresAt },
      settings: {},
    })
  }
  return rows
}

export function storedRows(rows: BlueprintTenant): StoredRow[] {
  const { tenant, hosts, apis, plans, organizations, apps } = rows
  const tenantId = tenant.id
  return [
    {
      noun: 'tenant',
      tenantId,
      address: tenantId,
      owner: tenant.blueprint,
      disabledAt: tenant.disabledAt,
      fields: { name: tenant.name, environment: tenant.environment, hosts: hosts.toSorted() },
      settings: tenant.settings as object,
    },
    ...apis.map(
      (api): Stored<'api'> => ({
        noun: 'api',
        tenantId,
        address: `${tenantId}/${api.id}`,
        owner: api.blueprint,
        disabledAt: null,
        fields: { id: api.id, audience: api.audience },
        settings: api.settings as object,
      }),
    ),
    ...plans.map(
      (plan): Stored<'plan'> => ({
        noun: 'plan',
        tenantId,
        address: `${tenantId}/${plan.id}`,
        owner: plan.blueprint,
        disabledAt: null,
        fields: { id: plan.id },
        settings: plan.settings as object,
      }),
    ),
    ...organizations.map(
      ({ id, name, planId, settings, blueprint, disabledAt }): Stored<'organization'> => ({
        noun: 'organization',
        tenantId,
        address: `${tenantId}/${id}`,
        owner: blueprint,
        disabledAt,
        fields: { id, name, plan: planId },
        settings: settings as object,
      }),
    ),
    ...apps.map(
      (app): Stored<'app'> => ({
        noun: 'app',
        tenantId,
        address: `${tenantId}/${app.organizationId}/${app.id}`,
        clientId: app.clientId,
        owner: app.blueprint,
        disabledAt: app.disabledAt,
        fields: { id: app.id, name: app.name, organization: app.organizationId, client_id: app.clientId },
        settings: app.settings as object,
      }),
    ),
    ...storedCredentials(rows),
  ]
}

function storedCredentials({ tenant, apps, credentials, verifiers }: BlueprintTenant): StoredRow[] {
  const appOf = new Map(apps.map((app) => [app.clientId, app]))
  const verifierOf = new Map(verifiers.map((verifier) => [`${verifier.clientId} ${verifier.id}`, verifier]))
  return credentials.flatMap(({ clientId, id, expiresAt, disabledAt, blueprint }): Stored<'credential'>[] => {
    const app = appOf.get(clientId)
    const verifier = verifierOf.get(`${clientId} ${id}`)
    if (!app || !verifier) return []
    const address = `${tenant.id}/${app.organizationId}/${app.id}/${id}`
    return [
      {
        noun: 'credential',
        tenantId: tenant.id,
        address,
        owner: blueprint,
        disabledAt,
        verifier,
        fields: { id, appId: app.id, expires_at: expiresAt },
        settings: {},
      },
    ]
  })
}
