/** What the rules for all apps refuse, in the words of RFC 7591 §3.2.2: whoever registers knows metadata and no settings. */

import { OAuthError, type OAuthErrorCode, refuse } from '@sallyport/protocol'
import { type Misfit, Problem, type ProblemCode } from '../problem.ts'

/** By the member of an app or a credential that does not fit. */
const members: Readonly<Record<string, string>> = {
  name: 'client_name',
  scopes: 'scope',
  client_authentication: 'token_endpoint_auth_method',
  assertion_algorithms: 'token_endpoint_auth_signing_alg',
  sender_constraint: 'dpop_bound_access_tokens or tls_client_certificate_bound_access_tokens',
  public_key: 'jwks',
  certificate: 'tls_client_auth_* or jwks',
}

function sentenceOf({ pointer, found, expected }: Misfit): string {
  const [, step = ''] = pointer.split('/')
  return `${members[step] ?? step}: found ${found}, expected ${expected}.`
}

const codes: Readonly<Partial<Record<ProblemCode, OAuthErrorCode>>> = {
  invalid_body: 'invalid_client_metadata',
  forbidden: 'invalid_client_metadata',
  insufficient_scope: 'invalid_client_metadata',
  conflict: 'invalid_client_metadata',
}

/** Does the work, and tells its problems as an OAuth endpoint does. */
export async function inWordsOfOAuth<Result>(
  work: () => Promise<Result>,
  own: typeof codes = {},
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    const code = error instanceof Problem ? { ...codes, ...own }[error.code] : undefined
    if (code === undefined || !(error instanceof Problem)) throw error
    const [first] = error.misfits ?? []
    const detail = first === undefined ? (error.detail ?? error.message) : sentenceOf(first)
    throw new OAuthError(code, `${error.code}: ${error.message}`, { detail: plain(detail), cause: error })
  }
}

/** RFC 6749 §5.2: of a description only these characters are allowed. */
const plain = (text: string): string =>
  text
    .replaceAll('’', '')
    .replaceAll(/["\\]/g, "'")
    .replaceAll(/[^\x20-\x7e]/g, '?')

export const refuseToken = (reason: string): never => refuse('invalid_token', reason)
export const refuseMetadata = (detail: string): never => refuse('invalid_client_metadata', detail, detail)
