/** The servers that one person manages, and as whom: a file with secrets, for its owner alone. */

import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { ConfigRefused } from '../../config.ts'
import { isReadableByOthers } from '../../master-key.ts'
import { makeFolder } from '../../store/make-folder.ts'

export interface Profile {
  /** The server's origin. */
  readonly url: string
  readonly client_id: string
  readonly client_secret: string
  /** Path of the authority that its certificate is of, where the system does not know it. */
  readonly ca?: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** The XDG Base Directory Specification passes over a path that is not absolute. */
function folderIn({ XDG_CONFIG_HOME: wanted = '' }: Environment): string {
  return join(isAbsolute(wanted) ? wanted : join(homedir(), '.config'), 'sallyport')
}

export const profilesFile = (environment: Environment): string => join(folderIn(environment), 'profiles.json')

export function readProfiles(environment: Environment): ReadonlyMap<string, Profile> {
  const file = profilesFile(environment)
  if (!existsSync(file)) return new Map()
  if (isReadableByOthers(file))
    throw new ConfigRefused(`Others can read the secrets in ${file}. Close it: chmod 600 ${file}`)
  const { profiles } = parseFile(file)
  if (typeof profiles !== 'object' || profiles === null) throw damaged(file)
  return new Map(Object.entries(profiles).filter((entry): entry is [string, Profile] => isProfile(entry[1])))
}

function parseFile(file: string): { readonly profiles?: unknown } {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) ?? {}) as { readonly profiles?: unknown }
  } catch (error) {
    if (error instanceof SyntaxError) throw damaged(file)
    throw error
  }
}

const damaged = (file: string): ConfigRefused =>
  new ConfigRefused(`${file} is damaged. Mend it, or remove it and log in again.`)

function isProfile(value: unknown): value is Profile {
  const { url, client_id, client_secret, ca = '' } = (value ?? {}) as Partial<Record<keyof Profile, unknown>>
  return [url, client_id, client_secret, ca].every((member) => typeof member === 'string')
}

/** Written beside and moved into place, so that nobody reads half of it. */
export function writeProfiles(environment: Environment, profiles: ReadonlyMap<string, Profile>): void {
  const folder = folderIn(environment)
  makeFolder(folder)
  chmodSync(folder, 0o700)
  const file = profilesFile(environment)
  const draft = `${file}.new`
  writeFileSync(draft, `${JSON.stringify({ profiles: Object.fromEntries(profiles) }, null, 2)}\n`, {
    mode: 0o600,
  })
  // An old draft would have kept its own mode.
  chmodSync(draft, 0o600)
  renameSync(draft, file)
}

export const isProfileName = (name: string): boolean => /^[A-Za-z0-9][\w.-]{0,63}$/.test(name)

export function checkProfileName(name: string): void {
  if (!isProfileName(name))
    throw new ConfigRefused(
      'The name of a profile has letters, digits, dots, hyphens and underscores, 1 to 64 characters.',
    )
}
