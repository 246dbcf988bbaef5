/** One request for a token by id and secret (RFC 6749 §4.4), and its answer as far as it can be read. */

import type { Fetch, Fetched } from '../../management/client.ts'

export interface TokenRequest {
  readonly url: string
  readonly clientId: string
  readonly clientSecret: string
  /** Where the secret stands; the header is what every server must take (RFC 6749 §2.3.1). */
  readonly secretIn?: 'header' | 'body'
  readonly parameters?: Readonly<Record<string, string>>
}

export interface TokenAnswer {
  readonly status: number
  /** Null in a refusal, and in an answer that none of it can be read of. */
  readonly accessToken: string | null
  readonly members: Readonly<Record<string, unknown>>
  /** Finds the line in the server's log. */
  readonly requestId: string | null
  readonly retryAfter: string | null
}

/** Encoded before it is put together, so that a colon cannot move (RFC 6749 §2.3.1). */
const encoded = (text: string): string => encodeURIComponent(text).replaceAll('%20', '+')

const basicOf = ({ clientId, clientSecret }: TokenRequest): string =>
  `Basic ${Buffer.from(`${encoded(clientId)}:${encoded(clientSecret)}`).toString('base64')}`

/** Throws `ServerUnreachable` alone: what the server says, good or bad, is the answer. */
export async function requestToken(request: TokenRequest, fetch: Fetch): Promise<TokenAnswer> {
  const { url, clientId, clientSecret, secretIn = 'header', parameters } = request
  const isInBody = secretIn === 'body'
  const form = new URLSearchParams({
    ...{ grant_type: 'client_credentials', ...parameters },
    ...(isInBody && { client_id: clientId, client_secret: clientSecret }),
  })
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      ...(!isInBody && { Authorization: basicOf(request) }),
      'Content-Type': 'application/x-www-form-urlencoded',
    },
    body: form.toString(),
  })
  return readAnswer(response)
}

async function readAnswer(response: Fetched): Promise<TokenAnswer> {
  const members = membersOf(await response.text())
  const { access_token: token } = members
  const isToken = response.ok && typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)
  return {
    ...{ status: response.status, members, accessToken: isToken ? token : null },
    requestId: response.headers.get('X-Request-Id'),
    retryAfter: response.headers.get('Retry-After'),
  }
}

export function membersOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(text) ?? {}) as Readonly<Record<string, unknown>>
  } catch {
    return {}
  }
}
