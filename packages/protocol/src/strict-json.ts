/** JSON objects from strangers: one reading only, so no member twice (RFC 8725 §2.4), and no depth that costs anything. */

const maximumDepth = 16

/**
 * Parses a JSON object. Null for text that is no JSON, no object, nested deeper than 16, or that names a member of any
 * object twice, however it is escaped. Does not bound the length: the caller does. RFC 8259 §4.
 */
export function parseJsonObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) && hasOneReading(value, text) ? value : null
  } catch {
    return null
  }
}

/** Of members with one name the parser keeps the last: then there are fewer of them than names in the text. */
function hasOneReading(value: Readonly<Record<string, unknown>>, text: string): boolean {
  const shortest = shortestLength(value, maximumDepth)
  // What programs write is as short as can be, which leaves no room for another member, and costs a fifth of counting.
  return shortest === text.length || (shortest < text.length && countMembers(value) === countNames(text))
}

/** Of all JSON texts that say this; NaN where it is nested deeper. RFC 8259 §3 to §7. */
function shortestLength(value: Readonly<Record<string, unknown>>, depth: number): number {
  if (depth === 0) return Number.NaN
  const isList = Array.isArray(value)
  let length = 1
  // Of what JSON.parse makes nothing is inherited that this would find, and it costs a fifth of Object.values.
  for (const name in value) {
    const one = value[name]
    length += isList ? 1 : name.length + 4
    if (typeof one === 'string') length += one.length + 2
    else if (typeof one === 'object' && one !== null) length += shortestLength(one as typeof value, depth - 1)
    else length += typeof one === 'number' ? shortestNumber(one) : String(one).length
  }
  // Between the members there is one comma fewer than there are members.
  return length === 1 ? 2 : length
}

/** Of a whole number, with an exponent where that is shorter; of others too little, so that they are counted. */
function shortestNumber(number: number): number {
  if (!Number.isSafeInteger(number) || number <= 0) return 1
  let significant = number
  let zeros = 0
  for (; significant % 10 === 0; significant /= 10) zeros += 1
  return String(significant).length + Math.min(zeros, 1 + String(zeros).length)
}

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
