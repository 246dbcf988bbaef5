/** Parameters in the URL, which the token endpoint does not read: harmless, but for those that ask for less. */

import { type Form, refuse } from '@sallyport/protocol'

// Whoever asks for less and is not heard would hold a token for more.
const narrowing = ['scope', 'resource', 'audience']

/** RFC 6749 §3.2: the parameters of a token request stand in its body. */
export function refuseNarrowingInUrl(queryParameters: Form): void {
  const name = narrowing.find((parameter) => queryParameters.getAll(parameter).length > 0)
  if (name === undefined) return
  refuse('invalid_request', `${name} in the URL`, `Send ${name} in the body: it was sent in the URL.`)
}
