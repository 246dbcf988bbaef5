/** Secrets and tokens of ours that stand where others could read them, told by their looks whatever is written beside them. */

import { decodeFormComponent, parseClientSecret, parseRegistrationToken } from '@sallyport/protocol'
import type { SeenSecret } from '../apps/note-exposed.ts'
import type { Sighting } from '../store/exposure.ts'
import type { OAuthDeps } from './deps.ts'

const shape = /sp_(?:live|test|iat|rat)_[0-9A-Za-z]{49}(?![0-9A-Za-z])/g
// Each costs a look at the database, and nobody has been asked yet who they are.
const most = 5

const isOurs = (text: string): boolean =>
  parseClientSecret(text) !== null || parseRegistrationToken(text) !== null

/** What they are made of needs no escapes, but some programs escape it all the same. */
function secretsIn(text: string): readonly string[] {
  const readings = text.includes('%') ? [text, decodeFormComponent(text) ?? ''] : [text]
  return readings.flatMap((reading) => reading.match(shape) ?? []).filter(isOurs)
}

export const secretsInText = (text: string): readonly SeenSecret[] =>
  secretsIn(text).map((secret) => ({ secret, name: null }))

export function secretsInUrl(url: string): readonly SeenSecret[] {
  const start = url.indexOf('?') + 1
  if (start === 0) return secretsInText(url)
  const inQuery = url
    .slice(start)
    .split('&')
    .flatMap((pair) => {
      const name = decodeFormComponent(pair.split('=', 1)[0] ?? '')
      return secretsIn(pair).map((secret) => ({ secret, name }))
    })
  return [...secretsInText(url.slice(0, start)), ...inQuery]
}

/**
 * Each that proves real is put out of use, or only noted where its tenant wants that; the answer is the same for all.
 * `known`: those of which that has been done.
 */
export async function flagSecrets(
  seen: readonly SeenSecret[],
  sighting: Sighting,
  { noteExposed }: Pick<OAuthDeps, 'noteExposed'>,
  known: ReadonlySet<string> = new Set(),
): Promise<void> {
  const unknown = seen.filter(({ secret }) => !known.has(secret))
  const noted = new Set([...new Set(unknown.map(({ secret }) => secret))].slice(0, most))
  if (noted.size > 0)
    await noteExposed(
      unknown.filter(({ secret }) => noted.has(secret)),
      sighting,
    )
}
