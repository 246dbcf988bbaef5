/** The `; name=value` tail of a header field: RFC 9110 §5.6.6, read strictly. */

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
// RFC 9110 §5.6.4: inside quotes a backslash takes the next character as it is.
const quoted = '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\[\\t\\x20-\\x7e])*"'
const parameter = new RegExp(`[ \\t]*;[ \\t]*(?:(${token})=(${token}|${quoted}))?`, 'y')

/**
 * Parses parameters to a map of lower-case names, with quoted values unquoted; null where the syntax is broken
 * or a name repeated, since two readers could then pick different values. RFC 9110 §5.6.6.
 *
 * Values keep their case and are not checked.
 */
export function parseParameters(text: string): ReadonlyMap<string, string> | null {
  const found = new Map<string, string>()
  const input = text.trimEnd()
  parameter.lastIndex = 0
  while (parameter.lastIndex < input.length) {
    const match = parameter.exec(input)
    if (!match) return null
    const name = match[1]?.toLowerCase()
    if (name === undefined) continue
    if (found.has(name)) return null
    found.set(name, unquote(match[2] ?? ''))
  }
  return found
}

const unquote = (value: string): string =>
  value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value
