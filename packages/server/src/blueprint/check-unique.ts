/** Names that must stand once in a list. */

import { type Path, type Report, showValue } from './problem.ts'

/** Reports every repetition of a member's value in a list. */
export function checkUnique<Name extends string>(
  entries: readonly Readonly<Record<Name, string>>[],
  name: Name,
  path: Path,
  report: Report,
): void {
  const seen = new Map<string, number>()
  for (const [index, entry] of entries.entries()) {
    const before = seen.get(entry[name])
    const place = [...path, index, name]
    if (before === undefined) seen.set(entry[name], index)
    else report(place, `${showValue(entry[name], place)} a second time`, `another ${name}`)
  }
}
