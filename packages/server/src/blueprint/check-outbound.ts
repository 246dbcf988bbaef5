/** URLs that the server is to fetch from: what it would never fetch is refused, as the management API refuses it. */

import { fetchedMember } from '../federation/fetched-member.ts'
import { type IsAllowedAddress, namesPrivateHost } from '../outbound/literal-host.ts'
import { appsOf } from './apps-of.ts'
import type { Blueprint } from './blueprint.ts'
import type { Path, Problem } from './problem.ts'
import type { TenantEntry } from './schema.ts'

/** Trust row 153. Nothing is looked up or fetched. */
export function checkOutbound(
  blueprints: readonly Blueprint[],
  isAllowedAddress: IsAllowedAddress,
): readonly Problem[] {
  return blueprints.flatMap(({ file, source }) =>
    file.tenants.flatMap((tenant, index) =>
      fetchedUrls(tenant, ['tenants', index])
        .filter(([, url]) => namesPrivateHost(url, isAllowedAddress))
        .map(([path]) => source.problem(path, found, expected)),
    ),
  )
}

const found = 'a host that is not public'
const expected =
  'one that is, or an address of outbound_allowed_networks in the configuration (--config names its file)'

type Fetched = readonly (readonly [path: Path, url: string])[]

function fetchedUrls(tenant: TenantEntry, path: Path): Fetched {
  const issuers = (tenant.trusted_issuers ?? []).flatMap((one, index) =>
    urlOfIssuer(one, [...path, 'trusted_issuers', index]),
  )
  const keys = appsOf(tenant, path).flatMap(({ app, path: place }) =>
    (app.credentials ?? []).flatMap(({ jwks_uri: uri, federation }, index): Fetched => {
      const at = [...place, 'credentials', index]
      return [
        ...(uri === undefined ? [] : [[[...at, 'jwks_uri'], uri] as const]),
        ...(federation ? urlOfIssuer(federation, [...at, 'federation']) : []),
      ]
    }),
  )
  return [...issuers, ...keys]
}

function urlOfIssuer(issuer: Parameters<typeof fetchedMember>[0], path: Path): Fetched {
  const member = fetchedMember(issuer)
  const url = member === null ? undefined : issuer[member]
  return member === null || url === undefined ? [] : [[[...path, member], url]]
}
