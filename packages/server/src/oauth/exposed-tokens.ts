/** Tokens of client registration that were sent where others could read them. */

import { parseRegistrationToken } from '@sallyport/protocol'
import type { ExposedBy } from '../store/exposure.ts'
import type { TokenDeps } from './deps.ts'
import type { TokenHttpRequest } from './token-request.ts'

// What a token is made of needs no escapes in a form, a URL or JSON, so it stands there as it is, under whatever name.
const shape = /\bsp_(?:iat|rat)_[0-9A-Za-z]{49}\b/g
// Each costs a look at the database, and nobody has been asked yet who they are.
const most = 5

function tokensIn(texts: readonly string[]): readonly string[] {
  const found = new Set(texts.flatMap((text) => text.match(shape) ?? []))
  return [...found].filter((token) => parseRegistrationToken(token) !== null).slice(0, most)
}

export const urlOf = ({ endpointPath, query }: TokenHttpRequest): string => `${endpointPath}?${query}`

export const holdsToken = (text: string): boolean => tokensIn([text]).length > 0

/** Each that proves real is ended, or only noted where its tenant wants that; the answer is the same for all. */
export async function flagTokens(
  texts: readonly string[],
  by: ExposedBy,
  { exposeToken }: TokenDeps,
): Promise<void> {
  for (const token of tokensIn(texts)) {
    const kind = parseRegistrationToken(token)
    if (kind !== null) await exposeToken({ kind, token, exposedBy: by })
  }
}
