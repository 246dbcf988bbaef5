/** The table: every operation of the management API. */

import { apiOperations } from './nouns/apis.ts'
import { appOperations } from './nouns/apps.ts'
import { auditOperations } from './nouns/audit.ts'
import { credentialOperations } from './nouns/credentials.ts'
import { dialectUseOperations } from './nouns/dialect-uses.ts'
import { invitationOperations } from './nouns/invitations.ts'
import { keyRequestOperations } from './nouns/key-requests.ts'
import { meOperations } from './nouns/me.ts'
import { membershipOperations } from './nouns/memberships.ts'
import { noticeOperations } from './nouns/notices.ts'
import { organizationOperations } from './nouns/organizations.ts'
import { planOperations } from './nouns/plans.ts'
import { registrationTokenOperations } from './nouns/registration-tokens.ts'
import { registrationOperations } from './nouns/registrations.ts'
import { revocationOperations } from './nouns/revocations.ts'
import { roleOperations } from './nouns/roles.ts'
import { signingKeyOperations } from './nouns/signing-keys.ts'
import { tenantOperations } from './nouns/tenants.ts'
import { trustedIssuerOperations } from './nouns/trusted-issuers.ts'
import { userOperations } from './nouns/users.ts'
import type { Operation } from './operation.ts'

const table = [
  ...meOperations,
  ...tenantOperations,
  ...organizationOperations,
  ...appOperations,
  ...credentialOperations,
  ...registrationTokenOperations,
  ...registrationOperations,
  ...userOperations,
  ...membershipOperations,
  ...roleOperations,
  ...invitationOperations,
  ...keyRequestOperations,
  ...auditOperations,
  ...apiOperations,
  ...planOperations,
  ...signingKeyOperations,
  ...revocationOperations,
  ...dialectUseOperations,
  ...trustedIssuerOperations,
  ...noticeOperations,
]

export const operations: readonly Operation[] = table

/** The same by type: each with its id, its path and its schemas. */
export type KnownOperation = (typeof table)[number]
