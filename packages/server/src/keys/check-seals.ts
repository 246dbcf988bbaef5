/** Whether the master key at hand opens everything that a database has sealed. */

import type { Database } from '../store/database.ts'
import { listSealedOtherwise, type SealedKey, type SealedPlace, sealedPlaces } from '../store/sealed.ts'
import { contextOf } from './reseal.ts'
import type { Sealer } from './sealing.ts'

type From = Pick<Database, 'kysely'>

const rowsAtOnce = 500

/** Nothing begins so: the first byte is the version of the format. */
const noPrefix = Buffer.of(0)

/** Throws `SealBroken` for the first one that it does not open. */
export async function checkSeals(db: From, sealer: Pick<Sealer, 'open'>): Promise<void> {
  for (const place of sealedPlaces) await checkPlace(db, sealer, place)
}

async function checkPlace({ kysely }: From, sealer: Pick<Sealer, 'open'>, place: SealedPlace): Promise<void> {
  for (let after: SealedKey | null = null; ; ) {
    const values = await listSealedOtherwise(kysely, place, noPrefix, { after, limit: rowsAtOnce })
    for (const { key, sealed } of values) sealer.open(sealed, contextOf(place, key))
    const last = values.at(-1)
    if (last === undefined) return
    after = last.key
  }
}
