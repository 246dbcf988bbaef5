/** Whether options are what they may be, and fit together: everything wrong is said in one message. */

import { refuse } from './errors.ts'
import { kindProblems, unknownOptions } from './option-kinds.ts'
import type { ClientOptions } from './options.ts'

export function checkOptions(options: ClientOptions): void {
  if (typeof options !== 'object' || options === null)
    refuse('ERR_INVALID_ARG_VALUE', 'createClient: expected an object with options')
  const contradictions = rules.flatMap(([isBroken, sentence]) => (isBroken(options) ? [sentence] : []))
  const problems = [...unknownOptions(options), ...kindProblems({ ...options }), ...contradictions]
  if (problems.length > 0) refuse('ERR_INVALID_ARG_VALUE', `createClient: ${problems.join('; ')}`)
}

/** What stands there as another kind of value is told as that. */
const isMissing = (value: unknown): boolean => value === undefined || value === ''

const rules: readonly (readonly [(options: ClientOptions) => boolean, string])[] = [
  [({ clientId }) => isMissing(clientId), 'clientId is missing'],
  [({ issuer, tokenUrl }) => isMissing(issuer) && isMissing(tokenUrl), 'issuer is missing (or tokenUrl)'],
  [
    ({ clientSecret, privateKey, clientCertificate }) =>
      isMissing(clientSecret) && isMissing(privateKey) && !clientCertificate,
    'clientSecret is missing (or privateKey, or clientCertificate)',
  ],
  [
    // RFC 6749 §2.3: one method in a request.
    ({ clientSecret, privateKey }) => Boolean(clientSecret && privateKey),
    'clientSecret and privateKey are both given',
  ],
  [
    ({ clientCertificate, fetch }) => Boolean(clientCertificate && !fetch),
    'clientCertificate needs a fetch that shows the certificate',
  ],
]
