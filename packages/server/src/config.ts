/** Every setting in one table: a YAML file, over it SALLYPORT_* variables, over them flags. All problems are reported together. */

import { createAddressList } from '@sallyport/protocol'

/** Reads one setting's text or YAML value, or throws a sentence that says what it should be. */
type Parse<Value> = (raw: unknown) => Value

interface Setting<Value> {
  readonly parse: Parse<Value>
  readonly fallback: Value
  readonly about: string
  /** Also read from the file that `<NAME>_FILE` names, and never shown. */
  readonly isSecret?: true
}

class SettingProblem extends Error {}

const text: Parse<string> = (raw) => {
  if (typeof raw !== 'string' || raw === '') throw new SettingProblem('a text')
  return raw
}

const port: Parse<number> = (raw) => {
  const number = typeof raw === 'string' && /^\d+$/.test(raw) ? Number(raw) : raw
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number > 65_535) {
    throw new SettingProblem('a port, 0 to 65535')
  }
  return number
}

const count: Parse<number> = (raw) => {
  const number = typeof raw === 'string' && /^\d+$/.test(raw) ? Number(raw) : raw
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 1)
    throw new SettingProblem('a whole number from 1')
  return number
}

const yesOrNo: Parse<boolean> = (raw) => {
  if (raw === true || raw === 'true') return true
  if (raw === false || raw === 'false') return false
  throw new SettingProblem('true or false')
}

const httpsUrl: Parse<URL> = (raw) => {
  const url = typeof raw === 'string' && URL.canParse(raw) ? new URL(raw) : null
  if (
    url?.protocol !== 'https:' ||
    url.pathname !== '/' ||
    url.search !== '' ||
    url.hash !== '' ||
    url.username !== ''
  ) {
    throw new SettingProblem('an https URL without a path, such as https://auth.example.com')
  }
  return url
}

const addresses: Parse<readonly string[]> = (raw) => {
  const list = typeof raw === 'string' ? raw.split(',').map((entry) => entry.trim()) : raw
  if (!Array.isArray(list) || !list.every((entry) => typeof entry === 'string'))
    throw new SettingProblem('a list of addresses')
  try {
    createAddressList(list)
  } catch {
    throw new SettingProblem('IP addresses or networks, such as 10.0.0.0/8')
  }
  return list
}

const oneOf =
  <const Choice extends string>(...choices: readonly Choice[]): Parse<Choice> =>
  (raw) => {
    const found = choices.find((choice) => choice === raw)
    if (found === undefined) throw new SettingProblem(`one of ${choices.join(', ')}`)
    return found
  }

const setting = <Value>(parse: Parse<Value>, fallback: Value, about: string): Setting<Value> => ({
  parse,
  fallback,
  about,
})
const optional = <Value>(parse: Parse<Value>, about: string): Setting<Value | null> => ({
  parse,
  fallback: null,
  about,
})
const secret = (about: string): Setting<string | null> => ({
  parse: text,
  fallback: null,
  about,
  isSecret: true,
})

export const settings = {
  base_url: optional(httpsUrl, 'The URL the server is reached at from outside; tenants live below it'),
  listen_host: setting(text, '0.0.0.0', 'The address to listen on'),
  listen_port: setting(port, 8443, 'The main port'),
  http_port: setting(port, 0, 'Where plain HTTP is refused with an error; 0 turns it off'),
  tls_certificate_file: optional(text, 'PEM file with the certificate chain; read again when it changes'),
  tls_key_file: optional(text, 'PEM file with the private key; read again when it changes'),
  proxies: setting(
    addresses,
    [],
    'Addresses of the proxies that end TLS; then the main port speaks plain HTTP to them alone',
  ),
  data_folder: setting(text, './data', 'The folder of the embedded database'),
  database_url: secret('PostgreSQL, instead of the embedded database: postgres://user:password@host/name'),
  master_key: secret('32 random bytes in base64url that seal everything secret in the database'),
  metrics_host: setting(text, '127.0.0.1', 'The address of the metrics listener'),
  metrics_port: setting(port, 0, 'The port of /metrics; 0 turns it off'),
  log_level: setting(oneOf('info', 'warn', 'error', 'silent'), 'info', 'The least level that is logged'),
  log_tokens: setting(yesOrNo, true, 'Whether each token that was issued is a log line'),
  client_cache_entries: setting(count, 10_000, 'How many apps are kept in memory'),
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
  /** The parsed YAML file; null without one. */
  readonly file: { readonly name: string; readonly values: unknown } | null
  readonly environment: Readonly<Record<string, string | undefined>>
  /** From the command line, by setting name. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly readFile: (path: string) => string
}

interface Given {
  readonly from: string
  readonly raw: unknown
}

const names = Object.keys(settings) as SettingName[]
const variableOf = (name: string) => `SALLYPORT_${name.toUpperCase()}`
// Named by the test set-up, not settings of the server.
const foreignVariables = /^SALLYPORT_(?:TEST|BENCH)_/

function givenIn(sources: ConfigSources, problems: string[]): Map<SettingName, Given> {
  const given = new Map<SettingName, Given>()
  const take = (name: string, from: string, raw: unknown) => {
    if (Object.hasOwn(settings, name)) given.set(name as SettingName, { from, raw })
    else problems.push(`${from}: there is no such setting`)
  }
  const values = sources.file?.values ?? {}
  if (typeof values !== 'object' || Array.isArray(values))
    problems.push(`${sources.file?.name}: expected a map of settings`)
  else for (const [name, raw] of Object.entries(values)) take(name, `${sources.file?.name}: ${name}`, raw)
  takeVariables(sources, take, problems)
  for (const [name, raw] of Object.entries(sources.flags)) {
    if (raw !== undefined) take(name, `--${name.replaceAll('_', '-')}`, raw)
  }
  return given
}

function takeVariables(
  { environment, readFile }: ConfigSources,
  take: (name: string, from: string, raw: unknown) => void,
  problems: string[],
): void {
  for (const [variable, raw] of Object.entries(environment)) {
    if (!variable.startsWith('SALLYPORT_') || raw === undefined || foreignVariables.test(variable)) continue
    const name = variable.slice('SALLYPORT_'.length).toLowerCase()
    const fileOf = names.find(
      (candidate) => `${candidate}_file` === name && (settings[candidate] as Setting<unknown>).isSecret,
    )
    if (fileOf === undefined) {
      take(name, variable, raw)
      continue
    }
    try {
      take(fileOf, variable, readFile(raw).trim())
    } catch {
      problems.push(`${variable}: the file ${raw} cannot be read`)
    }
  }
}

function parseAll(given: ReadonlyMap<SettingName, Given>, problems: string[]): Config {
  const parsed = names.map((name) => {
    const { parse, fallback, isSecret } = settings[name] as Setting<unknown>
    const from = given.get(name)
    if (from === undefined) return [name, fallback]
    try {
      return [name, parse(from.raw)]
    } catch (problem) {
      if (!(problem instanceof SettingProblem)) throw problem
      const found = isSecret ? '' : `found ${JSON.stringify(from.raw)}, `
      problems.push(`${from.from}: ${found}expected ${problem.message}`)
      return [name, fallback]
    }
  })
  return Object.freeze(Object.fromEntries(parsed)) as Config
}

/** What no single setting can see: settings that contradict each other. */
function contradictions(config: Config): string[] {
  const hasTls = config.tls_certificate_file !== null || config.tls_key_file !== null
  const hasProxies = config.proxies.length > 0
  return [
    config.base_url === null &&
      'base_url is needed: the URL the server is reached at, such as https://auth.example.com',
    hasTls &&
      hasProxies &&
      'tls_certificate_file and proxies exclude each other: TLS ends here or at a listed proxy',
    !hasTls &&
      !hasProxies &&
      'HTTPS is needed: set tls_certificate_file and tls_key_file, or list your proxies in proxies',
    hasTls &&
      (config.tls_certificate_file === null || config.tls_key_file === null) &&
      'tls_certificate_file and tls_key_file belong together: set both',
    config.http_port !== 0 &&
      config.http_port === config.listen_port &&
      'http_port and listen_port must differ',
  ].filter((problem) => problem !== false)
}

/** Throws `ConfigRefused` naming everything that is wrong, so that one look is enough to mend it. */
export function readConfig(sources: ConfigSources): Config {
  const problems: string[] = []
  const given = givenIn(sources, problems)
  const config = parseAll(given, problems)
  problems.push(...contradictions(config))
  if (problems.length > 0) throw refusal(problems)
  return config
}

const refusal = (problems: readonly string[]) =>
  new ConfigRefused(
    `The configuration cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
  )

/** The names of the settings' environment variables, for the reference. */
export const environmentVariables = names.flatMap((name) => {
  const variable = variableOf(name)
  return (settings[name] as Setting<unknown>).isSecret ? [variable, `${variable}_FILE`] : [variable]
})

const storeSettings = ['data_folder', 'database_url', 'master_key'] as const

/** The part of the configuration that says where the store is, for commands that need nothing else. */
export function readStoreLocation(sources: ConfigSources): Pick<Config, (typeof storeSettings)[number]> {
  const problems: string[] = []
  const config = parseAll(givenIn(sources, problems), problems)
  if (problems.length > 0) throw refusal(problems)
  return config
}
