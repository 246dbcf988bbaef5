/** The token of a request: RFC 6750 §2.1, RFC 9449 §7.1. Tokens in the URL or in a body are never looked at. */

import type { RefusalReason } from '@sallyport/protocol'
import type { RequestView } from './request-view.ts'

export type Scheme = 'Bearer' | 'DPoP'

export interface Credentials {
  readonly scheme: Scheme
  /** Not empty; whether it is spelt as a token, `isTokenText` knows. */
  readonly token: string
}

// RFC 6750 §2.1: b64token. No comma and no blank, so neither two tokens nor two headers are one.
const tokenCharacters = /^[A-Za-z0-9\-._~+/]+=*$/

/** Asked of what is not known yet: this costs half as much as finding a token that is. */
export const isTokenText = (text: string): boolean => tokenCharacters.test(text)

/** The scheme's case does not count (RFC 9110 §11.1); one blank follows it, and one token. */
export function readCredentials(request: RequestView): Credentials | RefusalReason {
  const header = request.headers.get('authorization')
  if (header === null) return 'no_credentials'
  const blank = header.indexOf(' ')
  const scheme = schemeOf(blank < 0 ? header : header.slice(0, blank))
  if (scheme === null) return namesOurScheme.test(header) ? 'credentials_malformed' : 'no_credentials'
  const token = blank < 0 ? '' : header.slice(blank + 1)
  return token === '' ? 'credentials_malformed' : { scheme, token }
}

// Quotes of all kinds stand before it where a page was copied (000-17), also as UTF-8 that was read as Latin-1.
/** `Bearer` with something else around it is a mistake worth telling, and no other scheme. */
const namesOurScheme = /^[^a-z]{0,8}(?:bearer|dpop)(?![a-z])/i

function schemeOf(word: string): Scheme | null {
  if (word === 'Bearer') return 'Bearer'
  switch (word.toLowerCase()) {
    case 'bearer':
      return 'Bearer'
    case 'dpop':
      return 'DPoP'
    default:
      return null
  }
}
