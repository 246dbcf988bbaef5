/** What a token request over plain HTTP leaves behind: its credential is flagged if it is a real one. */

import { type Form, OAuthError, parseForm } from '@sallyport/protocol'
import { dialectAt } from '../tenants/dialect.ts'
import type { TokenDeps } from './deps.ts'
import { flagExposedCredentials } from './exposure.ts'
import type { TokenCall } from './token.ts'

/** The request is answered already, so whatever cannot be read or proven here is simply passed over. */
export async function flagExposedCall(call: TokenCall, deps: TokenDeps): Promise<void> {
  const now = deps.effects.clock()
  const dialect = dialectAt(call.tenant.dialect, now)
  const form = readable(call.http.body.toString('latin1'))
  const queryParameters = readable(call.http.query)
  try {
    await flagExposedCredentials({ ...call, dialect, form, queryParameters, now }, 'plain_http', deps)
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error
  }
}

function readable(text: string): Form {
  try {
    return parseForm(text, ['resource'])
  } catch (error) {
    if (error instanceof OAuthError) return parseForm('')
    throw error
  }
}
