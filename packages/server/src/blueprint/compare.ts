/** Declared rows against stored rows: what to add, to change and to remove, and what must not be done at all. */

import type { SecretHasher } from '../keys/secret-hasher.ts'
import type { BlueprintRows } from '../store/blueprint-rows.ts'
import type { Blueprint } from './blueprint.ts'
import { checkAgainstStore } from './check-store.ts'
import { describeDifferences } from './differences.ts'
import type { Problem } from './problem.ts'
import {
  appKey,
  type Declared,
  type DeclaredRow,
  keyOf,
  type Stored,
  type StoredRow,
  storedRows,
} from './rows.ts'

export type Step =
  | { readonly sign: '+'; readonly declared: DeclaredRow }
  | {
      readonly sign: '~'
      readonly declared: DeclaredRow
      readonly stored: StoredRow
      readonly notes: readonly string[]
      readonly replacesSecret: boolean
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
  readonly hasher: Pick<SecretHasher, 'compute'>
}

export function compareRows(
  blueprints: readonly Blueprint[],
  declared: readonly DeclaredRow[],
  rows: BlueprintRows,
  { prune, hasher }: CompareOptions,
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
    problems: checkAgainstStore({ blueprints, declared, stored, removed, hostHolders: rows.hostHolders }),
  }
}

function saveStep(row: DeclaredRow, before: StoredRow | undefined, hasher: CompareOptions['hasher']): Step[] {
  if (!before) return [{ sign: '+', declared: row }]
  const replacesSecret =
    row.noun === 'credential' && before.noun === 'credential' && !isSameSecret(row, before, hasher)
  const differences = describeDifferences(comparable(before), comparable(row, before))
  const notes = replacesSecret ? ['secret replaced', ...differences] : differences
  return notes.length === 0 ? [] : [{ sign: '~', declared: row, stored: before, notes, replacesSecret }]
}

/** As people write it. What the blueprint leaves to the store counts as it is there. */
function comparable(row: DeclaredRow | StoredRow, stored?: StoredRow): object {
  const own: Record<string, unknown> = { ...row.fields, ...row.settings }
  if (row.noun === 'app' && stored?.noun === 'app') own.client_id ??= stored.clientId
  if (row.noun === 'credential') own.expires_at = dayOf(row.fields.expires_at)
  return withoutUnset(own)
}

const dayOf = (instant: number | null): string | null =>
  instant === null ? null : new Date(instant * 1000).toISOString().replace('T00:00:00.000Z', '')

const withoutUnset = (record: object): object =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null && value !== undefined))

function isSameSecret(
  { secret, tenantId }: Declared<'credential'>,
  { verifier: stored }: Stored<'credential'>,
  hasher: CompareOptions['hasher'],
): boolean {
  // Generated once: whatever stands there is what its owner was given.
  if (secret.kind === 'generated') return true
  if (secret.kind === 'hash')
    return stored.format === 'sha256' && Buffer.compare(secret.digest, stored.verifier) === 0
  if (stored.format !== 'hmac-sha256' || stored.pepperVersion === null) return false
  const computed = hasher.compute(stored.pepperVersion, tenantId, stored.clientId, secret.secret.reveal())
  return computed !== null && computed.compare(stored.verifier) === 0
}
