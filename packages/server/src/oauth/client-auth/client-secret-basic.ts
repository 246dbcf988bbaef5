/** RFC 6749 §2.3.1: id and secret in an HTTP Basic header, read with its URL encoding and without. */

import { parseBasic } from '@sallyport/protocol'
import { secretPresentation } from './secret-presentation.ts'

export const clientSecretBasic = secretPresentation({
  name: 'client_secret_basic',
  method: 'client_secret_basic',
  // A scheme that is not understood is still an attempt to authenticate, and fails as one.
  isPresentedIn: ({ http }) => http.authorization.length > 0,
  words: ({ http, form }) =>
    http.authorization.length === 1 ? `${http.authorization[0]}\0${form.get('client_id') ?? ''}` : null,
  claims({ http, form }) {
    const [header = '', ...others] = http.authorization
    if (others.length > 0) return []
    const readings = parseBasic(header) ?? []
    const named = form.get('client_id')
    // RFC 6749 §2.3.1 allows naming the client in the body as well, but then it is the same one.
    return named === undefined ? readings : readings.filter(({ clientId }) => clientId === named)
  },
  problem({ http }) {
    const [header = '', ...others] = http.authorization
    if (others.length > 0) return 'several Authorization headers'
    return parseBasic(header) === null
      ? 'malformed client_secret_basic'
      : 'the Basic header and the body name two clients'
  },
})
