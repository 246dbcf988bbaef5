/** A customer of a tenant, as requests see it. */

import type { OrganizationRecord } from '../store/organizations.ts'
import type { OrganizationSettings } from './settings.ts'

export interface Organization {
  readonly id: string
  /** See `Tenant.edition`. */
  readonly edition: number
  readonly name: string
  readonly planId: string | null
  readonly isDisabled: boolean
  readonly attributes: Readonly<Record<string, unknown>>
}

let editions = 0

export const compileOrganization = (record: OrganizationRecord): Organization => ({
  id: record.id,
  edition: ++editions,
  name: record.name,
  planId: record.planId,
  isDisabled: record.disabledAt !== null,
  attributes: (record.settings as OrganizationSettings).attributes ?? {},
})
