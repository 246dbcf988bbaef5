/** Replaces what older master keys have sealed, in small transactions; begun again, it goes on where it was. */

import type { Actor } from '../store/audit-records.ts'
import type { Database } from '../store/database.ts'
import {
  listSealedOtherwise,
  replaceSealed,
  type SealedKey,
  type SealedPlace,
  type SealedValue,
  sealedPlaces,
} from '../store/sealed.ts'
import { secretContext } from './sealed-secret.ts'
import { masterKeyName, type Sealer } from './sealing.ts'
import { pepperContext } from './secret-hasher.ts'
import { signingKeyContext } from './signing-keys.ts'

const contexts: Readonly<Record<SealedPlace, (key: readonly string[]) => string>> = {
  signing_keys: ([tenantId = '', kid = '']) => signingKeyContext(tenantId, kid),
  peppers: ([version = '']) => pepperContext(Number(version)),
  credentials: ([tenantId = '', clientId = '', credentialId = '']) =>
    secretContext({ tenantId, clientId, credentialId }),
}

/** To what a sealed value is bound. */
export const contextOf = (place: SealedPlace, key: SealedKey): string => contexts[place](key.map(String))

export interface ResealDeps {
  readonly db: Database
  readonly sealer: Sealer
  /** For the audit chain. */
  readonly by?: Actor
  readonly rowsPerTransaction?: number
}

/** Answers how many secrets have been sealed anew. Throws `SealBroken` for one that none of the keys opens. */
export async function resealAll(deps: ResealDeps): Promise<number> {
  let count = 0
  for (const place of sealedPlaces) count += await resealPlace(place, deps)
  return count
}

async function resealPlace(
  place: SealedPlace,
  { db, sealer, by = 'server', rowsPerTransaction: limit = 200 }: ResealDeps,
): Promise<number> {
  let count = 0
  for (let after: SealedKey | null = null; ; ) {
    const values: SealedValue[] = await listSealedOtherwise(db.kysely, place, sealer.prefix, { after, limit })
    const last = values.at(-1)
    if (last === undefined) return count
    count += await db.write(async (tx) => {
      let replaced = 0
      for (const value of values) {
        const context = contextOf(place, value.key)
        const replacement = sealer.seal(sealer.open(value.sealed, context), context)
        if (await replaceSealed(tx, place, value, replacement)) replaced += 1
      }
      if (replaced > 0)
        tx.audit({
          ...{ tenantId: null, actor: by, action: 'resealSecrets', target: masterKeyName(sealer) },
          after: JSON.stringify({ place, count: replaced }),
        })
      return replaced
    })
    after = last.key
  }
}
