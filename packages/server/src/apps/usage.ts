/**
 * When each credential was last used, and who still leans on which dialect feature: gathered in memory and written
 * now and then, since a write a token would cost more than the token. What a crash loses is a few seconds of this.
 */

import { touchLastUsed } from '../store/credentials.ts'
import { type Database, StoreUnavailable } from '../store/database.ts'
import { addDialectUses } from '../store/dialect-uses.ts'

// A batch holds up the loop on SQLite, so it stays small; under more traffic than this it is a sample.
const clientsPerBatch = 1_000

export interface UsedNow {
  readonly tenantId: string
  readonly clientId: string
  readonly credentialId: string | undefined
  readonly features: Iterable<string>
  readonly now: number
}

export interface Usage {
  note(used: UsedNow): void
  /** Writes what has been gathered; keeps it for the next time if the database is gone. */
  flush(): Promise<void>
}

/** What one client has used since the last batch was taken away. */
interface ClientUse {
  readonly tenantId: string
  readonly clientId: string
  lastUsedAt: number
  /** Credential id to its last use. */
  readonly credentials: Map<string, number>
  readonly features: Map<string, number>
}

/** By tenant, then client: both names have been hashed before, where a joined one would be hashed on each token. */
class Batch {
  readonly #byTenant = new Map<string, Map<string, ClientUse>>()
  #size = 0

  /** Undefined for a new client when the batch is full. */
  clientUse(tenantId: string, clientId: string): ClientUse | undefined {
    const clients = this.#byTenant.get(tenantId) ?? new Map<string, ClientUse>()
    const known = clients.get(clientId)
    if (known !== undefined || this.#size >= clientsPerBatch) return known
    const use: ClientUse = { tenantId, clientId, lastUsedAt: 0, credentials: new Map(), features: new Map() }
    this.#byTenant.set(tenantId, clients.set(clientId, use))
    this.#size++
    return use
  }

  *uses(): Iterable<ClientUse> {
    for (const clients of this.#byTenant.values()) yield* clients.values()
  }

  get isEmpty(): boolean {
    return this.#size === 0
  }
}

const credentialRows = (batch: Batch) =>
  [...batch.uses()].flatMap(({ tenantId, clientId, credentials }) =>
    [...credentials].map(([credentialId, lastUsedAt]) => ({ tenantId, clientId, credentialId, lastUsedAt })),
  )

const featureRows = (batch: Batch) =>
  [...batch.uses()].flatMap(({ tenantId, clientId, lastUsedAt, features }) =>
    [...features].map(([feature, uses]) => ({ tenantId, clientId, feature, uses, lastUsedAt })),
  )

function add(batch: Batch, from: Batch): void {
  for (const use of from.uses()) {
    const into = batch.clientUse(use.tenantId, use.clientId)
    if (into === undefined) continue
    into.lastUsedAt = Math.max(into.lastUsedAt, use.lastUsedAt)
    for (const [id, at] of use.credentials)
      into.credentials.set(id, Math.max(at, into.credentials.get(id) ?? 0))
    for (const [feature, count] of use.features) {
      into.features.set(feature, count + (into.features.get(feature) ?? 0))
    }
  }
}

export function createUsage(db: Database): Usage {
  let gathered = new Batch()

  return {
    note({ tenantId, clientId, credentialId, features, now }) {
      const use = gathered.clientUse(tenantId, clientId)
      if (use === undefined) return
      use.lastUsedAt = Math.max(use.lastUsedAt, now)
      if (credentialId !== undefined) {
        use.credentials.set(credentialId, Math.max(now, use.credentials.get(credentialId) ?? 0))
      }
      for (const feature of features) use.features.set(feature, (use.features.get(feature) ?? 0) + 1)
    },
    async flush() {
      // Taken away before the write, because more is noted while it waits.
      const batch = gathered
      if (batch.isEmpty) return
      gathered = new Batch()
      try {
        await db.write(async (tx) => {
          await touchLastUsed(tx, credentialRows(batch))
          await addDialectUses(tx, featureRows(batch))
        })
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error
        add(gathered, batch)
      }
    },
  }
}
