/** Every refusal as the client sees it (RFC 6749 §5.2): the code and a sentence, never the reason. */

import { jsonReply, type OAuthError, type Reply } from '@sallyport/protocol'

/** `realm` is the issuer. The body of `invalid_client` is the same to the byte, whatever the cause. */
export function errorReply(error: OAuthError, realm: string): Reply {
  return jsonReply(
    error.status,
    { error: error.code, error_description: error.description },
    {
      // RFC 9110 §11.6.1: a 401 names the scheme to try.
      ...(error.status === 401 && { 'WWW-Authenticate': `Basic realm="${realm}"` }),
      ...retryAfter(error),
      ...error.headers,
    },
  )
}

function retryAfter({ status, retryAfterSeconds }: OAuthError): Record<string, string> {
  const seconds = retryAfterSeconds ?? (status === 503 ? 5 : undefined)
  return seconds === undefined ? {} : { 'Retry-After': String(seconds) }
}
