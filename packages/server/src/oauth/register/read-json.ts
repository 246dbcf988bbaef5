/** The body of a registration: one JSON object, read strictly. */

import { isEncoded, type Members, OAuthError, parseJsonObject, refuse, saysJson } from '@sallyport/protocol'
import type { OAuthHttpRequest } from '../request.ts'

export function readJson({
  body,
  contentType,
  repeatsContentType,
  contentEncoding,
}: OAuthHttpRequest): Members {
  if (repeatsContentType || !saysJson(contentType, ['application/json']))
    throw new OAuthError('invalid_request', 'registration that is no JSON', {
      status: 415,
      detail: 'Send the metadata as Content-Type: application/json, in UTF-8.',
    })
  if (isEncoded(contentEncoding))
    throw new OAuthError('invalid_request', 'registration with a Content-Encoding', {
      status: 415,
      detail: 'Send the metadata without Content-Encoding.',
    })
  const text = decode(body)
  const json = text === null ? null : parseJsonObject(text)
  return json ?? refuse('invalid_request', 'registration that cannot be read', unreadable)
}

const unreadable = 'The body must be one JSON object in UTF-8: no member twice, at most 16 levels.'

function decode(body: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    return null
  }
}
