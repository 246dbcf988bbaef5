/**
 * The master key, replaced: whatever older keys have sealed is sealed by the first of the list, and what it then takes
 * to let go of the others. Killed at any point it leaves everything readable, and begun again it goes on.
 */

import { readFileSync } from 'node:fs'
import { ConfigRefused } from '../config.ts'
import { resealAll } from '../keys/reseal.ts'
import { masterKeyName } from '../keys/sealing.ts'
import { parseMasterKeys, readMasterKeys, replaceMasterKeys } from '../master-key.ts'
import type { OpenStore } from '../open-store.ts'
import type { Actor } from '../store/audit-records.ts'
import { StoreRefused, type WriteTransaction } from '../store/database.ts'
import { countSealedOtherwise } from '../store/sealed.ts'

export interface MasterKeyRotation {
  readonly resealed: number
  /** Of values that only an older key opens. Until it is 0, none may be dropped. */
  readonly left: number
}

export interface RotateDeps extends Pick<OpenStore, 'db' | 'sealer'> {
  readonly random: (bytes: number) => Uint8Array
  /** For the audit chain. */
  readonly by?: Actor
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
function beginRotation(file: string, newKey: Uint8Array | null, deps: RotateDeps): Promise<void> {
  return deps.db.write(async (tx) => {
    const keys = keysIn(file)
    const [first] = keys
    if (keys.length === 1) {
      replaceMasterKeys(file, [newKey ?? deps.random(32), ...keys])
      record(tx, 'beginMasterKeyRotation', deps)
      return
    }
    if (newKey !== null && !Buffer.from(newKey).equals(first)) {
      throw new ConfigRefused(
        `A rotation to another key is under way in ${file}. Run this without --new-master-key-file to end it first.`,
      )
    }
  })
}

/** Drops the old ones from the file, if nothing needs them any more; answers how much does. */
function endRotation(file: string, deps: RotateDeps): Promise<number> {
  return deps.db.write(async (tx) => {
    const left = await countSealedOtherwise(tx, deps.sealer.prefix)
    if (left > 0) return left
    replaceMasterKeys(file, [keysIn(file)[0]])
    record(tx, 'endMasterKeyRotation', deps)
    return left
  })
}

/** The key that seals from now on, by its fingerprint. */
function record(tx: WriteTransaction, action: string, { sealer, by = 'server' }: RotateDeps): void {
  tx.audit({ tenantId: null, actor: by, action, target: masterKeyName(sealer) })
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
