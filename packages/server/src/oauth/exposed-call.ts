/** What a request that is refused unread leaves behind: the credential it has shown is flagged if it is a real one. */

import { decodeFormComponent, type Form, OAuthError, parseForm, parseJsonObject } from '@sallyport/protocol'
import { StoreUnavailable } from '../store/database.ts'
import type { ExposedBy, Sighting } from '../store/exposure.ts'
import { type Dialect, dialectAt, standardDialect } from '../tenants/dialect.ts'
import type { OAuthDeps } from './deps.ts'
import {
  flagExposedCredentials,
  flagUrlCredentials,
  isExposedInUrl,
  refuseUrl,
  sightingIn,
} from './exposure.ts'
import type { OAuthCall, OAuthHttpRequest } from './request.ts'
import { tokenPath } from './token-path.ts'

/** The request is answered, or about to be: whatever cannot be read or proven here is simply passed over. */
export async function flagExposedCall(
  call: OAuthCall,
  by: ExposedBy,
  deps: OAuthDeps,
  { isOnlyNoted = false }: Pick<Sighting, 'isOnlyNoted'> = {},
): Promise<void> {
  const now = deps.effects.clock()
  const dialect = dialectOf(call, now)
  const form = readable(formText(call.http))
  const queryParameters = readable(call.http.query)
  const request = { ...call, dialect, form, queryParameters, now }
  try {
    // What stands in the URL was seen by others; a header or a body over TLS was not.
    if (by === 'plain_http')
      await flagExposedCredentials(request, { ...sightingIn(call, by), isOnlyNoted }, deps)
    else await flagUrlCredentials(request, deps)
  } catch (error) {
    // Over HTTPS the refusal is still to be sent, and is the same with the database gone.
    const isPassedOver = by === 'query_string' && error instanceof StoreUnavailable
    if (!(error instanceof OAuthError) && !isPassedOver) throw error
  }
}

/** A dialect is one of the token endpoint: what it takes from the URL there is as wrong in any other. */
function dialectOf({ tenant, http: { endpointPath } }: OAuthCall, now: number): Dialect {
  const dialect = dialectAt(tenant.dialect, now)
  return endpointPath === tokenPath || endpointPath === dialect.tokenPath ? dialect : standardDialect
}

/** For an endpoint that takes nothing from the URL. Trust row 25; RFC 6750 §2.3: a token must not be there either. */
export async function refuseExposedCall(call: OAuthCall, deps: OAuthDeps): Promise<void> {
  const { http } = call
  if (!isExposedInUrl(http, { queryParameters: readable(http.query) })) return
  await flagExposedCall(call, 'query_string', deps)
  refuseUrl()
}

/** RFC 7592 §2.2: a client may say its secret in JSON. */
function formText({ body }: OAuthHttpRequest): string {
  const text = body.toString('latin1')
  const json = text.startsWith('{') ? parseJsonObject(text) : null
  if (json === null) return text
  const texts = Object.entries(json).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return new URLSearchParams(texts).toString()
}

/** A secret that is sent twice is exposed twice, so the first value of each name counts where the standard refuses both. */
function readable(text: string): Form {
  const first = new Map<string, string>()
  for (const pair of text.split('&')) {
    const [name = '', ...parts] = pair.split('=').map((part) => decodeFormComponent(part))
    if (!name || first.has(name) || parts.includes(null)) continue
    const value = parts.join('=')
    // RFC 6749 §3.2: what has no value was not sent, and must not hide the one that was.
    if (value !== '') first.set(name, value)
  }
  return parseForm(new URLSearchParams([...first]).toString())
}
