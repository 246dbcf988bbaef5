/** Which server a command is for, and as whom: a profile, variables, or the development instance of this folder. */

import { existsSync, readFileSync } from 'node:fs'
import { nearestNames } from '@sallyport/protocol'
import { ConfigRefused } from '../../config.ts'
import { readDemoFile } from '../../dev/demo-file.ts'
import { type Profile, readProfiles } from './profiles.ts'

export interface Connection {
  /** Where it comes from, for people: `profile prod`. */
  readonly name: string
  readonly origin: string
  readonly clientId: string
  readonly clientSecret: string
  readonly ca: string | undefined
}

export type Environment = Readonly<Record<string, string | undefined>>

const demoFile = 'data/demo.json'

/** What is named wins over what is found, and of two that are named neither is guessed. */
export function findConnection(profile: string | undefined, environment: Environment): Connection {
  const { SALLYPORT_URL: url, SALLYPORT_PROFILE: wanted } = environment
  if (profile === undefined && wanted !== undefined && url !== undefined)
    throw new ConfigRefused('SALLYPORT_PROFILE and SALLYPORT_URL exclude each other: each names a server.')
  const name = profile ?? wanted
  if (name !== undefined) return ofProfile(name, readProfiles(environment))
  if (url !== undefined) return ofVariables(url, environment)
  if (existsSync(demoFile)) return ofDemo()
  return ofOnlyProfile(readProfiles(environment))
}

function ofProfile(name: string, profiles: ReadonlyMap<string, Profile>): Connection {
  const found = profiles.get(name)
  if (found === undefined) throw new ConfigRefused(`There is no profile ${name}${nearTo(name, profiles)}.`)
  const { url, client_id: clientId, client_secret: clientSecret, ca } = found
  return { name: `profile ${name}`, origin: originOf(url, 'url'), clientId, clientSecret, ca }
}

function nearTo(name: string, profiles: ReadonlyMap<string, Profile>): string {
  const near = nearestNames(name, [...profiles.keys()])
  return near.length === 0 ? '; make it with sallyport manage login' : `; there are: ${near.join(', ')}`
}

function ofVariables(url: string, environment: Environment): Connection {
  const { SALLYPORT_CLIENT_ID: clientId, SALLYPORT_CA: ca } = environment
  const clientSecret = secretOf(environment)
  if (clientId === undefined || clientSecret === undefined)
    throw new ConfigRefused(
      'SALLYPORT_URL needs SALLYPORT_CLIENT_ID and SALLYPORT_CLIENT_SECRET (or SALLYPORT_CLIENT_SECRET_FILE) beside it.',
    )
  return { name: 'SALLYPORT_URL', origin: originOf(url, 'SALLYPORT_URL'), clientId, clientSecret, ca }
}

export function secretOf(environment: Environment): string | undefined {
  const { SALLYPORT_CLIENT_SECRET: secret, SALLYPORT_CLIENT_SECRET_FILE: file } = environment
  if (secret !== undefined && file !== undefined)
    throw new ConfigRefused('SALLYPORT_CLIENT_SECRET and SALLYPORT_CLIENT_SECRET_FILE exclude each other.')
  return file === undefined ? secret : readFileSync(file, 'utf8').trim()
}

/** The origin alone: where tokens come from and where the API is follows from it. */
export function originOf(text: string, from: string): string {
  const url = URL.parse(text)
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '')
    throw new ConfigRefused(`${from} takes the server’s https URL, such as https://auth.example.com.`)
  return url.origin
}

function ofDemo(): Connection {
  const { management, ca } = readDemoFile(demoFile)
  const { url, client_id: clientId, client_secret: clientSecret } = management ?? {}
  if (typeof url !== 'string' || typeof clientId !== 'string' || typeof clientSecret !== 'string')
    throw new ConfigRefused(`${demoFile} names no operator: start the development instance once more.`)
  return {
    ...{ name: demoFile, origin: originOf(url, demoFile), clientId, clientSecret },
    ca: typeof ca === 'string' ? ca : undefined,
  }
}

function ofOnlyProfile(profiles: ReadonlyMap<string, Profile>): Connection {
  const [name, ...others] = profiles.keys()
  if (name === undefined)
    throw new ConfigRefused(
      'No server is named. Log in with sallyport manage login PROFILE --url … --client-id …, or set SALLYPORT_URL, SALLYPORT_CLIENT_ID and SALLYPORT_CLIENT_SECRET.',
    )
  if (others.length > 0)
    throw new ConfigRefused(`Choose a profile with --profile: ${[...profiles.keys()].join(', ')}.`)
  return ofProfile(name, profiles)
}
