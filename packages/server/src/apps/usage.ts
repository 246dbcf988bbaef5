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

interface FeatureUse {
  readonly tenantId: string
  readonly clientId: string
  readonly feature: string
  uses: number
  lastUsedAt: number
}

export function createUsage(db: Database): Usage {
  const credentials = new Map<
    string,
    { tenantId: string; clientId: string; credentialId: string; lastUsedAt: number }
  >()
  const features = new Map<string, FeatureUse>()

  function noteFeature({ tenantId, clientId, now }: UsedNow, feature: string): void {
    const key = `${tenantId} ${clientId} ${feature}`
    const known = features.get(key)
    if (known) {
      known.uses++
      known.lastUsedAt = now
    } else if (features.size < featuresPerBatch) {
      features.set(key, { tenantId, clientId, feature, uses: 1, lastUsedAt: now })
    }
  }

  return {
    note(used) {
      const { tenantId, clientId, credentialId, now } = used
      if (credentialId !== undefined) {
        const key = `${tenantId} ${clientId} ${credentialId}`
        const known = credentials.get(key)
        if (known) known.lastUsedAt = now
        else if (credentials.size < credentialsPerBatch)
          credentials.set(key, { tenantId, clientId, credentialId, lastUsedAt: now })
      }
      for (const feature of used.features) noteFeature(used, feature)
    },
    async flush() {
      if (credentials.size === 0 && features.size === 0) return
      const usedCredentials = [...credentials.values()]
      const usedFeatures = [...features.values()]
      try {
        await db.write(async (tx) => {
          await touchLastUsed(tx, usedCredentials)
          await addDialectUses(tx, usedFeatures)
        })
      } catch (error) {
        if (error instanceof StoreUnavailable) return
        throw error
      }
      credentials.clear()
      features.clear()
    },
  }
}
