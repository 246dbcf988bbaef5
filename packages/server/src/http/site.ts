/** Which tenant a request is for: by its host, or by the first segment of its path. */

import { type Soon, whenKnown } from '@sallyport/protocol'
import type { Directory } from '../tenants/directory.ts'
import type { Tenant } from '../tenants/tenant.ts'

/** A tenant as it was reached: the issuer is the URL it is served under, never what a header says. */
export interface Site {
  readonly tenant: Tenant
  readonly issuer: string
  /** The same where connections are asked for certificates; null without such a place (RFC 8705 §5). */
  readonly mtlsIssuer: string | null
  /** The path below the issuer. */
  readonly path: string
}

export interface SiteFinder {
  /** At once for a tenant that is in memory. */
  find(host: string, path: string): Soon<Site | null>
}

const identifier = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/
const wellKnown = '/.well-known/'

/** RFC 8414 §3.1 inserts the well-known part before the issuer's path; OIDC Discovery §4 appends it. */
function splitPath(path: string): { tenantId: string; rest: string } | null {
  if (path.startsWith(wellKnown)) {
    const end = path.indexOf('/', wellKnown.length)
    return end === -1 ? null : { tenantId: path.slice(end + 1), rest: path.slice(0, end) }
  }
  const end = path.indexOf('/', 1)
  return end === -1 ? null : { tenantId: path.slice(1, end), rest: path.slice(end) }
}

// RFC 1034 §3.1: a dot at the end makes a name absolute, not another one.
const nameOf = (host: string) => host.replace(/\.?(?::\d+)?$/, '')

const portOf = ({ port }: URL): string => (port === '' ? '' : `:${port}`)

/** All that a tenant is served under, and so calls itself. */
export function issuersOf(
  baseUrl: URL,
  { id, hosts }: Pick<Tenant, 'id' | 'hosts'>,
): readonly [string, ...string[]] {
  const port = portOf(baseUrl)
  return [`${baseUrl.origin}/${id}`, ...hosts.map((host) => `${baseUrl.protocol}//${host}${port}`)]
}

/** `baseUrl` is what the operator says the server is called; hosts of tenants share its scheme and port. */
export function createSiteFinder(directory: Directory, baseUrl: URL, mtlsUrl: URL | null = null): SiteFinder {
  // Read once: each of these is computed anew by `URL`.
  const { hostname, origin, protocol } = baseUrl
  const port = portOf(baseUrl)
  const mtlsPort = mtlsUrl && portOf(mtlsUrl)
  const mtlsOrigin = mtlsUrl === null ? null : mtlsUrl.origin

  function ofPath(path: string): Soon<Site | null> {
    const split = splitPath(path)
    if (split === null || !identifier.test(split.tenantId)) return null
    const site = (tenant: Tenant | null) =>
      tenant && {
        tenant,
        issuer: `${origin}/${tenant.id}`,
        mtlsIssuer: mtlsOrigin && `${mtlsOrigin}/${tenant.id}`,
        path: split.rest,
      }
    const tenant = directory.tenant(split.tenantId)
    return whenKnown(tenant, site)
  }

  async function ofHost(host: string, path: string): Promise<Site | null> {
    const tenantId = await directory.tenantIdOfHost(host)
    if (tenantId === null) return ofPath(path)
    const tenant = await directory.tenant(tenantId)
    if (!tenant) return null
    const own = `${protocol}//${host}`
    const mtlsIssuer = mtlsPort === null ? null : `${own}${mtlsPort}`
    return { tenant, issuer: `${own}${port}`, mtlsIssuer, path }
  }

  return {
    // A registered host answers for its tenant alone; every other host serves tenants by path.
    find(host, path) {
      const name = nameOf(host)
      return name === hostname ? ofPath(path) : ofHost(name, path)
    },
  }
}
