/** What a patch would change, member by member, for `--dry-run`. */

import { jsonPointer } from '@sallyport/protocol'
import { terminalText } from '../standard-input.ts'

export interface Difference {
  readonly pointer: string
  /** Undefined where there is nothing. */
  readonly before: unknown
  readonly after: unknown
}

type Path = readonly string[]

const isMembers = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Null and nothing are one: what is not set is shown as either. */
export function differences(before: unknown, after: unknown, path: Path = []): readonly Difference[] {
  if (isMembers(before) && isMembers(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)])
    return [...names].flatMap((name) =>
      differences(memberOf(before, name), memberOf(after, name), [...path, name]),
    )
  }
  if (JSON.stringify(before ?? null) === JSON.stringify(after ?? null)) return []
  return [{ pointer: jsonPointer(path), before: before ?? undefined, after: after ?? undefined }]
}

const memberOf = (value: Readonly<Record<string, unknown>>, name: string): unknown =>
  Object.hasOwn(value, name) ? value[name] : undefined

export function differenceLine({ pointer, before, after }: Difference): string {
  const [old, now] = [before, after].map((value) => JSON.stringify(value))
  if (before === undefined) return terminalText(`+ ${pointer}: ${now}`)
  return terminalText(after === undefined ? `- ${pointer}: ${old}` : `~ ${pointer}: ${old} → ${now}`)
}
