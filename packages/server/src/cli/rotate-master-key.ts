/**
 * The master key, replaced: whatever older keys have sealed is sealed by the first of the list, and what it then takes
 * to let go of the others. Killed at any point it leaves everything readable, and begun again it goes on.
 */

import { readFileSync } from 'node:fs'
import { ConfigRefused } from '../config.ts'
import { resealAll } from '../keys/reseal.ts'
import { parseMasterKeys, readMasterKeys, replaceMasterKeys } from '../master-key.ts'
import type { OpenStore } from '../open-store.ts'
import { type Database, StoreRefused } from '../store/database.ts'
import { countSealedOtherwise } from '../store/sealed.ts'

export interface MasterKeyRotation {
  readonly resealed: number
  /** Of values that only an older key opens. Until it is 0, none may be dropped. */
  readonly left: number
}

export interface RotateDeps extends Pick<OpenStore, 'db' | 'sealer'> {
  readonly random: (bytes: number) => Uint8Array
  readonly rowsPerTransaction?: number
}

// Somebody seals with the older key while we work, for as long as a node has not heard of the new one.
const rounds = 5

/** Where the operator hands the keys over: the list is theirs, and so is its end. */
export async function resealForList(deps: RotateDeps): Promise<MasterKeyRotation> {
  const resealed = await resealAll(deps)
  const left = await deps.db.write((tx) => countSealedOtherwise(tx, deps.sealer.prefix))
  return { resealed, left }
}

/**
 * Where the key stands in a file beside the embedded database. Each change of the file is made inside a write
 * transaction, and everything is sealed inside one: so nobody can have sealed with a key that the file no longer holds.
 */
export async function rotateKeyFile(
  file: string,
  newKey: Uint8Array | null,
  deps: RotateDeps,
): Promise<MasterKeyRotation> {
  await beginRotation(file, newKey, deps)
  let resealed = 0
  for (let round = 1; ; round += 1) {
    resealed += await resealAll(deps)
    const left = await endRotation(file, deps)
    if (left === 0 || round === rounds) return { resealed, left }
  }
}

/** The new key first, the old one behind it. One that was begun and cut short goes on with its own new key. */
function beginRotation(file: string, newKey: Uint8Array | null, { db, random }: RotateDeps): Promise<void> {
  return db.write(async () => {
    const keys = keysIn(file)
    const [first] = keys
    if (keys.length === 1) return replaceMasterKeys(file, [newKey ?? random(32), ...keys])
    if (newKey !== null && !Buffer.from(newKey).equals(first)) {
      throw new ConfigRefused(
        `A rotation to another key is under way in ${file}. Run this without --new-master-key-file to end it first.`,
      )
    }
  })
}

/** Drops the old ones from the file, if nothing needs them any more; answers how much does. */
function endRotation(file: string, { db, sealer }: { db: Database } & RotateDeps): Promise<number> {
  return db.write(async (tx) => {
    const left = await countSealedOtherwise(tx, sealer.prefix)
    if (left === 0) replaceMasterKeys(file, [keysIn(file)[0]])
    return left
  })
}

function keysIn(file: string): readonly [Uint8Array, ...Uint8Array[]] {
  const [first, ...others] = readMasterKeys(file) ?? []
  if (first === undefined) throw new StoreRefused(`The master key is not at ${file} any more. Put it back.`)
  return [first, ...others]
}

export function readNewKey(file: string): Uint8Array {
  const [key, ...more] = parseMasterKeys(readFileSync(file, 'utf8').trim(), `The new master key in ${file}`)
  if (key === undefined || more.length > 0) throw new ConfigRefused(`Give one new master key in ${file}.`)
  return key
}
