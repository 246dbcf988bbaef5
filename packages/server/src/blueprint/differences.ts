/** What changed between two records of settings, member by member, in words short enough for one line of a plan. */

const absent = 'not set'
const longestValue = 40
const mostShown = 4

/** `token_reuse: false → true`; the order of members counts, because templates are rendered in it. */
export function describeDifferences(before: object, after: object): string[] {
  const old = leavesOf(before)
  const fresh = leavesOf(after)
  const changed = [...new Set([...fresh.keys(), ...old.keys()])].flatMap((path) => {
    const [from, to] = [old.get(path), fresh.get(path)]
    return from === to ? [] : [`${path}: ${show(from)} → ${show(to)}`]
  })
  if (changed.length > mostShown)
    return [...changed.slice(0, mostShown), `${changed.length - mostShown} more`]
  if (changed.length > 0) return changed
  const place = reordered(before, after)
  return place === '' ? [] : [`order of members in ${place}`]
}

const show = (json: string | undefined): string =>
  json === undefined ? absent : json.length > longestValue ? `${json.slice(0, longestValue)}…` : json

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
