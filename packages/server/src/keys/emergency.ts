/**
 * A key that others may have: it signs no more and verifies no more, from this transaction on. Everything it has
 * signed is revoked with it, so that verifiers who still have it in their caches hear of it.
 */

import type { WriteTransaction } from '../store/database.ts'
import { type Revocation, revoke } from '../store/revocations.ts'
import { type SigningKeyRecord, selectSigningKeys } from '../store/signing-keys.ts'
import { loadTenant, type TenantRecord } from '../store/tenants.ts'
import { type KeyChange, recordKeyChanges } from './key-records.ts'
import {
  isSelected,
  type KeyEvent,
  moveKeys,
  type RotationDeps,
  type Selection,
  unlessLost,
} from './rotation.ts'
import { signingKeyOf, signingSettings, signingSlots } from './rotation-schedule.ts'
import { type GeneratedKey, generateSigningKey, keepSigningKey } from './signing-keys.ts'

// Whoever has the key can write any `iat`, so the cut-off lies ahead, further than anybody caches a key set.
const revokedAheadSeconds = 30 * 86_400

const keyRevocation = (kid: string, now: number): Revocation => ({
  kind: 'key',
  subjectId: kid,
  issuedUntil: now + revokedAheadSeconds,
  expiresAt: null,
})

export interface Replaced {
  /** What was retired and revoked: the key that signed, the one before it, and the one that was to come. */
  readonly gone: readonly Pick<SigningKeyRecord, 'kid' | 'algorithm' | 'apiId' | 'state'>[]
  readonly made: readonly Pick<SigningKeyRecord, 'kid' | 'algorithm' | 'apiId'>[]
}

const attempts = 5

/** Every key of the selection is replaced at once: where one has leaked, those beside it have as well. */
export async function replaceAtOnce(
  deps: RotationDeps,
  tenantId: string,
  selection: Selection,
): Promise<Replaced> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const record = await loadTenant(deps.db, tenantId)
    if (record === null) return { gone: [], made: [] }
    const spare = await generateFor(record, selection, deps.random)
    const work = deps.db.write(async (tx) => {
      const done = await replace(tx, record, spare, selection, deps)
      recordKeyChanges(tx, { tenantId, by: deps.by }, changesOf(done, tx.now))
      return done
    })
    const replaced = await unlessLost(work)
    if (replaced === null) continue
    tell(deps, tenantId, replaced)
    return replaced
  }
  throw new Error(`The keys of tenant ${tenantId} are being changed by others. Try again.`)
}

/** The same inside somebody else's transaction, which a key that is lost to others undoes: see `unlessLost`. */
export async function replaceWithin(
  tx: WriteTransaction,
  tenantId: string,
  selection: Selection,
  spare: readonly GeneratedKey[],
  deps: Pick<RotationDeps, 'sealer'>,
): Promise<Replaced> {
  const record = await loadTenant(tx, tenantId)
  return record === null ? { gone: [], made: [] } : replace(tx, record, spare, selection, deps)
}

/** Before the transaction, for an RSA key takes a while. */
export function generateFor(
  record: TenantRecord,
  selection: Selection,
  random: RotationDeps['random'],
): Promise<GeneratedKey[]> {
  const settings = signingSettings(record)
  const { keyIdEncoding } = settings
  const slots = signingSlots(settings).filter((slot) => isSelected(slot, selection))
  return Promise.all(slots.map((slot) => generateSigningKey({ ...slot, keyIdEncoding }, random)))
}

async function replace(
  tx: WriteTransaction,
  { id }: TenantRecord,
  spare: readonly GeneratedKey[],
  selection: Selection,
  { sealer }: Pick<RotationDeps, 'sealer'>,
): Promise<Replaced> {
  const keys = await selectSigningKeys(tx.kysely, id)
  // In the order in which a rotation takes them, so that the two wait for each other and not in a ring.
  const gone = (['active', 'next', 'retiring'] as const).flatMap((state) =>
    keys.filter((key) => key.state === state && isSelected(key, selection)),
  )
  for (const { kid, state } of gone) {
    await moveKeys(tx, id, [{ kid, from: state, to: 'retired' }])
    await revoke(tx, id, keyRevocation(kid, tx.now))
  }
  const left = keys.filter((key) => !gone.includes(key))
  const made: GeneratedKey[] = []
  for (const key of spare) {
    // Another algorithm's key may still sign, on the way to this one.
    if (signingKeyOf(left, key) !== undefined) continue
    if (await keepSigningKey(tx, sealer, id, key, 'active')) made.push(key)
  }
  return { gone, made }
}

const changesOf = ({ gone, made }: Replaced, now: number): readonly KeyChange[] => [
  ...gone.map((key) => revokedKey(key, now)),
  ...made.map((key) => ({ ...key, from: null, to: 'active' as const })),
]

const revokedKey = (key: Replaced['gone'][number], now: number): KeyChange => {
  const { issuedUntil: revokedUntil } = keyRevocation(key.kid, now)
  return { ...key, from: key.state, to: 'retired', revokedUntil }
}

function tell({ onEvent }: RotationDeps, tenantId: string, { gone, made }: Replaced): void {
  const say = ({ kid, algorithm, apiId }: Replaced['made'][number], state: KeyEvent['state']) =>
    onEvent({ tenantId, kid, algorithm, apiId, state })
  for (const key of gone) say(key, 'retired')
  for (const key of made) say(key, 'active')
}

/** Takes keys that sign no more out of use before their time, and with them the tokens they have signed. */
export async function retireAtOnce(
  deps: RotationDeps,
  tenantId: string,
  keys: readonly SigningKeyRecord[],
): Promise<void> {
  for (const key of keys) {
    const { kid, algorithm, apiId, state } = key
    const retired = await unlessLost(
      deps.db.write(async (tx) => {
        await moveKeys(tx, tenantId, [{ kid, from: state, to: 'retired' }])
        await revoke(tx, tenantId, keyRevocation(kid, tx.now))
        recordKeyChanges(tx, { tenantId, by: deps.by }, [revokedKey(key, tx.now)])
        return true
      }),
    )
    if (retired) deps.onEvent({ tenantId, kid, algorithm, apiId, state: 'retired' })
  }
}
