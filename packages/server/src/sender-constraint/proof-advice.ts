/** What whoever has made a DPoP proof can do about its refusal. A proof is the caller's own, so it may be told all of this. */

/** By the reason for the log. */
const advice: Readonly<Record<string, string>> = {
  'several DPoP headers': 'Send one DPoP header; this request has several.',
  'proof malformed': 'The DPoP header must be one signed JWT, whole and without anything around it.',
  'proof of another typ': 'The typ in the header of the DPoP proof must be dpop+jwt.',
  'proof algorithm not allowed': 'Sign the DPoP proof with an algorithm that is taken here, such as ES256.',
  'proof algorithm does not fit its key': 'The alg of the DPoP proof must be one of the key in its jwk.',
  'proof for another method': 'The htm of the DPoP proof must be the method of this request, in capitals.',
  'proof for another URL':
    'The htu of the DPoP proof must be the public URL of this request, without query and fragment.',
  'proof too old or from the future':
    'The iat of the DPoP proof must be within a minute of now: make a new proof for each request, and check the clock.',
  'proof expired': 'The exp of the DPoP proof is past: make a new proof for each request, without exp.',
  'proof from the future': 'The nbf of the DPoP proof lies ahead: leave it out, or check the clock.',
  'proof without a usable jti':
    'The jti of the DPoP proof must be a text of 1 to 256 characters, another one in each proof.',
  'proof not signed with its key':
    'The DPoP proof must be signed with the private key of the jwk in its header.',
  'proof for another token': 'The ath of the DPoP proof must be the SHA-256 of the token that comes with it.',
  'proof used before': 'This DPoP proof was used before: make a new one for each request.',
}

const keyProblem = /^proof with (.+)$/

/** Nothing for a reason that has no advice: then the code's own sentence is the answer. */
export function adviceFor(reason: string): string | undefined {
  const [, problem] = keyProblem.exec(reason) ?? []
  return problem === undefined
    ? advice[reason]
    : `The jwk in the header of the DPoP proof cannot be taken: ${problem}.`
}
