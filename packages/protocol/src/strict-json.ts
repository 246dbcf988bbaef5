/** JSON objects from strangers: one reading only, so no member twice (RFC 8725 §2.4), and no depth that costs anything. */

const maximumDepth = 16

/**
 * Parses a JSON object. Null for text that is no JSON, no object, nested deeper than 16, or that names a member of any
 * object twice, however it is escaped. Does not bound the length: the caller does. RFC 8259 §4.
 */
export function parseJsonObject(text: string): Readonly<Record<string, unknown>> | null {
  if (!hasUniqueMembers(text)) return null
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

const quote = 0x22
const backslash = 0x5c

/** Looks at nothing but strings and brackets; what else is wrong with the text, JSON.parse will find. */
function hasUniqueMembers(text: string): boolean {
  // The names of each open object; null for an array.
  const open: (Set<string> | null)[] = []
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === quote) {
      const end = endOfString(text, index)
      if (end === -1) return false
      const names = open.at(-1)
      if (names && isName(text, end) && !addName(names, text.slice(index, end + 1))) return false
      index = end
    } else if (code === 0x7b || code === 0x5b) {
      if (open.length >= maximumDepth) return false
      open.push(code === 0x7b ? new Set() : null)
    } else if (code === 0x7d || code === 0x5d) open.pop()
  }
  return true
}

function endOfString(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === quote) return index
    if (code === backslash) index += 1
  }
  return -1
}

/** Within an object, a string before a colon is a member's name. */
function isName(text: string, end: number): boolean {
  let index = end + 1
  while (index < text.length && ' \t\n\r'.includes(text.charAt(index))) index += 1
  return text.charAt(index) === ':'
}

function addName(names: Set<string>, quoted: string): boolean {
  const name = quoted.includes('\\') ? unescaped(quoted) : quoted
  if (names.has(name)) return false
  names.add(name)
  return true
}

function unescaped(quoted: string): string {
  try {
    return JSON.stringify(JSON.parse(quoted))
  } catch {
    return quoted
  }
}
