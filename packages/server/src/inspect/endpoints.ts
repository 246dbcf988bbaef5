/** Which endpoints of an API the scopes of a token open, and which scope it lacks for the others. */

import { createScopeSet } from '@sallyport/protocol'
import type { TenantRecord } from '../store/tenants.ts'
import type { ApiSettings } from '../tenants/settings.ts'

export interface EndpointReport {
  readonly apiId: string
  readonly method: string
  readonly path: string
  /** What it needs. */
  readonly scope: string
  readonly isOpen: boolean
}

/** Says nothing of whether the token is good. */
export function endpointsOf(
  { apis }: Pick<TenantRecord, 'apis'>,
  apiId: string | null,
  scopes: readonly string[],
): readonly EndpointReport[] {
  const held = createScopeSet(scopes)
  return apis
    .filter(({ id }) => apiId === null || id === apiId)
    .flatMap(({ id, settings }) =>
      ((settings as ApiSettings).endpoints ?? []).map(({ method, path, scope }) => ({
        ...{ apiId: id, method, path, scope },
        isOpen: held.covers(scope),
      })),
    )
}
