/** Where a credential's secret comes from, resolved before anything is planned; no clear secret ever prints itself. */

import { dirname, resolve } from 'node:path'
import { inspect } from 'node:util'
import type { Blueprint } from './blueprint.ts'
import type { Path, Problem } from './problem.ts'
import type { SecretSource } from './schema.ts'

export interface SecretEffects {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Rejects for a file that cannot be read. */
  readonly readTextFile: (path: string) => Promise<string>
}

/** A secret in the clear, on its way into an HMAC: logs, JSON and messages show nothing of it. */
export class ClearSecret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  reveal(): string {
    return this.#text
  }

  toString(): string {
    return '(secret)'
  }

  toJSON(): string {
    return '(secret)'
  }

  [inspect.custom](): string {
    return '(secret)'
  }
}

export type ResolvedSecret =
  | { readonly kind: 'generated' }
  | { readonly kind: 'clear'; readonly secret: ClearSecret }
  /** SHA-256 of a secret that only its owner has. */
  | { readonly kind: 'hash'; readonly digest: Uint8Array }

export const shortestSecret = 16
const longestSecret = 256
// RFC 6749 App. A.2, and what a Basic header can carry whatever the client's encoding.
const usable = new RegExp(`^[\\x20-\\x7e]{${shortestSecret},${longestSecret}}$`)
const expected = `${shortestSecret} to ${longestSecret} printable ASCII characters`

/** Resolves one source, or reports why it cannot be; what was found there is never shown. */
export async function resolveSecret(
  source: SecretSource,
  { source: yaml }: Blueprint,
  path: Path,
  effects: SecretEffects,
  problems: Problem[],
): Promise<ResolvedSecret | null> {
  if (source === 'generated') return { kind: 'generated' }
  if ('hash' in source)
    return { kind: 'hash', digest: Buffer.from(source.hash.slice('sha256:'.length), 'base64url') }
  const isFromFile = 'from_file' in source
  const place = [...path, isFromFile ? 'from_file' : 'from_env']
  const text = isFromFile
    ? await readSecretFile(resolve(dirname(yaml.file), source.from_file), effects)
    : effects.environment[source.from_env]
  if (text !== undefined && usable.test(text)) return { kind: 'clear', secret: new ClearSecret(text) }
  const what = isFromFile ? 'a file that cannot be read' : 'an environment variable that is not set'
  const found = text === undefined ? what : 'a secret of another length or with other characters'
  problems.push(yaml.problem(place, found, expected))
  return null
}

async function readSecretFile(path: string, { readTextFile }: SecretEffects): Promise<string | undefined> {
  try {
    // Editors and `echo` end a file with a line end that is not part of the secret.
    return (await readTextFile(path)).replace(/\r?\n$/, '')
  } catch {
    return undefined
  }
}
