/** Rows that stay in the store undeclared, whose attributes a dialect would put inside text: their tokens would fail. */

import type { AppSettings } from '../apps/settings.ts'
import {
  leansOnDialect,
  type TextVariables,
  textVariablesOf,
  unfitAttributes,
  variableOf,
} from './check-attributes.ts'
import { type Problem, showValue } from './problem.ts'
import { type Declared, type DeclaredRow, keyOf, type Stored, type StoredRow } from './rows.ts'

interface Rows {
  readonly declared: readonly DeclaredRow[]
  readonly stored: readonly StoredRow[]
  /** Among the stored, what this run takes away. */
  readonly removed: readonly StoredRow[]
}

export function checkStoredAttributes({ declared, stored, removed }: Rows): Problem[] {
  const passing = new Set([...removed, ...declared].map(keyOf))
  const staying = Map.groupBy(
    stored.filter((row) => !passing.has(keyOf(row))),
    ({ tenantId }) => tenantId,
  )
  return declared.flatMap((row) => {
    if (row.noun !== 'tenant') return []
    const inText = textVariablesOf(dialectOf(row))
    if (inText.size === 0) return []
    return (staying.get(row.tenantId) ?? [])
      .filter((other) => other.noun === 'app' || other.noun === 'organization')
      .flatMap((other) => problemsOf(row, other, inText))
  })
}

const dialectOf = ({ blueprint, tenantId }: Declared<'tenant'>) =>
  blueprint.file.tenants.find(({ id }) => id === tenantId)?.dialect ?? {}

function problemsOf(
  tenant: Declared<'tenant'>,
  row: Stored<'app'> | Stored<'organization'>,
  inText: TextVariables,
): Problem[] {
  // The store holds only what the schema has let in; an organization's settings are among an app's.
  const settings = row.settings as AppSettings
  if (!leansOnDialect(settings)) return []
  return unfitAttributes(row.noun, settings.attributes, inText).map((name) => {
    const variable = variableOf(row.noun, name)
    const held = showValue(settings.attributes?.[name], ['attributes', name])
    return tenant.blueprint.source.problem(
      [...tenant.path, 'dialect', ...(inText.get(variable) ?? [])],
      `\${${variable}} inside text, while ${row.noun} ${row.address} in the store holds ${held} there`,
      `the variable alone, or that ${row.noun} changed or removed first`,
    )
  })
}
