/** A revocation in the words of whoever verifies tokens without asking: by the claims that the tenant's tokens hold. */

import type { RevocationKind } from '@sallyport/protocol'
import type { Revocation } from '../store/revocations.ts'
import { chosenDialects, isNamedInEach, standardDialect } from '../tenants/dialect.ts'
import type { Tenant } from '../tenants/tenant.ts'

/** As it is sent. Tokens with an `iat` up to and including `issued_until` are dead. */
export interface ToldRevocation {
  readonly kind: RevocationKind
  readonly id: string
  /** Of a credential: whose it is, for its id is its app's affair. */
  readonly client_id?: string
  readonly issued_until: number
  readonly expires_at?: number
}

/** The client ids of an organization's apps. */
export type ClientIdsOf = (tenantId: string, organizationId: string) => Promise<readonly string[]>

const variables = {
  organization: 'organization.id',
  app: 'client_id',
  credential: 'credential_id',
  user: 'subject',
  token: 'jti',
} as const satisfies Partial<Record<RevocationKind, string>>

type ClaimedKind = keyof typeof variables

/**
 * Which claims hold the subject of each kind: of the tenant's dialect, of those that it has left, and of the standard. A
 * `key` is named by the header's `kid`, a `tenant` by the issuer that is asked, and a token without `jti` by the SHA-256
 * of what was signed, in base64url.
 */
export const subjectClaims = (tenant: Tenant): Readonly<Record<ClaimedKind, readonly string[]>> => {
  const namesOf = (variable: string) => [
    ...new Set(
      [...chosenDialects(tenant), standardDialect].flatMap(
        ({ claimNames }) => claimNames.get(variable) ?? [],
      ),
    ),
  ]
  return {
    organization: namesOf(variables.organization),
    // A token of a dialect that nobody remembers may name its app by the subject alone; no app and no user share an id.
    app: [...new Set([...namesOf(variables.app), ...namesOf(variables.user)])],
    credential: namesOf(variables.credential),
    user: namesOf(variables.user),
    token: namesOf(variables.token),
  }
}

/**
 * Where not each token names its organization or credential, all apps that are hit are named instead. Of a tenant that is
 * gone, null, only its own end is left to tell.
 */
export async function forVerifiers(
  tenant: Tenant | null,
  revocation: Revocation,
  clientIdsOf: ClientIdsOf,
): Promise<readonly ToldRevocation[]> {
  const { kind, subjectId, issuedUntil, expiresAt } = revocation
  const times = { issued_until: issuedUntil, ...(expiresAt !== null && { expires_at: expiresAt }) }
  if (kind === 'tenant') return [{ kind, id: subjectId, ...times }]
  if (tenant === null) return []
  const isNamed = kind in variables && isNamedInEach(tenant, variables[kind as ClaimedKind])
  if (kind === 'organization' && !isNamed) {
    const clientIds = await clientIdsOf(tenant.id, subjectId)
    return clientIds.map((clientId) => ({ kind: 'app', id: clientId, ...times }))
  }
  if (kind !== 'credential') return [{ kind, id: subjectId, ...times }]
  const [clientId = '', credentialId = ''] = subjectId.split(' ')
  if (!isNamed) return [{ kind: 'app', id: clientId, ...times }]
  return [{ kind, id: credentialId, client_id: clientId, ...times }]
}
