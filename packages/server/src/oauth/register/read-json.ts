/** The body of a registration: one JSON object, read strictly. */

import { type Members, OAuthError, parseJsonObject, refuse } from '@sallyport/protocol'
import type { TokenHttpRequest } from '../token-request.ts'

export function readJson({ body, contentType, repeatsContentType }: TokenHttpRequest): Members {
  const mediaType = repeatsContentType ? undefined : contentType?.split(';')[0]?.trim().toLowerCase()
  if (mediaType !== 'application/json')
    throw new OAuthError('invalid_request', 'registration that is no JSON', {
      status: 415,
      detail: 'Send the metadata as Content-Type: application/json.',
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
