/** Redirect URIs are checked though no grant uses them yet: what is registered today may be believed tomorrow. */

import { parseUrl } from '@sallyport/protocol'
import { refuseMember } from './refuse-member.ts'

/** Trust row 147. RFC 9700 §4.1.3: exact, so no pattern; RFC 6749 §3.1.2: absolute, without fragment. */
export function checkRedirectUris(uris: readonly string[]): void {
  for (const uri of uris) {
    const problem = problemOf(uri)
    if (problem !== null) refuseMember('redirect_uris', problem)
  }
}

function problemOf(uri: string): string | null {
  const url = parseUrl(uri)
  if (url === null || !isSpelledPlainly(uri)) return 'must be absolute URIs.'
  if (uri.includes('#')) return 'must have no fragment.'
  if (uri.includes('*')) return 'must be exact: a * stands for nothing else here.'
  if (url.username !== '' || url.password !== '') return 'must name no user.'
  if (/^https?:$/.test(url.protocol) && !namesItsHost(uri, url)) return 'must name the host as it is.'
  if (url.protocol === 'https:') return null
  if (url.protocol === 'http:') return isLoopback(url) ? null : 'must be https, but on the loopback address.'
  // RFC 8252 §7.1: a scheme of one's own is a domain name backwards, so javascript: and data: are none.
  return privateUse.test(uri) ? null : 'must be https, or of a scheme such as com.example.app.'
}

/** RFC 3986 §2: of the characters of a URI, with what is escaped escaped whole. */
const isSpelledPlainly = (uri: string): boolean =>
  /^[a-z][a-z0-9+.-]*:(?:[\w.~:/?#[\]@!$&'()*+,;=-]|%[0-9a-f]{2})+$/i.test(uri)

/** The parser repairs what a comparison to the letter would not: lacking slashes, other spellings of a host. */
const namesItsHost = (uri: string, { origin }: URL): boolean =>
  uri.toLowerCase().startsWith(origin) && /^(?:[:/?]|$)/.test(uri.slice(origin.length))

const privateUse = /^[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:\/(?!\/)/i

/** RFC 8252 §7.3 */
const isLoopback = ({ hostname }: URL): boolean => ['127.0.0.1', '[::1]', 'localhost'].includes(hostname)
