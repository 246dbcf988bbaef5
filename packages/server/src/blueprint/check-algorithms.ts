/** What an app's assertions may be signed with: its methods have an algorithm, its keys one of them, its secrets the length. */

import { algorithmsOfJwk, type Jwk } from '@sallyport/protocol'
import { isMac, macs } from '../keys/macs.ts'
import { compileSecurity } from '../tenants/security.ts'
import { oneOf } from './one-of.ts'
import type { Fault, Path, Report } from './problem.ts'
import type { AppEntry, TenantEntry } from './schema.ts'
import { shortestSecret } from './secret-source.ts'

const allowedByTenant = ({ certificate_authorities: _, ...tenant }: TenantEntry): ReadonlySet<string> =>
  compileSecurity(tenant).assertionAlgorithms

/** Of the tenant, and of the app where it says more. */
function assertionAlgorithms(tenant: TenantEntry, app: AppEntry): readonly string[] {
  const allowed = [...allowedByTenant(tenant)]
  const own: readonly string[] | undefined = app.assertion_algorithms
  return own ? allowed.filter((name) => own.includes(name)) : allowed
}

export function checkAlgorithms(tenant: TenantEntry, app: AppEntry, path: Path, report: Report): void {
  const ofTenant = allowedByTenant(tenant)
  for (const [index, name] of (app.assertion_algorithms ?? []).entries()) {
    if (!ofTenant.has(name))
      report(
        [...path, 'assertion_algorithms', index],
        name,
        oneOf('an algorithm that the tenant allows', [...ofTenant]),
      )
  }
  const allowed = assertionAlgorithms(tenant, app)
  for (const [index, method] of (app.client_authentication ?? []).entries()) {
    const place = [...path, 'client_authentication', index]
    const found = `${method}, while assertion_algorithms leaves it none`
    if (method === 'private_key_jwt' && allowed.every(isMac))
      report(place, found, 'one such as ES256 among them')
    if (method === 'client_secret_jwt' && !allowed.some(isMac))
      report(place, found, 'one such as HS256 among them')
  }
}

/** Null for a key that can sign what the app may present. */
export function keyFault(jwk: Jwk, tenant: TenantEntry, app: AppEntry): Fault | null {
  const allowed = assertionAlgorithms(tenant, app).filter((name) => !isMac(name))
  const own = algorithmsOfJwk(jwk)
  if (own.some((name) => allowed.includes(name))) return null
  return { found: `a key for ${own.join(' or ')}`, expected: oneOf('a key for what is allowed', allowed) }
}

/** Long enough for one of the MACs that the app may present; that a longer one fails is told at its use. */
export function shortestSecretOf(tenant: TenantEntry, app: AppEntry): number {
  if (!app.client_authentication?.includes('client_secret_jwt')) return shortestSecret
  const lengths = assertionAlgorithms(tenant, app)
    .filter(isMac)
    .map((name) => macs[name].keyBytes)
  return lengths.length === 0 ? shortestSecret : Math.min(...lengths)
}
