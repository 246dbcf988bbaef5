/** The rows that blueprints declare, with all that they name in files and the environment read. */

import { AppSettings } from '../apps/settings.ts'
import { ApiSettings, OrganizationSettings, PlanSettings, TenantSettings } from '../tenants/settings.ts'
import type { Blueprint } from './blueprint.ts'
import { declareAuthorities } from './declare-authorities.ts'
import { type Declaring, declareCredentials } from './declare-credentials.ts'
import type { Path, Problem } from './problem.ts'
import type { Declared, DeclaredRow } from './rows.ts'
import { type AppEntry, type OrganizationEntry, pickSettings } from './schema.ts'
import type { SecretEffects } from './secret-source.ts'

/** What cannot be read or resolved is a problem, and its row is left out. */
export async function declareRows(
  blueprints: readonly Blueprint[],
  effects: SecretEffects,
  problems: Problem[],
): Promise<DeclaredRow[]> {
  const rows: DeclaredRow[] = []
  for (const blueprint of blueprints) {
    for (const [index, tenant] of blueprint.file.tenants.entries()) {
      const declaring = { blueprint, tenant, effects, problems }
      rows.push(...(await declareTenant(declaring, ['tenants', index])))
      for (const [at, organization] of (tenant.organizations ?? []).entries()) {
        const path = ['tenants', index, 'organizations', at]
        rows.push(...(await declareOrganization(declaring, organization, path)))
      }
    }
  }
  return rows
}

async function declareTenant(declaring: Declaring, path: Path): Promise<DeclaredRow[]> {
  const { blueprint, tenant } = declaring
  const common = { blueprint, tenantId: tenant.id }
  const { name, environment, hosts = [], apis = [], plans = [] } = tenant
  return [
    {
      ...common,
      noun: 'tenant',
      address: tenant.id,
      path,
      fields: { name, environment, hosts: hosts.toSorted() },
      settings: pickSettings(TenantSettings, {
        ...tenant,
        certificate_authorities: await declareAuthorities(declaring, [...path, 'certificate_authorities']),
      }),
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
