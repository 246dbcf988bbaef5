/** Declared rows against stored rows: what to add, to change and to remove, and what must not be done at all. */

import { createHash } from 'node:crypto'
import { decodePem } from '../certificates/pem.ts'
import type { SecretHasher } from '../keys/secret-hasher.ts'
import type { BlueprintRows } from '../store/blueprint-rows.ts'
import type { Blueprint } from './blueprint.ts'
import { dateText } from './check-dates.ts'
import { checkAgainstStore } from './check-store.ts'
import { compareProofs, sameProof } from './compare-proofs.ts'
import { type Difference, describeDifferences, describeOrder, findDifferences } from './differences.ts'
import type { Problem } from './problem.ts'
import { appKey, type DeclaredRow, keyOf, type StoredRow, storedRows } from './rows.ts'

export type Step =
  | { readonly sign: '+'; readonly declared: DeclaredRow }
  | {
      readonly sign: '~'
      readonly declared: DeclaredRow
      readonly stored: StoredRow
      /** What changes, in words for one line. */
      readonly notes: readonly string[]
      /** Those of them that no difference of values says. */
      readonly remarks: readonly string[]
      readonly differences: readonly Difference[]
      /** Something else proves now: a new credential under an old id. */
      readonly replacesProof: boolean
    }
  | { readonly sign: '-'; readonly stored: StoredRow }

export interface Comparison {
  readonly steps: readonly Step[]
  /** The client id of every stored app, by `tenant/app`. */
  readonly clientIds: ReadonlyMap<string, string>
  /** Rows that these blueprints made and no longer declare, kept because nobody asked to prune. */
  readonly left: readonly StoredRow[]
  readonly problems: readonly Problem[]
}

export interface CompareOptions {
  readonly prune: boolean
  /** Takes into a blueprint what it declares and no blueprint has made. */
  readonly adopt?: boolean
  readonly hasher: Pick<SecretHasher, 'compute'>
}

export function compareRows(
  blueprints: readonly Blueprint[],
  declared: readonly DeclaredRow[],
  rows: BlueprintRows,
  { prune, adopt = false, hasher }: CompareOptions,
): Comparison {
  const owners = new Set(blueprints.map(({ file }) => file.blueprint))
  const stored = rows.tenants.flatMap(storedRows)
  const storedByKey = new Map(stored.map((row) => [keyOf(row), row]))
  const declaredKeys = new Set(declared.map(keyOf))
  const surplus = stored.filter(
    (row) => row.owner !== null && owners.has(row.owner) && !declaredKeys.has(keyOf(row)),
  )
  const removed = prune ? surplus : []
  const saved = declared.flatMap((row) => saveStep(row, storedByKey.get(keyOf(row)), hasher))
  return {
    steps: [...saved, ...removed.map((row): Step => ({ sign: '-', stored: row }))],
    clientIds: new Map(stored.flatMap((row) => (row.noun === 'app' ? [[appKey(row), row.clientId]] : []))),
    left: prune ? [] : surplus,
    problems: checkAgainstStore({
      ...{ blueprints, declared, stored, removed, adopt },
      hostHolders: rows.hostHolders,
    }),
  }
}

function saveStep(row: DeclaredRow, before: StoredRow | undefined, hasher: CompareOptions['hasher']): Step[] {
  if (!before) return [{ sign: '+', declared: row }]
  const proof =
    row.noun === 'credential' && before.noun === 'credential'
      ? compareProofs(row, before.verifier, hasher)
      : sameProof
  const [old, fresh] = [comparable(before), comparable(row, before)]
  const found = findDifferences(old, fresh)
  const remarks = [
    ...(before.owner === null ? [`taken into blueprint ${row.blueprint.file.blueprint}`] : []),
    ...proof.notes,
    ...(proof.isReplaced && disabledAfter(before, true) !== null ? ['stays disabled'] : []),
    ...(found.length === 0 ? describeOrder(old, fresh) : []),
  ]
  const differences = [...(proof.differences ?? []), ...found]
  const notes = [...remarks, ...describeDifferences(differences)]
  if (notes.length === 0) return []
  const replacesProof = proof.isReplaced
  return [{ sign: '~', declared: row, stored: before, notes, remarks, differences, replacesProof }]
}

/**
 * A quarantine is about the secret that others have seen, and goes with it; whoever disables a credential means it
 * whatever it proves with. A quarantine is written at the moment of the sight; what was only noted then, and is disabled
 * since, was disabled by people.
 */
export function disabledAfter(stored: StoredRow, replacesProof: boolean): number | null {
  const { disabledAt } = stored
  if (!replacesProof || stored.noun !== 'credential' || disabledAt === null) return disabledAt
  const { exposedAt } = stored
  return exposedAt === disabledAt ? null : disabledAt
}

/** As people write it. What the blueprint leaves to the store counts as it is there. */
function comparable(row: DeclaredRow | StoredRow, stored?: StoredRow): object {
  const own: Record<string, unknown> = { ...row.fields, ...row.settings }
  if (row.noun === 'app' && stored?.noun === 'app') own.client_id ??= stored.clientId
  if (row.noun === 'credential' && row.fields.expires_at !== null)
    own.expires_at = dateText(row.fields.expires_at)
  if (Array.isArray(own.certificate_authorities))
    own.certificate_authorities = own.certificate_authorities.map(fingerprint)
  return withoutUnset(own)
}

const withoutUnset = (record: object): object =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null && value !== undefined))

/** Certificates all begin alike, and a plan shows how a value begins. */
const fingerprint = (pem: unknown): string =>
  createHash('sha256')
    .update(decodePem(String(pem), 'CERTIFICATE')?.[0] ?? '')
    .digest('hex')
