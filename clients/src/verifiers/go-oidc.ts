/** go-oidc, which verifies ID tokens, and with the audience as its client id access tokens as well. */

import { goOidcVerifier } from '../key-caches/index.ts'
import { goOidc as goProgram } from '../machine-clients.ts'
import { keyAlgorithms } from '../material.ts'
import { ofProgram } from './of-program.ts'

export const goOidc = ofProgram(goOidcVerifier, {
  algorithms: keyAlgorithms,
  refusals: {
    changed: /failed to verify id token signature$/,
    expired: /token is expired/,
    wrongAudience: /expected audience/,
  },
  notes: [
    'It is made for ID tokens: the audience is given to it as `ClientID`, and the algorithms as `SupportedSigningAlgs`.',
  ],
  version: () => goProgram().version,
})
