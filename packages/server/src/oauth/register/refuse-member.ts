/** RFC 7591 §3.2.2: which member cannot be registered, and what it would have to be. Never what it was. */

import { refuse } from '@sallyport/protocol'

export function refuseMember(name: string, problem: string): never {
  const code = name === 'redirect_uris' ? 'invalid_redirect_uri' : 'invalid_client_metadata'
  return refuse(code, `${name} ${problem}`, `${name} ${problem}`)
}
