/** Answers for people: a list as columns, one thing as lines, and what is a list within it as columns below. */

import { instantText } from '../../inspect/instant-text.ts'
import type { ObjectShape } from '../../management/description.ts'
import { terminalText } from '../standard-input.ts'
import { table } from '../table.ts'

type Members = Readonly<Record<string, unknown>>

/** What every row has and hardly anybody looks for; `--json` and the one thing by itself show it. */
const leftOut: ReadonlySet<string> = new Set([
  ...['updated_at', 'hash', 'before', 'after', 'request_id', 'public_jwk'],
])

/** House rule: what ends in `_at` are seconds since 1970; and these. */
const isInstant = (name: string): boolean => name.endsWith('_at') || ['since', 'issued_until'].includes(name)

/** What a row may be without, and is looked for: of a plan. */
const alsoShown: ReadonlySet<string> = new Set(['approval'])

/** What every row must have, and some that are asked for, if it fits in a cell. */
function columnsOf(output: ObjectShape | null): readonly string[] {
  const { required = [], properties = {} } = output ?? {}
  return Object.entries(properties).flatMap(([name, { type, items }]) => {
    const isShown = (required.includes(name) || alsoShown.has(name)) && !leftOut.has(name)
    return isShown && type !== 'object' && items?.type !== 'object' ? [name] : []
  })
}

export function listText(output: ObjectShape | null, items: readonly object[]): string {
  if (items.length === 0) return 'There are none.'
  const rows = items as readonly Members[]
  // What no row has says nothing.
  const columns = columnsOf(output).filter((name) => rows.some((row) => !isNothing(row[name])))
  return columnsText(columns, rows)
}

const isNothing = (value: unknown): boolean =>
  value === null || value === undefined || (Array.isArray(value) && value.length === 0)

const columnsText = (columns: readonly string[], rows: readonly Members[]): string =>
  table([
    columns.map((name) => terminalText(name).replaceAll('_', ' ').toUpperCase()),
    ...rows.map((row) => columns.map((name) => cell(name, shortened(row[name])))),
  ])

const shownOfList = 3

/** A list in a cell would push its neighbours off the screen. */
function shortened(value: unknown): unknown {
  if (!Array.isArray(value) || value.length <= shownOfList + 1) return value
  return [...value.slice(0, shownOfList), `and ${value.length - shownOfList} more`]
}

function cell(name: string, value: unknown): string {
  if (isNothing(value)) return '-'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'number' && isInstant(name)) return instantText(value).replace('.000Z', 'Z')
  if (Array.isArray(value)) return value.map((item) => cell('', item)).join(', ')
  return terminalText(typeof value === 'object' ? JSON.stringify(value) : String(value))
}

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isRows = (value: unknown): value is readonly Members[] =>
  Array.isArray(value) && value.length > 0 && value.every(isMembers)

export function thingText(thing: object): string {
  const leaves = leavesOf(thing as Members, '')
  const lines = leaves.filter(([, value]) => !isRows(value))
  const tables = leaves.flatMap(([name, value]) => (isRows(value) ? [rowsText(name, value)] : []))
  const above = table(lines.map(([name, value]) => [terminalText(name), cell(name, value)]))
  return [above, ...tables].filter((text) => text !== '').join('\n\n')
}

/** A map within becomes names with dots; an empty one stays, so that it is not taken for nothing. */
const leavesOf = (thing: Members, above: string): readonly (readonly [name: string, value: unknown])[] =>
  Object.entries(thing).flatMap(([name, value]) =>
    isMembers(value) && Object.keys(value).length > 0
      ? leavesOf(value, `${above}${name}.`)
      : [[above + name, value] as const],
  )

function rowsText(name: string, rows: readonly Members[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter(
    (column) => !leftOut.has(column),
  )
  return `${terminalText(name)}:\n${columnsText(columns, rows)}`
}

/** Whether there is something in it that is shown this once. */
export const holdsSecret = (thing: object): boolean =>
  Object.entries(thing).some(
    ([name, value]) => /(?:^|_)(?:secret|token)$/.test(name) && typeof value === 'string',
  )
