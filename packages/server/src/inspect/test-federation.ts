/** Which rule a token of an outside issuer would match, and of every other rule why it does not. */

import { readJws } from '@sallyport/protocol'
import { compileClient, credentialsOf, isUsable } from '../apps/client.ts'
import type { IssuerKeys } from '../federation/issuer-keys.ts'
import type { FederationRule } from '../federation/rule.ts'
import { verifyFederated } from '../federation/verify.ts'
import { findClient, listApps } from '../store/apps.ts'
import type { Database } from '../store/database.ts'
import { listTenantIds } from '../store/tenants.ts'

export interface RuleReport {
  readonly tenantId: string
  readonly clientId: string
  readonly appId: string
  readonly credentialId: string
  /** Empty for a rule that lets the token in. */
  readonly reasons: readonly string[]
}

export interface FederationReport {
  /** Set when the text is no token at all. */
  readonly problem: string | null
  readonly claims: Readonly<Record<string, unknown>> | null
  readonly rules: readonly RuleReport[]
}

export interface FederationDeps {
  readonly db: Database
  readonly issuerKeys: IssuerKeys
  /** Epoch seconds. */
  readonly now: number
  /** What the tenant is served under: the audience where a rule names none. */
  readonly issuerOf: (tenantId: string) => string
}

/** Of all tenants, or of one. Reads every app, so it is for a terminal and not for a request. */
export async function testFederation(
  token: string,
  tenantId: string | undefined,
  deps: FederationDeps,
): Promise<FederationReport> {
  const jws = readJws(token.trim())
  if (jws === null) return { problem: 'This is no signed JWT.', claims: null, rules: [] }
  const tenantIds = tenantId === undefined ? await listTenantIds(deps.db) : [tenantId]
  const rules: RuleReport[] = []
  for (const id of tenantIds) {
    for await (const { clientId, appId, credentialId, rule, isUsable: isOn } of rulesOf(id, deps)) {
      const context = { issuer: deps.issuerOf(id), now: deps.now }
      const missing = await verifyFederated(jws, rule, context, deps.issuerKeys)
      const reasons = isOn ? missing : [...missing, 'the credential is expired or disabled']
      rules.push({ tenantId: id, clientId, appId, credentialId, reasons })
    }
  }
  return { problem: null, claims: jws.payload, rules }
}

const appsPerPage = 500

async function* rulesOf(tenantId: string, { db, now }: FederationDeps) {
  let after: string | undefined
  for (;;) {
    const page = await listApps(db, tenantId, { limit: appsPerPage, ...(after !== undefined && { after }) })
    for (const { clientId } of page) {
      const record = await findClient(db, tenantId, clientId)
      if (record === null) continue
      const client = compileClient(record)
      for (const credential of credentialsOf(client, 'federation')) {
        const rule = JSON.parse(Buffer.from(credential.verifier).toString()) as FederationRule
        const names = { clientId, appId: client.id, credentialId: credential.id }
        yield { ...names, rule, isUsable: isUsable(credential, now) && !client.isDisabled }
      }
    }
    after = page.at(-1)?.clientId
    if (page.length < appsPerPage || after === undefined) return
  }
}
