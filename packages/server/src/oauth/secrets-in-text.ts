/** Secrets and tokens of ours that stand where others could read them, told by their looks whatever is written beside them. */

import { parseClientSecret, parseRegistrationToken } from '@sallyport/protocol'
import type { ExposedBy } from '../store/exposure.ts'
import type { TokenDeps } from './deps.ts'

// What they are made of needs no escapes in a form, a URL or JSON, so they stand there as they are, under whatever name.
const shape = /sp_(?:live|test|iat|rat)_[0-9A-Za-z]{49}(?![0-9A-Za-z])/g
// Each costs a look at the database, and nobody has been asked yet who they are.
const most = 5

const isOurs = (text: string): boolean =>
  parseClientSecret(text) !== null || parseRegistrationToken(text) !== null

function secretsIn(texts: readonly string[]): readonly string[] {
  const found = new Set(texts.flatMap((text) => text.match(shape) ?? []))
  return [...found].filter(isOurs)
}

export const holdsSecret = (text: string): boolean => secretsIn([text]).length > 0

/**
 * Each that proves real is put out of use, or only noted where its tenant wants that; the answer is the same for all.
 * `known`: those of which that has been done.
 */
export async function flagSecretsIn(
  texts: readonly string[],
  by: ExposedBy,
  { noteExposed }: Pick<TokenDeps, 'noteExposed'>,
  known: ReadonlySet<string> = new Set(),
): Promise<void> {
  const unknown = secretsIn(texts).filter((secret) => !known.has(secret))
  for (const secret of unknown.slice(0, most)) await noteExposed(secret, by)
}
