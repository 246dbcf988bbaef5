/** Authlib's validator of RFC 9068, which leaves the fetching of keys to its caller. */

import { authlib as program } from '../key-caches/index.ts'
import { authlibPython } from '../machine-clients.ts'
import { ofProgram } from './of-program.ts'

export const authlib = ofProgram(program, {
  algorithms: ['ES256', 'RS256'],
  refusals: {
    changed: /: bad_signature: /,
    expired: /: expired_token: /,
    wrongAudience: /Invalid claim: 'aud'$/,
  },
  notes: [
    'It does not fetch keys: `get_jwks` gives them back. It refuses EdDSA and PS256 as algorithms that are not recommended.',
  ],
  version: () => authlibPython().version,
})
