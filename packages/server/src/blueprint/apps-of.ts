/** The apps of a tenant's declaration, each with its place in the file. */

import { oneOf } from './one-of.ts'
import { type Path, type Report, showValue } from './problem.ts'
import type { AppEntry, TenantEntry } from './schema.ts'

export interface PlacedApp {
  readonly app: AppEntry
  readonly path: Path
}

export const appsOf = ({ organizations = [] }: TenantEntry, path: Path): readonly PlacedApp[] =>
  organizations.flatMap(({ apps = [] }, index) =>
    apps.map((app, at) => ({ app, path: [...path, 'organizations', index, 'apps', at] })),
  )

/** `*` is everybody. */
export function checkAppIds(
  ids: readonly string[],
  apps: readonly PlacedApp[],
  path: Path,
  report: Report,
): void {
  // Nearly every app names nobody, and reading all ids for each of ten thousand takes longer than all other checks.
  if (ids.every((id) => id === '*')) return
  const known = apps.map(({ app }) => app.id)
  for (const [index, id] of ids.entries()) {
    const at = [...path, index]
    if (id !== '*' && !known.includes(id))
      report(at, showValue(id, at), oneOf('an app of this tenant', known))
  }
}
