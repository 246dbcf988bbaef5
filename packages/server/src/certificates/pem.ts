/** PEM files of operators (RFC 7468): blocks of one label, with whatever stands between them passed over. */

/** The bytes of each block. Null where a block of the label is broken, or none is there. */
export function decodePem(text: string, label: string): readonly Buffer[] | null {
  const [begin, end] = [`-----BEGIN ${label}-----`, `-----END ${label}-----`]
  const blocks: Buffer[] = []
  for (let at = text.indexOf(begin); at >= 0; at = text.indexOf(begin, at)) {
    const start = at + begin.length
    at = text.indexOf(end, start)
    const bytes = at < 0 ? null : decodeBase64(text.slice(start, at))
    if (!bytes) return null
    blocks.push(bytes)
  }
  return blocks.length > 0 ? blocks : null
}

const alphabet = /^[A-Za-z0-9+/]+={0,2}$/

function decodeBase64(text: string): Buffer | null {
  const base64 = text.replaceAll(/\s+/g, '')
  return base64.length % 4 === 0 && alphabet.test(base64) ? Buffer.from(base64, 'base64') : null
}
