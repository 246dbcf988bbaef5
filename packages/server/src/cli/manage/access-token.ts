/** The access token of a command: asked for when first needed, kept in memory alone. */

import { ConfigRefused } from '../../config.ts'
import type { Fetch } from '../../management/client.ts'
import { terminalText } from '../standard-input.ts'
import type { Connection } from './connection.ts'
import { requestToken, type TokenAnswer } from './request-token.ts'

/** A command ends long before its token does. */
export function createToken(connection: Connection, fetch: Fetch): () => Promise<string> {
  let asked: Promise<string> | undefined
  return () => {
    asked ??= askToken(connection, fetch)
    return asked
  }
}

async function askToken(connection: Connection, fetch: Fetch): Promise<string> {
  const { origin, clientId, clientSecret } = connection
  const url = `${origin}/system/oauth2/token`
  const answer = await requestToken({ url, clientId, clientSecret }, fetch)
  if (answer.accessToken !== null) return answer.accessToken
  throw new ConfigRefused(terminalText(sentenceOf(connection, url, answer)))
}

function sentenceOf(
  connection: Connection,
  url: string,
  { status, members, requestId }: TokenAnswer,
): string {
  const { error } = members
  const id = requestId === null ? '' : ` Request id: ${requestId}`
  if (error === 'invalid_client')
    return `${url} does not know client ${connection.clientId} with this secret (${connection.name}).${id}`
  const code = typeof error === 'string' ? `, ${error}` : ''
  return `${url} gave no token (${status}${code}). Is this the server’s own URL?${id}`
}
