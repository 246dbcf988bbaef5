/** Every setting in one table: a YAML file, over it SALLYPORT_* variables, over them flags. All problems are reported together. */

import { dirname } from 'node:path'
import { forwardedCertificatePresets, misspeltName } from '@sallyport/protocol'
import { variableOf, variablesIn } from './environment.ts'
import { isMasterKeys } from './master-key.ts'
import {
  addresses,
  count,
  databaseUrl,
  files,
  httpsUrl,
  keysUrl,
  masterKeys,
  oneOf,
  optional,
  path,
  pathWithin,
  pauseSeconds,
  port,
  processes,
  type Setting,
  SettingProblem,
  secret,
  setting,
  signingSecret,
  syslogUrl,
  text,
  webhookUrl,
  yesOrNo,
} from './setting-kinds.ts'

export const githubKeysUrl = 'https://api.github.com/meta/public_keys/secret_scanning'

export const settings = {
  base_url: optional(
    httpsUrl,
    'The URL the server is reached at from outside; tenants live below it. Needed',
  ),
  listen_host: setting(text, '0.0.0.0', 'The address to listen on'),
  listen_port: setting(port, 8443, 'The main port'),
  workers: setting(
    processes,
    1,
    'How many processes answer on the main port; with more than one, one for each processor is enough',
  ),
  drain_notice_seconds: setting(
    pauseSeconds,
    0,
    'How long new connections are still taken after SIGTERM, while /readyz says 503, for balancers that look rarely; half a second at the least',
  ),
  http_port: setting(port, 0, 'Where plain HTTP is refused with an error; 0 turns it off'),
  tls_certificate_file: optional(path, 'PEM file with the certificate chain; read again when it changes'),
  tls_key_file: optional(path, 'PEM file with the private key; read again when it changes'),
  proxies: setting(
    addresses,
    [],
    'The proxies that end TLS: the main port then speaks plain HTTP, and only they may use it',
  ),
  mtls_port: setting(
    port,
    0,
    'The port where connections are asked for a client certificate; 0 turns it off. Needs tls_certificate_file',
  ),
  mtls_base_url: optional(
    httpsUrl,
    'The URL where clients find that port, or the place where a proxy asks for certificates; without it base_url with that port',
  ),
  client_certificate_header: optional(
    oneOf(...forwardedCertificatePresets),
    'How the listed proxies hand on client certificates; they must delete the header from what they receive',
  ),
  client_certificate_revocation_lists: setting(
    files,
    [],
    'Files with revocation lists, PEM or DER, read again when they change; every authority then needs one',
  ),
  data_folder: setting(path, './data', 'The folder of the embedded database'),
  database_url: secret(databaseUrl, 'PostgreSQL, instead of the embedded database'),
  master_key: secret(
    masterKeys,
    'What seals everything secret in the database; without it the key is kept in data_folder',
  ),
  outbound_allowed_networks: setting(
    addresses,
    [],
    'Private networks where keys of clients and outside issuers may be fetched; otherwise public addresses only',
  ),
  outbound_ca_file: optional(path, 'PEM file with authorities to trust there, beside those of the system'),
  secret_scanning_keys_url: setting(
    keysUrl,
    githubKeysUrl,
    'Where the keys are that reports of leaked secrets are signed with',
  ),
  audit_webhook_url: secret(
    webhookUrl,
    'Where audit records are sent as they are made; for its certificate outbound_ca_file counts too',
  ),
  audit_webhook_secret: secret(signingSecret, 'What those requests are signed with'),
  audit_syslog: optional(
    syslogUrl,
    'The syslog collector that gets audit records; for its certificate outbound_ca_file counts too',
  ),
  metrics_host: setting(text, '127.0.0.1', 'The address of the metrics listener'),
  metrics_port: setting(port, 0, 'The port of /metrics; 0 turns it off'),
  log_level: setting(oneOf('info', 'warn', 'error', 'silent'), 'info', 'The least level that is logged'),
  log_tokens: setting(yesOrNo, true, 'Whether each token issued is a line of the log, at level info'),
  client_cache_entries: optional(
    count,
    'How many apps are kept in memory; without it 1000 with the embedded database, 10000 with PostgreSQL',
  ),
} as const

type Settings = typeof settings
export type SettingName = keyof Settings
export type Config = {
  readonly [Name in SettingName]: Settings[Name] extends Setting<infer Value> ? Value : never
}

/** All that is wrong with a configuration, in one message. */
export class ConfigRefused extends Error {
  override readonly name = 'ConfigRefused'
}

export interface ConfigSources {
  /** The parsed YAML file, whose relative paths start in its folder; null without one. */
  readonly file: { readonly name: string; readonly values: unknown } | null
  readonly environment: Readonly<Record<string, string | undefined>>
  /** From the command line, by setting name. */
  readonly flags: Readonly<Record<string, unknown>>
  /** For a command whose flags have other names than the settings. */
  readonly showFlag?: (name: string) => string
  readonly readFile: (path: string) => string
}

const names = Object.keys(settings) as SettingName[]
const settingOf = (name: SettingName): Setting<unknown> => settings[name]

interface WrittenName {
  readonly name: SettingName
  readonly isFile: boolean
}

/** What may be written: each setting, and for a secret the file that holds it. */
const writtenNames: ReadonlyMap<string, WrittenName> = new Map(
  names.flatMap((name): [string, WrittenName][] => {
    const plain: [string, WrittenName] = [name, { name, isFile: false }]
    return settingOf(name).isSecret ? [plain, [`${name}_file`, { name, isFile: true }]] : [plain]
  }),
)

interface Given {
  /** Where it stands, as people would say it. */
  readonly from: string
  /** Of the places in their order: a later one wins. */
  readonly place: number
  readonly raw: unknown
  readonly isFile: boolean
  /** Where relative paths start. */
  readonly folder: string
}

/** One of the three places where settings stand. */
interface Place {
  readonly values: readonly (readonly [name: string, raw: unknown])[]
  readonly show: (name: string) => string
  readonly folder: string
}

const here = '.'
const folderOf = ({ file }: Pick<ConfigSources, 'file'>): string =>
  file === null ? here : dirname(file.name)

const flagOf = (name: string) => `--${name.replaceAll('_', '-')}`

function placesIn(sources: ConfigSources, problems: string[]): Place[] {
  const { file, environment, flags, showFlag = flagOf } = sources
  return [
    {
      values: valuesOf(file, problems),
      show: (name) => `${file?.name}: ${name}`,
      folder: folderOf(sources),
    },
    { values: variablesIn(environment), show: variableOf, folder: here },
    {
      values: Object.entries(flags).filter(([, raw]) => raw !== undefined),
      show: showFlag,
      folder: here,
    },
  ]
}

function valuesOf(file: ConfigSources['file'], problems: string[]): Place['values'] {
  const values = file?.values ?? {}
  if (typeof values === 'object' && !Array.isArray(values)) return Object.entries(values)
  problems.push(`${file?.name}: expected a map of settings`)
  return []
}

/** Later places win; within one place a secret must not be given twice. */
function givenIn(sources: ConfigSources, problems: string[]): Map<SettingName, Given> {
  const given = new Map<SettingName, Given>()
  for (const [place, { values, show, folder }] of placesIn(sources, problems).entries()) {
    const before = new Map<SettingName, string>()
    for (const [written, raw] of values) {
      const known = writtenNames.get(written)
      if (!known) {
        problems.push(`${show(written)}: there is no such setting${suggestion(written, show)}`)
        continue
      }
      const other = before.get(known.name)
      if (other !== undefined) problems.push(`${show(other)} and ${show(written)} exclude each other`)
      before.set(known.name, written)
      given.set(known.name, { from: show(written), place, raw, isFile: known.isFile, folder })
    }
  }
  return given
}

function suggestion(written: string, show: Place['show']): string {
  const meant = misspeltName(written, [...writtenNames.keys()])
  return meant === undefined ? '' : `; did you mean ${show(meant).split(': ').at(-1)}?`
}

type ReadFile = ConfigSources['readFile']

function parseAll(
  given: ReadonlyMap<SettingName, Given>,
  sources: Pick<ConfigSources, 'file' | 'readFile'>,
  problems: string[],
): Config {
  const parsed = names.map((name) => {
    const from = given.get(name)
    const { fallback, within } = settingOf(name)
    // What the file leaves out is beside it as well: whoever names it from elsewhere means the same server.
    if (from === undefined) return [name, within ? within(fallback, folderOf(sources)) : fallback]
    try {
      return [name, parseOne(settingOf(name), from, sources.readFile)]
    } catch (problem) {
      if (!(problem instanceof SettingProblem)) throw problem
      problems.push(`${from.from}: ${problem.message}`)
      return [name, fallback]
    }
  })
  return Object.freeze(Object.fromEntries(parsed)) as Config
}

function parseOne(
  { parse, within, expected, isSecret }: Setting<unknown>,
  from: Given,
  readFile: ReadFile,
): unknown {
  const raw = from.isFile ? readSecret(from, readFile) : from.raw
  const value = parse(raw)
  if (value !== undefined) return within ? within(value, from.folder) : value
  // A secret is not shown, however wrong it is.
  const found = isSecret
    ? 'found a text that is not shown here'
    : `found ${JSON.stringify(withoutUserinfo(raw))}`
  throw new SettingProblem(`${found}, expected ${expected}`)
}

/** RFC 3986 §3.2.1: a password in a URL is not for logs. */
const withoutUserinfo = (raw: unknown): unknown =>
  typeof raw === 'string' ? raw.replace(/:\/\/[^/?#]*@/, '://') : raw

function readSecret({ raw, folder }: Given, readFile: ReadFile): string {
  if (typeof raw !== 'string' || raw === '') throw new SettingProblem('expected the path of a file')
  const file = pathWithin(raw, folder)
  try {
    return readFile(file).trim()
  } catch {
    // The secret itself may stand here by mistake.
    const shown = raw.includes('://') || isMasterKeys(raw) ? 'named here' : file
    throw new SettingProblem(`the file ${shown} cannot be read`)
  }
}

/** What no single setting can see: settings that contradict each other. */
function contradictions(config: Config, given: ReadonlyMap<SettingName, Given>): string[] {
  // Whatever stands there, but could not be read, has been complained about already.
  const has = (name: SettingName) => given.has(name)
  const hasTls = has('tls_certificate_file') || has('tls_key_file')
  const proxies = given.get('proxies')?.raw
  const hasProxies = proxies !== undefined && !(Array.isArray(proxies) && proxies.length === 0)
  return [
    !has('base_url') &&
      'base_url is needed: the URL the server is reached at, such as https://auth.example.com',
    hasTls &&
      hasProxies &&
      'tls_certificate_file and proxies exclude each other: TLS ends here or at a listed proxy',
    !hasTls &&
      !hasProxies &&
      'HTTPS is needed: set tls_certificate_file and tls_key_file, or list your proxies in proxies',
    hasTls &&
      has('tls_certificate_file') !== has('tls_key_file') &&
      'tls_certificate_file and tls_key_file belong together: set both',
    config.mtls_port !== 0 &&
      !hasTls &&
      'mtls_port needs tls_certificate_file: behind a proxy, set client_certificate_header instead',
    has('mtls_base_url') &&
      config.mtls_port === 0 &&
      !has('client_certificate_header') &&
      'mtls_base_url needs mtls_port, or client_certificate_header',
    has('audit_webhook_secret') &&
      !has('audit_webhook_url') &&
      'audit_webhook_secret needs audit_webhook_url',
    has('client_certificate_header') &&
      !hasProxies &&
      'client_certificate_header needs proxies: the header counts from a listed proxy only',
    ...samePorts(config),
    ...storeContradictions(given),
  ].filter((problem) => problem !== false)
}

function samePorts(config: Config): string[] {
  const ports = (['listen_port', 'mtls_port', 'http_port', 'metrics_port'] as const).filter(
    (name) => config[name] !== 0,
  )
  return ports.flatMap((name, index) =>
    ports
      .slice(index + 1)
      .filter((other) => config[other] === config[name])
      .map((other) => `${name} and ${other} are both ${config[name]}: they must differ`),
  )
}

function storeContradictions(given: ReadonlyMap<SettingName, Given>): string[] {
  const [folder, url] = [given.get('data_folder'), given.get('database_url')]
  if (url === undefined) return []
  return [
    // Nodes share a database, so none of them may make a key of its own for it.
    !given.has('master_key') &&
      `database_url needs master_key: set ${variableOf('master_key')} or ${variableOf('master_key_file')}`,
    // Who names a folder last means the database in it, and would be surprised to have changed the other.
    folder !== undefined &&
      folder.place >= url.place &&
      `${folder.from} names an embedded database and ${url.from} names PostgreSQL: give only the one you mean`,
  ].filter((problem) => problem !== false)
}

/** Throws `ConfigRefused` naming everything that is wrong, so that one look is enough to mend it. */
export function readConfig(sources: ConfigSources): Config {
  const problems: string[] = []
  const given = givenIn(sources, problems)
  const config = parseAll(given, sources, problems)
  problems.push(...contradictions(config, given))
  refuseIfAny(problems)
  return config
}

function refuseIfAny(problems: readonly string[]): void {
  if (problems.length === 0) return
  const lines = problems.map((problem) => `  ${problem}`).join('\n')
  throw new ConfigRefused(`The configuration cannot be used:\n${lines}`)
}

/** What can be set from outside for one setting, for the reference. */
export const variablesOf = (name: SettingName): string[] =>
  settingOf(name).isSecret ? [variableOf(name), variableOf(`${name}_file`)] : [variableOf(name)]

/** The names that flags may have; secrets only by file, because a command line can be read by every user. */
export const flagNames: readonly { readonly name: string; readonly about: string }[] = names.map((name) =>
  settingOf(name).isSecret
    ? { name: `${name}_file`, about: `${settingOf(name).about} (read from this file)` }
    : { name, about: settingOf(name).about },
)

export type StoreSettings = Pick<
  Config,
  | 'data_folder'
  | 'database_url'
  | 'master_key'
  | 'base_url'
  | 'outbound_allowed_networks'
  | 'outbound_ca_file'
>

/** Where the store is, what may be written into it, and where the server is: all that commands need that are not the server. */
export function readStoreLocation(sources: ConfigSources): StoreSettings {
  const problems: string[] = []
  const given = givenIn(sources, problems)
  const config = parseAll(given, sources, problems)
  problems.push(...storeContradictions(given))
  refuseIfAny(problems)
  return config
}
