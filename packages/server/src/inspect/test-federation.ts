/** Which rule a token of an outside issuer would match, and of every other rule why it does not. */

import { readJws } from '@sallyport/protocol'
import { type Client, type Credential, compileClient, credentialsOf, isUsable } from '../apps/client.ts'
import type { IssuerKeys } from '../federation/issuer-keys.ts'
import type { Claims } from '../federation/match.ts'
import type { FederationRule } from '../federation/rule.ts'
import { verifyFederated } from '../federation/verify.ts'
import { findClient, listApps } from '../store/apps.ts'
import type { Database } from '../store/database.ts'
import { findOrganization } from '../store/organizations.ts'
import { listTenantIds, loadTenant, type TenantRecord } from '../store/tenants.ts'
import { compileSecurity } from '../tenants/security.ts'
import type { TenantSettings } from '../tenants/settings.ts'

export interface RuleReport {
  readonly tenantId: string
  readonly clientId: string
  readonly appId: string
  readonly credentialId: string
  /** Empty for a rule that lets the token in. */
  readonly reasons: readonly string[]
}

export interface FederationReport {
  /** Set when the text is no token at all, or there is no such tenant. */
  readonly problem: string | null
  readonly claims: Readonly<Record<string, unknown>> | null
  readonly rules: readonly RuleReport[]
}

export interface FederationDeps {
  readonly db: Database
  readonly issuerKeys: IssuerKeys
  /** Epoch seconds. */
  readonly now: number
  /** What the tenant is served under, by its path and by its hosts: the audience where a rule names none. */
  readonly issuersOf: (tenant: Pick<TenantRecord, 'id' | 'hosts'>) => readonly [string, ...string[]]
}

const unread = (problem: string): FederationReport => ({ problem, claims: null, rules: [] })

/** Of all tenants, or of one. Reads every app, so it is for a terminal and not for a request. */
export async function testFederation(
  token: string,
  tenantId: string | undefined,
  deps: FederationDeps,
): Promise<FederationReport> {
  const jws = readJws(token.trim())
  if (jws === null) return unread('This is no signed JWT.')
  const tenantIds = tenantId === undefined ? await listTenantIds(deps.db) : [tenantId]
  const rules: RuleReport[] = []
  for (const id of tenantIds) {
    const tenant = await loadTenant(deps.db, id)
    if (tenant === null) return unread(`There is no tenant ${id}.`)
    const context = { issuer: issuerMeant(jws.payload, tenant, deps), now: deps.now, owner: id }
    for await (const { rule, standing, ...names } of rulesOf(tenant, deps)) {
      const missing = await verifyFederated(jws, rule, context, deps.issuerKeys)
      rules.push({ ...names, reasons: [...missing, ...standing] })
    }
  }
  return { problem: null, claims: jws.payload, rules }
}

/** A tenant with hosts of its own has as many names, and the token was made for the one that it is brought to. */
function issuerMeant({ aud }: Claims, tenant: TenantRecord, { issuersOf }: FederationDeps): string {
  const issuers = issuersOf(tenant)
  return issuers.find((issuer) => [aud].flat().includes(issuer)) ?? issuers[0]
}

const appsPerPage = 500

async function* rulesOf(tenant: TenantRecord, { db, now }: FederationDeps) {
  const tenantId = tenant.id
  let after: string | undefined
  for (;;) {
    const page = await listApps(db, tenantId, { limit: appsPerPage, ...(after !== undefined && { after }) })
    for (const { clientId } of page) {
      const record = await findClient(db, tenantId, clientId)
      if (record === null) continue
      const client = compileClient(record)
      const around = await standingAround(db, tenant, client)
      for (const credential of credentialsOf(client, 'federation')) {
        const rule = JSON.parse(Buffer.from(credential.verifier).toString()) as FederationRule
        const standing = [...standingOf(credential, now), ...around]
        yield { tenantId, clientId, appId: client.id, credentialId: credential.id, rule, standing }
      }
    }
    after = page.at(-1)?.clientId
    if (page.length < appsPerPage || after === undefined) return
  }
}

const standingOf = (credential: Credential, now: number): readonly string[] =>
  isUsable(credential, now) ? [] : ['the credential is expired or disabled']

/** Why the token endpoint refuses the app whatever the token says: in its words. */
async function standingAround(
  db: Database,
  { id, settings, disabledAt }: TenantRecord,
  client: Client,
): Promise<readonly string[]> {
  const organization = await findOrganization(db, id, client.organizationId)
  const allowed = compileSecurity(settings as TenantSettings).authenticationMethods
  return [
    ...(disabledAt === null ? [] : ['tenant is disabled']),
    ...(client.isDisabled ? ['app is disabled'] : []),
    ...(organization?.disabledAt === null ? [] : ['organization is disabled']),
    ...(client.settings.authenticationMethods.has('federation')
      ? []
      : ['client is not registered for federation']),
    ...(allowed.has('federation') ? [] : ['tenant does not allow federation']),
  ]
}
