/** Every refusal as the client sees it (RFC 6749 §5.2): the code and a sentence, never the reason. */

import { jsonReply, neverCached, OAuthError, type Reply } from '@sallyport/protocol'

/** `realm` is the issuer. The body of `invalid_client` is the same to the byte, whatever the cause. */
export function errorReply(error: OAuthError, realm: string): Reply {
  if (error instanceof TokenNotShown) return notShown(realm)
  return jsonReply(
    error.status,
    { error: error.code, error_description: error.description },
    {
      // RFC 9110 §11.6.1: a 401 names the scheme to try.
      ...(error.status === 401 && { 'WWW-Authenticate': challenge(error, realm) }),
      ...retryAfter(error),
      ...error.headers,
    },
  )
}

/** Whoever shows no token where one is needed. */
export class TokenNotShown extends OAuthError {
  constructor() {
    super('invalid_token', 'no token')
  }
}

/** Basic also where a tenant takes no secrets: a 401 must name a scheme, and no other proof of a client is one. */
const challenge = ({ code }: OAuthError, realm: string): string =>
  code === 'invalid_token' ? `Bearer realm="${realm}", error="invalid_token"` : `Basic realm="${realm}"`

/** RFC 6750 §3.1: who asks without any token hears which kind to show, and of no error. */
const notShown = (realm: string): Reply => ({
  status: 401,
  headers: {
    'Cache-Control': neverCached['Cache-Control'] ?? '',
    'WWW-Authenticate': `Bearer realm="${realm}"`,
  },
  body: '',
})

function retryAfter({ status, retryAfterSeconds }: OAuthError): Record<string, string> {
  const seconds = retryAfterSeconds ?? (status === 503 ? 5 : undefined)
  return seconds === undefined ? {} : { 'Retry-After': String(seconds) }
}
