/** The certificate that a registered key brings along as `x5c`, which must be of that very key. */

import { isMembers, jwkThumbprintInput, type Members, readPublicJwk } from '@sallyport/protocol'
import { type Certificate, parseClientCertificate } from '../../certificates/client-certificate.ts'
import { isStrong } from '../../certificates/signature.ts'

export const firstOfX5c = ({ x5c }: Members): unknown =>
  Array.isArray(x5c) ? (x5c as readonly unknown[])[0] : null

/** RFC 7517 §4.7: the first is of the key that the other members say; of those behind it nothing is believed or kept. */
export function certificateOf(key: Members): Certificate | null {
  const read = readX5c(firstOfX5c(key))
  const certified = read?.publicKey
  if (read === null || !certified || !isStrong(certified)) return null
  const inside = thumbprintInputOf(certified.export({ format: 'jwk' }))
  return inside !== null && inside === thumbprintInputOf(key) ? read : null
}

/** In base64 and not base64url, without line breaks. */
function readX5c(text: unknown): Certificate | null {
  if (typeof text !== 'string') return null
  const der = Buffer.from(text, 'base64')
  return der.toString('base64') === text ? parseClientCertificate(der) : null
}

function thumbprintInputOf(key: unknown): string | null {
  const read = isMembers(key) ? readPublicJwk(key) : null
  return read !== null && 'jwk' in read ? jwkThumbprintInput(read.jwk) : null
}
