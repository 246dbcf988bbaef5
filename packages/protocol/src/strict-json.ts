/** JSON objects from strangers: one reading only, so no member twice (RFC 8725 §2.4), and no depth that costs anything. */

const maximumDepth = 16

/**
 * Parses a JSON object. Null for text that is no JSON, no object, nested deeper than 16, or that names a member of any
 * object twice, however it is escaped. Does not bound the length: the caller does. RFC 8259 §4.
 */
export function parseJsonObject(text: string): Readonly<Record<string, unknown>> | null {
  const named = countNames(text)
  if (named === null) return null
  try {
    const value: unknown = JSON.parse(text)
    // Of members with one name the parser keeps the last: then there are fewer of them than names.
    return isObject(value) && countMembers(value) === named ? value : null
  } catch {
    return null
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a

/**
 * How many names of members stand in the text: outside of strings each is followed by a colon, and nothing else is. Null
 * for what is too deep. Looks at nothing else: what is wrong with the text, JSON.parse will find.
 */
function countNames(text: string): number | null {
  let names = 0
  let depth = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === quote) index = endOfString(text, index)
    else if (code === colon) names += 1
    else if (code === 0x7b || code === 0x5b) {
      depth += 1
      if (depth > maximumDepth) return null
    } else if (code === 0x7d || code === 0x5d) depth -= 1
  }
  return names
}

/** The end of the text for a string that has none. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end === -1 ? text.length : end
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
