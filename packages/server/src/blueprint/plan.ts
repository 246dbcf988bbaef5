/** Compares blueprints with the store: what applying them would do, or everything that forbids it. Writes nothing. */

import type { SecretHasher } from '../keys/secret-hasher.ts'
import type { IsAllowedAddress } from '../outbound/literal-host.ts'
import { type BlueprintQuery, readBlueprintRows } from '../store/blueprint-rows.ts'
import type { Database, WriteTransaction } from '../store/database.ts'
import type { Blueprint } from './blueprint.ts'
import { checkOutbound } from './check-outbound.ts'
import { type CompareOptions, type Comparison, compareRows } from './compare.ts'
import { declareRows } from './declare-rows.ts'
import { federationWarnings } from './federation-warnings.ts'
import { planWarnings } from './plan-warnings.ts'
import type { Problem, Warning } from './problem.ts'
import type { DeclaredRow } from './rows.ts'
import type { SecretEffects } from './secret-source.ts'

export interface PlanOptions extends SecretEffects {
  readonly hasher: Pick<SecretHasher, 'compute'>
  /** Removes what these blueprints once made and no longer declare. */
  readonly prune?: boolean
  /** Takes into these blueprints what they declare and no blueprint has made. */
  readonly adopt?: boolean
  /** Whether something may be fetched from an address although it is not public. */
  readonly isAllowedAddress?: IsAllowedAddress
}

export interface Plan extends Comparison {
  readonly blueprints: readonly Blueprint[]
  readonly declared: readonly DeclaredRow[]
  readonly prune: boolean
  readonly adopt: boolean
  readonly warnings: readonly Warning[]
}

/** Somebody else wrote between the plan and its application; nothing has been done. */
export class PlanOutdated extends Error {
  override readonly name = 'PlanOutdated'

  constructor(
    message = 'The store changed after the plan was made, so nothing was done. Run the command again.',
  ) {
    super(message)
  }
}

export type Planned =
  | { readonly plan: Plan; readonly problems?: undefined }
  | { readonly plan?: undefined; readonly problems: readonly Problem[] }

/** Without a database, against one that would be new. */
export async function planBlueprints(
  db: Database | null,
  blueprints: readonly Blueprint[],
  { hasher, prune = false, adopt = false, isAllowedAddress = () => false, ...effects }: PlanOptions,
): Promise<Planned> {
  const problems: Problem[] = [...checkOutbound(blueprints, isAllowedAddress)]
  const declared = await declareRows(blueprints, effects, problems)
  const options = { prune, adopt, hasher }
  const comparison = db
    ? await compareWithStore(db, blueprints, declared, options)
    : compareRows(blueprints, declared, { tenants: [], hostHolders: new Map() }, options)
  problems.push(...comparison.problems)
  if (problems.length > 0) return { problems }
  const asked = { blueprints, declared, prune, adopt }
  const warnings = [...federationWarnings(blueprints), ...planWarnings(blueprints)]
  return { plan: { ...comparison, ...asked, warnings } }
}

/** Inside a transaction too: there the answer cannot go stale. */
export async function compareWithStore(
  from: Pick<Database | WriteTransaction, 'kysely'>,
  blueprints: readonly Blueprint[],
  declared: readonly DeclaredRow[],
  options: CompareOptions,
): Promise<Comparison> {
  const rows = await readBlueprintRows(from, queryFor(blueprints))
  return compareRows(blueprints, declared, rows, options)
}

export function queryFor(blueprints: readonly Blueprint[]): BlueprintQuery {
  const tenants = blueprints.flatMap(({ file }) => file.tenants)
  return {
    blueprints: blueprints.map(({ file }) => file.blueprint),
    tenantIds: tenants.map(({ id }) => id),
    hosts: tenants.flatMap(({ hosts = [] }) => hosts),
  }
}
