/**
 * URLs that the server is to fetch from and that name a private host: whether it may is in the configuration, which no
 * blueprint knows, so it is no reason to refuse one, but to say so.
 */

import { fetchedMember } from '../federation/fetched-member.ts'
import { namesPrivateHost } from '../outbound/literal-host.ts'
import { appsOf } from './apps-of.ts'
import type { Blueprint } from './blueprint.ts'
import type { Path, Warning } from './problem.ts'
import type { TenantEntry } from './schema.ts'

const sentence =
  'this host is not public, and nothing is fetched from it unless outbound_allowed_networks has its address'

export function outboundWarnings(blueprints: readonly Blueprint[]): Warning[] {
  return blueprints.flatMap(({ file, source }) =>
    file.tenants.flatMap((tenant, index) =>
      fetchedUrls(tenant, ['tenants', index])
        .filter(([, url]) => namesPrivateHost(url, () => false))
        .map(([path]): Warning => {
          const { found: _, expected: __, ...place } = source.problem(path, '', '')
          return { ...place, sentence }
        }),
    ),
  )
}

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
