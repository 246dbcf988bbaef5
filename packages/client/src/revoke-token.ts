/** Tells the server that a token is not needed any more (RFC 7009). */

import * as oauth from 'oauth4webapi'
import { requestOptions } from './authorization-server.ts'
import type { TokenRequestParts } from './request-token.ts'
import { readRefusal } from './token-answer.ts'

/** Does nothing where the server names no endpoint for it. */
export async function revokeToken(accessToken: string, parts: TokenRequestParts): Promise<void> {
  const { findServer, client, authentication, effects } = parts
  const server = await findServer()
  const url = server.revocation_endpoint
  if (!url) return
  const response = await oauth.revocationRequest(
    server,
    client,
    authentication,
    accessToken,
    requestOptions(effects),
  )
  if (response.status !== 200) throw await readRefusal(response, url, effects.clock())
  await response.body?.cancel()
}
