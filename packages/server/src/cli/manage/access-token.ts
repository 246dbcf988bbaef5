/** The access token of a command: asked for when first needed, kept in memory alone. */

import { ConfigRefused } from '../../config.ts'
import type { Fetch } from '../../management/client.ts'
import type { Connection } from './connection.ts'

/** RFC 6749 §2.3.1: encoded before it is put together, so that a colon cannot move. */
const encoded = (text: string): string => encodeURIComponent(text).replaceAll('%20', '+')

const basicOf = ({ clientId, clientSecret }: Connection): string =>
  `Basic ${Buffer.from(`${encoded(clientId)}:${encoded(clientSecret)}`).toString('base64')}`

/** A command ends long before its token does. */
export function createToken(connection: Connection, fetch: Fetch): () => Promise<string> {
  let asked: Promise<string> | undefined
  return () => {
    asked ??= askToken(connection, fetch)
    return asked
  }
}

async function askToken(connection: Connection, fetch: Fetch): Promise<string> {
  const url = `${connection.origin}/system/oauth2/token`
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      Authorization: basicOf(connection),
      'Content-Type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials',
  })
  const text = await response.text()
  const { access_token: token, error } = membersOf(text)
  if (response.ok && typeof token === 'string') return token
  throw new ConfigRefused(sentenceOf(connection, url, response, error))
}

function membersOf(text: string): { readonly access_token?: unknown; readonly error?: unknown } {
  try {
    return (JSON.parse(text) ?? {}) as { readonly access_token?: unknown }
  } catch {
    return {}
  }
}

function sentenceOf(
  connection: Connection,
  url: string,
  { status, headers }: Response,
  error: unknown,
): string {
  const id = headers.get('X-Request-Id')
  const requestId = id === null ? '' : ` Request id: ${id}`
  if (error === 'invalid_client')
    return `${url} does not know client ${connection.clientId} with this secret (${connection.name}).${requestId}`
  const code = typeof error === 'string' ? `, ${error}` : ''
  return `${url} gave no token (${status}${code}). Is this the server’s own URL?${requestId}`
}
