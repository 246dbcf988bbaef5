/** Which issuer `sallyport token` asks, and as whom: an app of the development instance, or what is typed. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { nearestNames } from '@sallyport/protocol'
import { ConfigRefused } from '../config.ts'
import {
  type KnownSecret,
  type KnownSecrets,
  readDemoFile,
  readKnownOperator,
  readKnownSecrets,
} from '../dev/demo-file.ts'
import { issuerOf } from './issuer-metadata.ts'
import { readSecret } from './manage/ask-terminal.ts'
import { type Environment, originOf, secretOf } from './manage/connection.ts'

export interface ClientOptions {
  readonly app?: string
  readonly data?: string
  readonly url?: string
  readonly clientId?: string
  readonly clientSecretFile?: string
  readonly ca?: string
}

export interface TokenClient {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** Path of the one authority that its certificate may be of; without it, those that Node trusts. */
  readonly ca: string | undefined
}

export async function findTokenClient(
  tenant: string | undefined,
  options: ClientOptions,
  environment: Environment,
): Promise<TokenClient> {
  const { url, clientId, clientSecretFile } = options
  if (url !== undefined && tenant !== undefined)
    throw new ConfigRefused('TENANT and --url exclude each other: each names an issuer.')
  if (url !== undefined && clientId === undefined)
    throw new ConfigRefused('--url needs --client-id: nobody but you knows which client you mean.')
  if (clientSecretFile !== undefined && clientId === undefined)
    throw new ConfigRefused('--client-secret-file needs --client-id.')
  const site = url === undefined ? siteOfDemo(tenant, options) : siteOf(url, options, environment)
  if (clientId === undefined) return { ...site, ...demoClient(site, options.app) }
  return { ...site, clientId, clientSecret: await askSecret(clientId, clientSecretFile, environment) }
}

/** An issuer, and in a development instance the file that knows its apps. */
interface Site extends Pick<TokenClient, 'issuer' | 'ca'> {
  readonly demo: { readonly file: string; readonly tenant: string } | null
}

const siteOf = (url: string, { ca }: ClientOptions, { SALLYPORT_CA: usual }: Environment): Site => ({
  ...{ issuer: issuerOf(url, '--url'), ca: ca ?? usual, demo: null },
})

/** Below localhost, whatever its own host is: Node does not find names under `.localhost`. */
function siteOfDemo(named: string | undefined, { data = 'data', ca }: ClientOptions): Site {
  const file = join(data, 'demo.json')
  if (!existsSync(file))
    throw new ConfigRefused(
      `No issuer is named: there is no ${file} of a development instance. Say --url ISSUER --client-id ID, or where its data is with --data.`,
    )
  const { url, ca: usual } = readDemoFile(file)
  const tenant = named ?? onlyTenant(file)
  const origin = originOf(typeof url === 'string' ? url : '', `url in ${file}`)
  return {
    issuer: `${origin}/${encodeURIComponent(tenant)}`,
    ca: ca ?? (typeof usual === 'string' ? usual : undefined),
    demo: { file, tenant },
  }
}

function onlyTenant(file: string): string {
  const [name, ...others] = readKnownSecrets(file).keys()
  if (name !== undefined && others.length === 0) return name
  throw new ConfigRefused(`Name a tenant: ${[name, ...others].join(', ')}.`)
}

function demoClient({ demo }: Site, app: string | undefined): KnownSecret {
  const { file, tenant } = demo ?? { file: '', tenant: '' }
  const known = readKnownSecrets(file)
  const operator = tenant === 'system' && app === undefined ? readKnownOperator(file) : undefined
  const found = operator ?? clientOf(known.get(tenant), app)
  if (found !== undefined) return found
  if (!known.has(tenant))
    throw new ConfigRefused(
      `${file} has no tenant ${tenant}${listed(tenant, known)}. Of another tenant say --client-id.`,
    )
  throw new ConfigRefused(
    `${file} has no app ${app ?? 'with a secret'} of tenant ${tenant}${listed(app ?? '', known.get(tenant)?.apps)}.`,
  )
}

const clientOf = (known: KnownSecrets | undefined, app: string | undefined): KnownSecret | undefined =>
  app === undefined ? known?.app : known?.apps.get(app)

function listed(name: string, known: ReadonlyMap<string, unknown> = new Map()): string {
  const near = nearestNames(name, [...known.keys()])
  return near.length === 0 ? '' : `; there are: ${near.join(', ')}`
}

/** Never as an argument: every process of the machine can read those, and the shell keeps them. */
async function askSecret(
  clientId: string,
  file: string | undefined,
  environment: Environment,
): Promise<string> {
  const told = file === undefined ? secretOf(environment) : readFileSync(file, 'utf8').trim()
  const secret = told ?? (await readSecret(`Secret of ${clientId}: `))
  if (secret === '') throw new ConfigRefused('There is no secret in what was given.')
  return secret
}
