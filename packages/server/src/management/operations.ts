/** The table: every operation of the management API. */

import { appOperations } from './nouns/apps.ts'
import { auditOperations } from './nouns/audit.ts'
import { credentialOperations } from './nouns/credentials.ts'
import { meOperations } from './nouns/me.ts'
import { organizationOperations } from './nouns/organizations.ts'
import { tenantOperations } from './nouns/tenants.ts'
import type { Operation } from './operation.ts'

export const operations: readonly Operation[] = [
  ...meOperations,
  ...tenantOperations,
  ...organizationOperations,
  ...appOperations,
  ...credentialOperations,
  ...auditOperations,
]
