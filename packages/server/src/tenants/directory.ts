/** Who exists: tenants, organizations and clients, read through bounded caches that the change feed keeps true. */

import { RecentMap, type Soon, whenKnown } from '@sallyport/protocol'
import { type Client, compileClient } from '../apps/client.ts'
import type { Sealer } from '../keys/sealing.ts'
import { loadTenantKeys } from '../keys/tenant-keys.ts'
import { findClient } from '../store/apps.ts'
import type { Database } from '../store/database.ts'
import { findOrganization } from '../store/organizations.ts'
import { createReadThrough, type ReadThrough } from '../store/read-through.ts'
import { findTenantIdByHost, loadTenant } from '../store/tenants.ts'
import { compileOrganization, type Organization } from './organization.ts'
import { compileTenant, type Tenant } from './tenant.ts'

type Found<Value> = Soon<Value | null>

export interface Directory {
  tenant(id: string): Found<Tenant>
  tenantIdOfHost(host: string): Found<string>
  organization(tenantId: string, id: string): Found<Organization>
  client(tenantId: string, clientId: string): Found<Client>
  /** Past the cache, which keeps its own until the change feed tells: a stranger's guess must not turn it over. */
  freshClient(tenantId: string, clientId: string): Found<Client>
  /** True if `client` could have come from an earlier request's read. */
  isCached(tenantId: string, clientId: string): boolean
  /** Another number after whatever may have changed any of them: under the same one, what was found would be found again. */
  readonly version: number
  close(): void
}

export interface DirectoryOptions {
  readonly db: Database
  readonly sealer: Sealer
  readonly random: (bytes: number) => Uint8Array
  readonly clientCacheEntries: number
}

const tenantEntries = 10_000
const hostEntries = 20_000
const organizationEntries = 20_000
// After one that is forgotten a client is still told from what it was by its content, and its tokens by their cut-offs.
const changedClients = 10_000

// Neither a tenant's id nor a host name can hold a blank, so the first one ends it.
const keyOf = (tenantId: string, id: string) => `${tenantId} ${id}`

function splitKey(key: string): [tenantId: string, id: string] {
  const blank = key.indexOf(' ')
  return [key.slice(0, blank), key.slice(blank + 1)]
}

const map = <From, To>(found: Found<From>, compile: (value: From) => To | null): Found<To> =>
  whenKnown(found, (value) => (value === null ? null : compile(value)))

export function createDirectory({ db, sealer, random, clientCacheEntries }: DirectoryOptions): Directory {
  const tenants: ReadThrough<Tenant> = createReadThrough(tenantEntries, async (id) => {
    const record = await loadTenant(db, id)
    if (record === null) return null
    const keys = await loadTenantKeys(db, sealer, random, record)
    if (!keys.areNew) return compileTenant(record, keys)
    // Making a key has changed the tenant, so this load would be used once and not kept.
    tenants.drop(id)
    return tenants.get(id)
  })
  // That a name is nobody's host is kept too: path tenants answer there, also while the database is gone.
  const hosts = createReadThrough<{ readonly tenantId: string | null }>(hostEntries, async (host) => ({
    tenantId: await findTenantIdByHost(db, host),
  }))
  const organizations = createReadThrough<Organization>(organizationEntries, (key) =>
    map(findOrganization(db, ...splitKey(key)), compileOrganization),
  )
  const editions = new RecentMap<number>(changedClients)
  const readClient = (key: string): Found<Client> =>
    map(findClient(db, ...splitKey(key)), (record) =>
      compileClient(record, editions.get(key) ?? leastEdition),
    )
  const clients = createReadThrough<Client>(clientCacheEntries, readClient)

  let version = 0
  let leastEdition = 0
  const dropEverything = () => {
    version += 1
    leastEdition = version
    editions.clear()
    for (const cache of [tenants, hosts, organizations, clients]) cache.clear()
  }
  const unfollow = db.changes.follow((changes) => {
    version += 1
    for (const { noun, tenantId, subjectId } of changes) {
      if (noun === 'app') {
        editions.set(keyOf(tenantId, subjectId), version)
        clients.drop(keyOf(tenantId, subjectId))
      } else if (noun === 'organization') organizations.drop(keyOf(tenantId, subjectId))
      else if (noun === 'tenant') {
        tenants.drop(tenantId)
        hosts.clear()
      }
    }
  }, dropEverything)

  return {
    tenant: (id) => tenants.get(id),
    tenantIdOfHost: (host) => map(hosts.get(host), ({ tenantId }) => tenantId),
    organization: (tenantId, id) => organizations.get(keyOf(tenantId, id)),
    client: (tenantId, clientId) => clients.get(keyOf(tenantId, clientId)),
    freshClient: (tenantId, clientId) => readClient(keyOf(tenantId, clientId)),
    isCached: (tenantId, clientId) => clients.peek(keyOf(tenantId, clientId)) !== undefined,
    get version() {
      return version
    },
    close: unfollow,
  }
}
