/** RFC 7396: what a patch makes of what is there, for the server that does it and the client that shows it beforehand. */

type Members = Readonly<Record<string, unknown>>

/** §2: null takes a member away, an object is merged, anything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMembers(patch)) return patch
  const merged = new Map(isMembers(target) ? Object.entries(target) : [])
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name)
    else merged.set(name, mergePatch(merged.get(name), value))
  }
  // Defines members and assigns none, so `__proto__` is a name like any other.
  return Object.fromEntries(merged)
}

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
