/** `sallyport manage login`, `logout` and `profiles`: the servers that this person manages. */

import { resolve } from 'node:path'
import type { Command } from 'commander'
import { ConfigRefused } from '../../config.ts'
import { table } from '../table.ts'
import { readSecret } from './ask-terminal.ts'
import { originOf, secretOf } from './connection.ts'
import {
  checkProfileName,
  isProfileName,
  type Profile,
  profilesFile,
  readProfiles,
  writeProfiles,
} from './profiles.ts'

interface LoginOptions {
  readonly url: string
  readonly clientId: string
  readonly ca?: string
}

export function registerProfiles(group: Command): void {
  group
    .command('login <profile>')
    .description('keep a server and an app that manages it, under a name; the secret is asked for')
    .requiredOption('--url <url>', 'the server, such as https://auth.example.com')
    .requiredOption('--client-id <id>', 'the app of the system tenant (see sallyport operators add)')
    .option('--ca <file>', 'the authority of its certificate, in PEM, where this machine does not know it')
    .addHelpText(
      'after',
      '\nThe secret is typed, or read from standard input, SALLYPORT_CLIENT_SECRET or SALLYPORT_CLIENT_SECRET_FILE.',
    )
    .action(login)
  group.command('logout <profile>').description('forget a profile and its secret').action(logout)
  group
    .command('profiles')
    .description('the profiles there are, without their secrets')
    .option('--json', 'print JSON')
    .option('--names', 'print the names alone')
    .action(showProfiles)
}

/** Kept only once it has worked. */
async function login(name: string, { url, clientId, ca }: LoginOptions): Promise<void> {
  checkProfileName(name)
  const origin = originOf(url, '--url')
  const known = readProfiles(process.env)
  const clientSecret = secretOf(process.env) ?? (await readSecret(`Secret of ${clientId}: `))
  if (clientSecret === '') throw new ConfigRefused('There is no secret in what was given.')
  const caFile = ca === undefined ? undefined : resolve(ca)
  const { actorOf } = await import('./actor-of.ts')
  const actor = await actorOf({ name: `profile ${name}`, origin, clientId, clientSecret, ca: caFile })
  if (actor === null) return
  const profile: Profile = {
    ...{ url: origin, client_id: clientId, client_secret: clientSecret },
    ...(caFile !== undefined && { ca: caFile }),
  }
  writeProfiles(process.env, new Map([...known, [name, profile]]))
  process.stdout.write(`Profile ${name} is ${actor} at ${origin}, kept in ${profilesFile(process.env)}.\n`)
}

function logout(name: string): void {
  const profiles = new Map(readProfiles(process.env))
  if (!profiles.delete(name)) throw new ConfigRefused(`There is no profile ${name}.`)
  writeProfiles(process.env, profiles)
  process.stdout.write(
    `Profile ${name} is forgotten. Its secret still works: end it with credentials remove.\n`,
  )
}

function showProfiles({ json, names }: { readonly json?: boolean; readonly names?: boolean }): void {
  const profiles = [...readProfiles(process.env)].map(([name, { url, client_id, ca = null }]) => ({
    ...{ name, url, client_id, ca },
  }))
  const rows = profiles.map(({ name, url, client_id, ca }) => [name, url, client_id, ca ?? '-'])
  const people =
    rows.length === 0 ? 'There are none.' : table([['PROFILE', 'URL', 'CLIENT ID', 'CA'], ...rows])
  // Who wrote the file by hand may have used any name, and bash runs what stands in the words that it completes.
  const text = names
    ? profiles
        .map(({ name }) => name)
        .filter(isProfileName)
        .join('\n')
    : people
  process.stdout.write(`${json ? JSON.stringify(profiles, null, 2) : text}\n`)
}
