/** The query of a request, before anything else of it is read: nobody's credentials may stand there. */

import { type Form, parseForm } from '@sallyport/protocol'
import type { OAuthDeps } from './deps.ts'
import { flagExposedCall } from './exposed-call.ts'
import { noParameters, type OAuthCall } from './request.ts'

/** A URL that is refused for its form has shown its secret all the same. */
export async function readQuery(call: OAuthCall, deps: OAuthDeps): Promise<Form> {
  if (call.http.query === '') return noParameters
  try {
    return parseForm(call.http.query, [], 'URL')
  } catch (error) {
    await flagExposedCall(call, 'query_string', deps)
    throw error
  }
}
