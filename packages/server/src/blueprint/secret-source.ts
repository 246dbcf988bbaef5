/** Where a credential's secret comes from, resolved before anything is planned; no clear secret ever prints itself. */

import { dirname, resolve } from 'node:path'
import { inspect } from 'node:util'
import { type ReadHash, readForeignHash } from '../keys/imported/formats.ts'
import { isFault } from '../keys/imported/hash.ts'
import type { Blueprint } from './blueprint.ts'
import type { Path, Problem } from './problem.ts'
import type { SecretSource } from './schema.ts'

export interface SecretEffects {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Rejects for a file that cannot be read. */
  readonly readTextFile: (path: string) => Promise<string>
}

/** A secret in the clear, on its way into an HMAC: logs, JSON and messages show nothing of it. */
class ClearSecret {
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
  /** What the credential has in the store already. */
  | { readonly kind: 'kept' }
  | { readonly kind: 'clear'; readonly secret: ClearSecret }
  /** As somebody else has hashed it; only its owner has the secret itself. */
  | ({ readonly kind: 'hash' } & ReadHash)

export const shortestSecret = 16
const longestSecret = 256
// `sp_test_`, 43 characters of randomness and 6 of checksum.
const generatedSecret = 57
// RFC 6749 App. A.2, and what a Basic header can carry whatever the client's encoding.
const printable = /^[\x20-\x7e]*$/

/** What is asked of a secret, and where its problems go. */
export interface SecretNeed {
  readonly blueprint: Blueprint
  readonly path: Path
  readonly shortest: number
  readonly effects: SecretEffects
  readonly problems: Problem[]
}

/** Resolves one source, or reports why it cannot be; what was found there is never shown. */
export async function resolveSecret(source: SecretSource, need: SecretNeed): Promise<ResolvedSecret | null> {
  const { blueprint, path, shortest, effects, problems } = need
  const { source: yaml } = blueprint
  const reason = shortest > shortestSecret ? ', as MACs need (RFC 7518 §3.2)' : ''
  if (source === 'kept') return { kind: 'kept' }
  if (source === 'generated') {
    if (shortest <= generatedSecret) return { kind: 'generated' }
    problems.push(
      yaml.problem(
        path,
        `generated, which has ${generatedSecret} characters`,
        `${shortest} or more${reason}`,
      ),
    )
    return null
  }
  if ('hash' in source) {
    const hash = readForeignHash(source.hash)
    // Whatever cannot stand has been reported where the files were checked.
    return isFault(hash) ? null : { kind: 'hash', ...hash }
  }
  const isFromFile = 'from_file' in source
  const place = [...path, isFromFile ? 'from_file' : 'from_env']
  const text = isFromFile
    ? await readSecretFile(blueprint, source.from_file, effects)
    : effects.environment[source.from_env]
  const isUsable =
    text !== undefined && text.length >= shortest && text.length <= longestSecret && printable.test(text)
  if (isUsable) return { kind: 'clear', secret: new ClearSecret(text) }
  const what = isFromFile ? 'a file that cannot be read' : 'an environment variable that is not set'
  const found = text === undefined ? what : 'a secret of another length or with other characters'
  const expected = `${shortest} to ${longestSecret} printable ASCII characters`
  problems.push(yaml.problem(place, found, expected + reason))
  return null
}

async function readSecretFile(
  blueprint: Blueprint,
  path: string,
  effects: SecretEffects,
): Promise<string | undefined> {
  // Editors and `echo` end a file with a line end that is not part of the secret.
  return (await readNamedFile(blueprint, path, effects))?.replace(/\r?\n$/, '')
}

/** A file that the blueprint names, from the blueprint's own folder; undefined if it cannot be read. */
export async function readNamedFile(
  { source }: Blueprint,
  path: string,
  { readTextFile }: SecretEffects,
): Promise<string | undefined> {
  try {
    return await readTextFile(resolve(dirname(source.file), path))
  } catch {
    return undefined
  }
}
