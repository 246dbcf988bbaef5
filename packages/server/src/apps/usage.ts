/**
 * When each credential was last used, and who still leans on which dialect feature: gathered in memory and written
 * now and then, since a write a token would cost more than the token. What a crash loses is a few seconds of this.
 */

import { touchLastUsed } from '../store/credentials.ts'
import { type Database, StoreUnavailable } from '../store/database.ts'
import { addDialectUses } from '../store/dialect-uses.ts'

// A batch holds up the loop on SQLite, so it stays small; under more traffic than this it is a sample.
const credentialsPerBatch = 1_000
const featuresPerBatch = 2_000

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

interface CredentialUse {
  readonly tenantId: string
  readonly clientId: string
  readonly credentialId: string
  readonly lastUsedAt: number
}

interface FeatureUse {
  readonly tenantId: string
  readonly clientId: string
  readonly feature: string
  readonly uses: number
  readonly lastUsedAt: number
}

/** What has been gathered since the last batch was taken away. */
interface Batch {
  readonly credentials: Map<string, CredentialUse>
  readonly features: Map<string, FeatureUse>
}

const emptyBatch = (): Batch => ({ credentials: new Map(), features: new Map() })

function addCredential({ credentials }: Batch, use: CredentialUse): void {
  const key = `${use.tenantId} ${use.clientId} ${use.credentialId}`
  const known = credentials.get(key)
  if (known === undefined && credentials.size >= credentialsPerBatch) return
  if (known === undefined || known.lastUsedAt < use.lastUsedAt) credentials.set(key, use)
}

function addFeature({ features }: Batch, use: FeatureUse): void {
  const key = `${use.tenantId} ${use.clientId} ${use.feature}`
  const known = features.get(key)
  if (known === undefined && features.size >= featuresPerBatch) return
  const uses = use.uses + (known?.uses ?? 0)
  features.set(key, { ...use, uses, lastUsedAt: Math.max(use.lastUsedAt, known?.lastUsedAt ?? 0) })
}

export function createUsage(db: Database): Usage {
  let gathered = emptyBatch()

  return {
    note({ tenantId, clientId, credentialId, features, now }) {
      if (credentialId !== undefined)
        addCredential(gathered, { tenantId, clientId, credentialId, lastUsedAt: now })
      for (const feature of features)
        addFeature(gathered, { tenantId, clientId, feature, uses: 1, lastUsedAt: now })
    },
    async flush() {
      // Taken away before the write, because more is noted while it waits.
      const batch = gathered
      if (batch.credentials.size === 0 && batch.features.size === 0) return
      gathered = emptyBatch()
      try {
        await db.write(async (tx) => {
          await touchLastUsed(tx, [...batch.credentials.values()])
          await addDialectUses(tx, [...batch.features.values()])
        })
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error
        for (const use of batch.credentials.values()) addCredential(gathered, use)
        for (const use of batch.features.values()) addFeature(gathered, use)
      }
    },
  }
}
