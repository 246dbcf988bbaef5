/** A parsed JSON document of others, looked into with care: members, places in it, and references within it. */

export type Members = Readonly<Record<string, unknown>>

/** A place in a document: names of members and indexes of items, from the root. */
export type JsonPath = readonly (string | number)[]

/** A place as text. RFC 6901 §3. */
export const jsonPointer = (path: JsonPath): string =>
  path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

/** True for an object that is no list. */
export const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The object itself, or one without members. */
export const membersOf = (value: unknown): Members => (isMembers(value) ? value : {})

/** A member by its name. Inherited names are no members. */
export const memberOf = (value: unknown, name: string): unknown =>
  isMembers(value) && Object.hasOwn(value, name) ? value[name] : undefined

const mostHops = 8

/** What a `$ref` stands for, or null where it leads out of the document, in circles or to no object. */
export function resolveReference(root: Members, value: unknown): Members | null {
  let found = value
  for (let hop = 0; hop < mostHops && isMembers(found); hop += 1) {
    const { $ref: reference } = found
    if (reference === undefined) return found
    found = typeof reference === 'string' ? atFragment(root, reference) : null
  }
  return null
}

/** RFC 6901 §6. */
function atFragment(root: Members, reference: string): unknown {
  if (!reference.startsWith('#/')) return null
  return reference
    .slice(2)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((at, step) => memberOf(at, step), root)
}
