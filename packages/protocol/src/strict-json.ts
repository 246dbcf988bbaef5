/** JSON objects from strangers: one reading only, so no member twice (RFC 8725 §2.4), and no depth that costs anything. */

const maximumDepth = 16

/**
 * Parses a JSON object. Null for text that is no JSON, no object, nested deeper than 16, or that names a member of any
 * object twice, however it is escaped. Does not bound the length: the caller does. RFC 8259 §4.
 */
export function parseJsonObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) && isShallow(value, maximumDepth) && hasOneReading(value, text) ? value : null
  } catch {
    return null
  }
}

function isShallow(value: Readonly<Record<string, unknown>>, depth: number): boolean {
  if (depth === 0) return false
  // Of what JSON.parse makes nothing is inherited that this would find, and it costs a fifth of Object.values.
  for (const name in value) {
    const one = value[name]
    if (typeof one === 'object' && one !== null && !isShallow(one as typeof value, depth - 1)) return false
  }
  return true
}

/** Of members with one name the parser keeps the last: then there are fewer of them than names in the text. */
const hasOneReading = (value: object, text: string): boolean =>
  // What programs write comes out again to the letter, and asking so is twice as fast as counting.
  JSON.stringify(value) === text || countMembers(value) === countNames(text)

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a

/** How many names of members stand in a text that is JSON: outside of strings each has a colon behind it, and nothing else. */
function countNames(text: string): number {
  let names = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === quote) index = endOfString(text, index)
    else if (code === colon) names += 1
  }
  return names
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end
}

/** Of several backslashes each second one is itself escaped. */
function isEscaped(text: string, at: number): boolean {
  let backslashes = 0
  while (text.charCodeAt(at - 1 - backslashes) === backslash) backslashes += 1
  return backslashes % 2 === 1
}

/** Of the value and all within it; as deep as was let through. */
function countMembers(value: object): number {
  const within: readonly unknown[] = Object.values(value)
  let members = Array.isArray(value) ? 0 : within.length
  for (const one of within) if (typeof one === 'object' && one !== null) members += countMembers(one)
  return members
}
