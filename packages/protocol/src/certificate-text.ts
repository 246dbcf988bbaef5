/** Certificates written as text, read strictly: PEM, base64, percent-encoding, byte sequences. Each finds DER or refuses. */

/** Bytes of one certificate. Larger ones exist only with keys that no TLS stack takes. */
const certificateBytes = 16_384
/** A leaf and the certificates above it. */
const certificates = 9

/** All readers here answer with what they found, which may be nothing; null is what they do not understand. */
export type Found = readonly Uint8Array[] | null

/** RFC 7468 §2: nothing but certificates in PEM form, with any white space between them. */
export function readPemCertificates(text: string): Found {
  const found: Uint8Array[] = []
  let rest = text.trimStart()
  while (rest !== '') {
    const end = rest.indexOf(endLine)
    if (!rest.startsWith(beginLine) || end < 0 || found.length === certificates) return null
    const [certificate] =
      readBase64Certificate(rest.slice(beginLine.length, end).replaceAll(/[\t\r\n ]/g, '')) ?? []
    if (!certificate) return null
    found.push(certificate)
    rest = rest.slice(end + endLine.length).trimStart()
  }
  return found
}

const beginLine = '-----BEGIN CERTIFICATE-----'
const endLine = '-----END CERTIFICATE-----'

/** One certificate as standard padded base64. */
export function readBase64Certificate(text: string): Found {
  const bytes = text.length > (certificateBytes / 3) * 4 + 4 ? null : decodeBase64(text)
  return bytes && elementBytes(bytes, 0) === bytes.length ? [bytes] : null
}

/** Certificates one after another in one piece of base64, as HAProxy writes a chain. */
export function readConcatenatedCertificates(text: string): Found {
  const bytes = decodeBase64(text)
  const found: Uint8Array[] = []
  let at = 0
  while (bytes && at < bytes.length) {
    const length = elementBytes(bytes, at)
    if (length === null || found.length === certificates) return null
    found.push(bytes.subarray(at, at + length))
    at += length
  }
  return bytes && found
}

/** RFC 9651 §3.3.5: base64 between colons, comma separated. Parameters are for nobody here, so they are refused. */
export function readByteSequences(text: string): Found {
  return text === ''
    ? []
    : flatten(text.split(','), (item) => {
        const sequence = item.trim()
        const isDelimited = sequence.length > 2 && sequence.startsWith(':') && sequence.endsWith(':')
        return isDelimited ? readBase64Certificate(sequence.slice(1, -1)) : null
      })
}

/** Reads each piece; one that is not understood spoils all. */
export function flatten(pieces: readonly string[], read: (piece: string) => Found): Found {
  const found: Uint8Array[] = []
  for (const piece of pieces) {
    const more = found.length > certificates ? null : read(piece)
    if (!more) return null
    found.push(...more)
  }
  return found.length > certificates ? null : found
}

const base64 = /^[A-Za-z0-9+/]*={0,2}$/

/** RFC 4648 §3.2, §3.5: with its padding, and no other spelling of the same bytes. */
function decodeBase64(text: string): Uint8Array | null {
  if (text.length % 4 !== 0 || !base64.test(text)) return null
  const binary = atob(text)
  // Only the last group can hide bits.
  const lastGroup = Math.max(0, binary.length - 1)
  if (btoa(binary.slice(lastGroup - (lastGroup % 3))) !== text.slice(-4)) return null
  const bytes = new Uint8Array(binary.length)
  for (let index = 0; index < bytes.length; index++) bytes[index] = binary.charCodeAt(index)
  return bytes
}

/** The length of the DER sequence that begins there, with its head; null where none does, or more than is left. */
function elementBytes(bytes: Uint8Array, at: number): number | null {
  const first = bytes[at + 1] ?? 0
  if (bytes[at] !== 0x30) return null
  // X.690 §10.1: the shortest form; two bytes of length are enough for every certificate we take.
  const [size, length] =
    first < 0x80
      ? [2, first]
      : first === 0x81
        ? [3, bytes[at + 2] ?? 0]
        : [4, (bytes[at + 2] ?? 0) * 256 + (bytes[at + 3] ?? 0)]
  const isShortest = first < 0x80 || (first === 0x81 && length >= 0x80) || (first === 0x82 && length >= 0x100)
  const total = size + length
  return isShortest && total <= certificateBytes && at + total <= bytes.length ? total : null
}
