/** The list of elements that Envoy's `x-forwarded-client-cert` is, for who needs only what the nearest proxy wrote. */

// Quoted values hold anything but bare quotes; a comma or semicolon outside quotes always separates.
const pair = /([A-Za-z]+)=(?:"([^"\\]*(?:\\.[^"\\]*)*)"|([^",;]*))(?=[,;]|$)/y
/** More than the keys that Envoy knows, with room for the DNS names of a certificate. */
const pairs = 200

/**
 * Parses the header to the pairs of its last element, by lower-case key, quoted values unquoted. An absent header is an
 * empty element. Null where any part of the header is broken: an open quote left by a client would otherwise swallow
 * what the proxy appends. A key that repeats keeps its last value, except that `cert` and `chain` may not.
 */
export function lastForwardedElement(header: string): ReadonlyMap<string, string> | null {
  let element = new Map<string, string>()
  let at = 0
  for (let count = 0; at < header.length; count++) {
    pair.lastIndex = at
    const match = count < pairs ? pair.exec(header) : null
    if (!match) return null
    const key = match[1]?.toLowerCase() ?? ''
    if (element.has(key) && isSingle(key)) return null
    element.set(key, match[2]?.replaceAll(/\\(.)/g, '$1') ?? match[3] ?? '')
    at = pair.lastIndex
    if (at === header.length) return element
    if (header[at] === ',') element = new Map()
    at = skipBlanks(header, at + 1)
    if (at === header.length) return null
  }
  return element
}

const isSingle = (key: string): boolean => key === 'cert' || key === 'chain'

function skipBlanks(text: string, from: number): number {
  let at = from
  while (text[at] === ' ' || text[at] === '\t') at++
  return at
}
