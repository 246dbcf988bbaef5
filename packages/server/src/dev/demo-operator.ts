/** The operator of a development instance: the one known from before while its secret is good, otherwise a new one. */

import { generateIdentifier } from '@sallyport/protocol'
import type { Effects } from '../effects.ts'
import { systemTenantId, wholeServer } from '../management/authorize.ts'
import { managementPath } from '../management/request.ts'
import { addOperator, ensureSystemTenant } from '../management/system-tenant.ts'
import type { OpenStore } from '../open-store.ts'
import { findAppById } from '../store/apps.ts'
import { defaultClientIdShape, identifierBytes } from '../tenants/client-id-shape.ts'
import { findKnownSecret } from './demo-credentials.ts'
import type { DemoManagement, KnownSecret } from './demo-file.ts'

const operatorId = 'demo'

export interface DemoOperator {
  readonly management: DemoManagement
  /** Whether its secret stands nowhere else yet. */
  readonly isNew: boolean
}

export async function ensureDemoOperator(
  store: OpenStore,
  { random, clock }: Pick<Effects, 'random' | 'clock'>,
  { origin }: URL,
  earlier: KnownSecret | undefined,
): Promise<DemoOperator> {
  await store.db.write(ensureSystemTenant)
  const app = await findAppById(store.db, systemTenantId, operatorId)
  const place = app && { tenantId: systemTenantId, clientId: app.clientId }
  const known = place && (await findKnownSecret(store, clock(), place, earlier ? [earlier] : []))
  const newClientId = () => generateIdentifier(random(identifierBytes), defaultClientIdShape)
  const operator = { id: operatorId, roles: ['operator'], place: wholeServer }
  const secret =
    known ?? (await store.db.write((tx) => addOperator(tx, operator, newClientId, { ...store, random })))
  return {
    isNew: !known,
    management: {
      url: origin + managementPath,
      token_url: `${origin}/${systemTenantId}/oauth2/token`,
      client_id: secret.clientId,
      client_secret: secret.clientSecret,
    },
  }
}
