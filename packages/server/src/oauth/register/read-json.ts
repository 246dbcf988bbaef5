/** The body of a registration: one JSON object, read strictly. */

import {
  decodeDocument,
  isEncoded,
  type Members,
  OAuthError,
  parseJsonObject,
  refuse,
  saysJson,
} from '@sallyport/protocol'
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
  const json = parseJsonObject(decodeDocument(body) ?? '')
  return json ?? refuse('invalid_request', 'registration that cannot be read', unreadable)
}

const unreadable = 'The body must be one JSON object in UTF-8: no member twice, at most 16 levels.'
