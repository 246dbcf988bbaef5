/** What changed between two records of settings, member by member, and in words short enough for one line of a plan. */

const absent = 'not set'
const longestValue = 40
const mostShown = 4

/** One value, under its dotted path, as JSON; undefined where there is none. */
export interface Difference {
  readonly path: string
  readonly before: string | undefined
  readonly after: string | undefined
}

export function findDifferences(before: object, after: object): readonly Difference[] {
  const old = leavesOf(before)
  const fresh = leavesOf(after)
  return [...new Set([...fresh.keys(), ...old.keys()])]
    .map((path) => ({ path, before: old.get(path), after: fresh.get(path) }))
    .filter((one) => one.before !== one.after)
}

/** `token_reuse: false → true`, for one line. */
export function describeDifferences(found: readonly Difference[]): string[] {
  const shown = found.slice(0, mostShown).map((one) => differenceText(one, longestValue))
  return found.length > mostShown ? [...shown, `${found.length - mostShown} more`] : shown
}

export const differenceText = (
  { path, before, after }: Difference,
  longest = Number.POSITIVE_INFINITY,
): string => `${path}: ${show(before, longest)} → ${show(after, longest)}`

const show = (json: string | undefined, longest: number): string =>
  json === undefined ? absent : json.length > longest ? `${json.slice(0, longest)}…` : json

/** The order of members counts, because templates are rendered in it. */
export function describeOrder(before: object, after: object): string[] {
  const place = reordered(before, after)
  return place === '' ? [] : [`order of members in ${place}`]
}

/** Every value that is not a map with members, as JSON under its dotted path. */
function leavesOf(record: object, prefix = ''): Map<string, string> {
  const leaves = new Map<string, string>()
  for (const [name, value] of Object.entries(record)) {
    const path = `${prefix}${name}`
    if (!isMap(value) || Object.keys(value).length === 0) leaves.set(path, JSON.stringify(value))
    else for (const [inner, json] of leavesOf(value, `${path}.`)) leaves.set(inner, json)
  }
  return leaves
}

const isMap = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The innermost map whose members only changed places; empty where only the outermost did, which says nothing. */
function reordered(before: object, after: object): string {
  const old = new Map<string, unknown>(Object.entries(before))
  for (const [name, value] of Object.entries(after)) {
    const was = old.get(name)
    if (!isMap(value) || !isMap(was) || JSON.stringify(was) === JSON.stringify(value)) continue
    const inner = reordered(was, value)
    return inner === '' ? name : `${name}.${inner}`
  }
  return ''
}
