/** RFC 7009: a client has no more use for a token, or fears for it. From the answer on it is dead everywhere. */

import { neverCached, type Reply, refuse } from '@sallyport/protocol'
import type { NewRevocation } from '../store/revocations.ts'
import { findOwnToken } from '../tokens/find.ts'
import type { OwnToken } from '../tokens/own-token.ts'
import { readClientRequest, refuseWithoutDatabase, tokenOf } from './client-request.ts'
import type { OAuthDeps } from './deps.ts'
import type { OAuthCall } from './request.ts'

export const revocationPath = '/oauth2/revoke'

const { 'Content-Type': _, ...uncached } = neverCached

/** RFC 7009 §2.2: nothing to say, also of a token that was none or is dead already. What is empty is no JSON. */
const done: Reply = { status: 200, headers: uncached, body: '' }

export async function answerRevocation(call: OAuthCall, deps: OAuthDeps): Promise<Reply> {
  const request = await readClientRequest(call, deps)
  const { tenant, caller, notes, now } = request
  const text = tokenOf(request)
  refuseWithoutDatabase(request, deps)
  const token = await findOwnToken(tenant, text, deps)
  if (token === null) return done
  // RFC 7009 §2.1: a token of another client stays as it is, and this one hears that it was the wrong one.
  if (token.facts.clientId !== caller.client.clientId)
    refuse('unauthorized_client', 'token of another client')
  notes.revokedToken = token.facts.tokenId
  if (token.expiresAt === undefined || now < token.expiresAt)
    await deps.revoke(tenant.id, revocationOf(token, now), {
      actor: `client ${caller.client.clientId}`,
      action: 'revoke',
      ...(notes.requestId !== undefined && { requestId: notes.requestId }),
    })
  return done
}

const revocationOf = ({ facts, expiresAt }: OwnToken, now: number): NewRevocation => ({
  kind: 'token',
  subjectId: facts.tokenId ?? refuse('server_error', 'token without any name'),
  // The token is meant whenever it was issued, also by a node whose clock is ahead.
  issuedUntil: Math.max(now, facts.issuedAt ?? now),
  expiresAt: expiresAt ?? null,
})
