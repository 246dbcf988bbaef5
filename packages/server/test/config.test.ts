/** The settings: three places over each other, secrets from files, and every problem in one message. */

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  ConfigRefused,
  type ConfigSources,
  readConfig,
  readStoreLocation,
  type SettingName,
  settings,
  variablesOf,
} from '../src/config.ts'

const key = 'k'.repeat(43)
const least = { base_url: 'https://auth.example.com', proxies: '10.0.0.0/8' }

interface Places {
  readonly file?: unknown
  readonly environment?: Readonly<Record<string, string>>
  readonly flags?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, string>>
}

const sources = ({ file = least, environment = {}, flags = {}, files = {} }: Places): ConfigSources => ({
  file: { name: 'sallyport.yaml', values: file },
  environment,
  flags,
  readFile(path) {
    const text = files[path]
    if (text === undefined) throw new Error('ENOENT')
    return text
  },
})

const read = (places: Places) => readConfig(sources(places))

/** The lines of the one message, without its heading. */
function problems(places: Places, reader: (from: ConfigSources) => unknown = readConfig): string[] {
  try {
    reader(sources(places))
  } catch (error) {
    assert.ok(error instanceof ConfigRefused, String(error))
    const [heading, ...lines] = error.message.split('\n')
    assert.equal(heading, 'The configuration cannot be used:')
    return lines.map((line) => line.trim())
  }
  return []
}

test('operations: a relative path starts in the folder of the file that it stands in, and elsewhere where the command is run', () => {
  const files = { 'prod/key': key }
  const at = (name: string, values: object, environment = {}, flags = {}) => {
    const config = readConfig({
      ...sources({ environment, flags, files }),
      file: { name, values: { ...least, ...values } },
    })
    return [config.data_folder, config.outbound_ca_file, config.client_certificate_revocation_lists]
  }
  const values = { outbound_ca_file: 'ca.pem', client_certificate_revocation_lists: ['a.crl', '/b.crl'] }
  assert.deepEqual(at('sallyport.yaml', values), ['./data', 'ca.pem', ['a.crl', '/b.crl']])
  assert.deepEqual(at('../prod/sallyport.yaml', values), [
    '../prod/data',
    '../prod/ca.pem',
    ['../prod/a.crl', '/b.crl'],
  ])
  const withFolder = { ...values, data_folder: '/var/lib/sallyport' }
  assert.deepEqual(at('/etc/sallyport.yaml', withFolder), [
    '/var/lib/sallyport',
    '/etc/ca.pem',
    ['/etc/a.crl', '/b.crl'],
  ])
  const environment = { SALLYPORT_OUTBOUND_CA_FILE: 'here.pem' }
  const [folder, ca] = at('/etc/sallyport.yaml', values, environment, { data_folder: './drill' })
  assert.deepEqual([folder, ca], ['./drill', 'here.pem'])
  const sealed = { ...least, master_key_file: 'key' }
  const read = readStoreLocation({
    ...sources({ files }),
    file: { name: 'prod/sallyport.yaml', values: sealed },
  })
  assert.equal(read.master_key, key)
})

test('issue 2 item 9: a secret that stands where its file should is not shown, nor is a password in a URL', () => {
  const key = Buffer.alloc(32, 7).toString('base64url')
  const environment = {
    SALLYPORT_MASTER_KEY_FILE: key,
    SALLYPORT_DATABASE_URL_FILE: 'postgres://user:hunter2@host/name',
    SALLYPORT_BASE_URL: 'https://user:hunter2@auth.example',
  }
  const readFile = () => {
    throw new Error('ENOENT')
  }
  assert.throws(
    () => readConfig({ file: null, environment, flags: {}, readFile }),
    (error) => {
      assert.ok(error instanceof ConfigRefused)
      assert.ok(!error.message.includes(key) && !error.message.includes('hunter2'), error.message)
      return error.message.includes('found "https://auth.example"')
    },
  )
})

test('contract: variables stand over the file, and flags over variables', () => {
  const file = { ...least, listen_port: 1001, http_port: 1002, log_level: 'warn' }
  const environment = { SALLYPORT_LISTEN_PORT: '2001', SALLYPORT_HTTP_PORT: '2002' }
  const config = read({ file, environment, flags: { listen_port: '3001' } })
  assert.deepEqual(
    [config.listen_port, config.http_port, config.log_level, config.metrics_port],
    [3001, 2002, 'warn', 0],
  )
})

test('contract: texts and YAML values mean the same', () => {
  const yaml = { ...least, log_tokens: false, client_cache_entries: 5, proxies: ['10.0.0.0/8', '::1'] }
  const texts = {
    SALLYPORT_LOG_TOKENS: 'false',
    SALLYPORT_CLIENT_CACHE_ENTRIES: '5',
    SALLYPORT_PROXIES: '10.0.0.0/8, ::1',
  }
  assert.deepEqual(read({ file: yaml }), read({ file: least, environment: texts }))
})

test('contract: every secret is also read from the file that its _file setting names, in all three places', () => {
  const files = { '/key': `${key}\n`, '/url': 'postgres://sallyport:canary@db/sallyport\n' }
  const secrets = (Object.keys(settings) as SettingName[]).filter((name) => 'isSecret' in settings[name])
  assert.deepEqual(secrets, ['database_url', 'master_key', 'audit_webhook_url', 'audit_webhook_secret'])
  const paths = { database_url_file: '/url', master_key_file: '/key' }
  const variables = { SALLYPORT_DATABASE_URL_FILE: '/url', SALLYPORT_MASTER_KEY_FILE: '/key' }
  for (const places of [{ file: { ...least, ...paths } }, { environment: variables }, { flags: paths }]) {
    const config = read({ ...places, files })
    assert.deepEqual(
      [config.master_key, config.database_url],
      [key, 'postgres://sallyport:canary@db/sallyport'],
    )
  }
})

test('contract: a secret from a file stands over one from a lower place, but both in one place exclude each other', () => {
  const other = 'o'.repeat(43)
  const environment = { SALLYPORT_MASTER_KEY_FILE: '/key' }
  const config = read({ file: { ...least, master_key: key }, environment, files: { '/key': other } })
  assert.equal(config.master_key, other)
  assert.deepEqual(
    problems({ environment: { ...environment, SALLYPORT_MASTER_KEY: key }, files: { '/key': other } }),
    ['SALLYPORT_MASTER_KEY_FILE and SALLYPORT_MASTER_KEY exclude each other'],
  )
})

test('contract: all problems come in one message, each with its place, what was found and what was expected', () => {
  assert.deepEqual(
    problems({
      file: { base_url: 'http://auth.example.com', listen_prot: 1, log_level: 'debug', http_port: 70_000 },
      environment: {
        SALLYPORT_PROXIES: '10.0.0.0/33',
        SALLYPORT_MASTER_KEY_FILE: '/nowhere',
        SALLYPORT_TEST_POSTGRES: 'x',
      },
      flags: { log_tokens: 'yes' },
    }),
    [
      'sallyport.yaml: listen_prot: there is no such setting; did you mean listen_port?',
      'sallyport.yaml: base_url: found "http://auth.example.com", expected an https URL without a path, such as https://auth.example.com',
      'sallyport.yaml: http_port: found 70000, expected a port, 0 to 65535',
      'SALLYPORT_PROXIES: found "10.0.0.0/33", expected IP addresses or networks, such as 10.0.0.0/8',
      'SALLYPORT_MASTER_KEY_FILE: the file /nowhere cannot be read',
      'sallyport.yaml: log_level: found "debug", expected one of info, warn, error, silent',
      '--log-tokens: found "yes", expected true or false',
    ],
  )
})

test('contract: what the commands, the tests and the bench read from the environment is no wrong setting', () => {
  const source = new URL('../src/cli/', import.meta.url)
  const ofCommands = globSync('**/*.ts', { cwd: source }).flatMap(
    (path) => readFileSync(new URL(path, source), 'utf8').match(/\bSALLYPORT_[A-Z_]+/g) ?? [],
  )
  assert.ok(ofCommands.includes('SALLYPORT_PROFILE'))
  const settingVariables = (Object.keys(settings) as SettingName[]).flatMap(variablesOf)
  const foreign = ofCommands.filter((name) => !settingVariables.includes(name))
  for (const name of [...foreign, 'SALLYPORT_TEST_POSTGRES', 'SALLYPORT_BENCH_TLS', 'SALLYPORT_VECTORS'])
    assert.deepEqual(problems({ environment: { [name]: 'x' } }), [], name)
})

test('contract: an unknown setting names the nearest one as it is written in that place, or none', () => {
  const unknown = (places: Places) => problems(places)[0]
  assert.match(
    unknown({ environment: { SALLYPORT_HTPP_PORT: '1' } }) ?? '',
    /^SALLYPORT_HTPP_PORT: .*mean SALLYPORT_HTTP_PORT\?$/,
  )
  assert.match(unknown({ flags: { base_ulr: 'x' } }) ?? '', /^--base-ulr: .*did you mean --base-url\?$/)
  assert.match(
    unknown({ environment: { SALLYPORT_MASTERKEY_FILE: '/k' } }) ?? '',
    /mean SALLYPORT_MASTER_KEY_FILE\?$/,
  )
  for (const [short, meant] of [
    ['TLS_CERT_FILE', 'TLS_CERTIFICATE_FILE'],
    ['TLS_KEYS_FILE', 'TLS_KEY_FILE'],
  ])
    assert.match(
      unknown({ environment: { [`SALLYPORT_${short}`]: '/x.pem' } }) ?? '',
      new RegExp(`mean SALLYPORT_${meant}\\?$`),
    )
  assert.equal(
    unknown({ file: { ...least, frobnicate: 1 } }),
    'sallyport.yaml: frobnicate: there is no such setting',
  )
  // No file on the command line either: a proxied name of an object is no setting.
  assert.match(unknown({ file: { ...least, constructor: 1 } }) ?? '', /there is no such setting/)
})

test('operations: what Kubernetes tells a pod of Services named like us is no setting of ours', () => {
  const service = (name: string, port: number, protocol: string, portName: string) => {
    const url = `${protocol}://10.43.0.7:${port}`
    const link = `${name}_PORT_${port}_${protocol.toUpperCase()}`
    return {
      [`${name}_SERVICE_HOST`]: '10.43.0.7',
      [`${name}_SERVICE_PORT`]: String(port),
      [`${name}_SERVICE_PORT_${portName}`]: String(port),
      [`${name}_PORT`]: url,
      [link]: url,
      [`${link}_PROTO`]: protocol,
      [`${link}_PORT`]: String(port),
      [`${link}_ADDR`]: '10.43.0.7',
    }
  }
  const environment = {
    ...service('SALLYPORT', 8443, 'tcp', 'HTTPS'),
    ...service('SALLYPORT_METRICS', 9090, 'tcp', 'PROMETHEUS_1'),
    ...service('SALLYPORT_LOG', 514, 'udp', 'SYSLOG'),
  }
  assert.deepEqual(read({ environment }), read({}))
  assert.deepEqual(problems({ environment }, readStoreLocation), [])
  // What somebody has written there is still refused.
  assert.deepEqual(
    problems({ environment: { SALLYPORT_PORT: '8443', SALLYPORT_METRICS_PORT: 'http://x' } }),
    [
      'SALLYPORT_PORT: there is no such setting',
      'SALLYPORT_METRICS_PORT: found "http://x", expected a port, 0 to 65535',
    ],
  )
  assert.match(
    problems({ environment: { SALLYPORT_LISTEN_PORTS: 'tcp://x' } })[0] ?? '',
    /mean SALLYPORT_LISTEN_PORT\?$/,
  )
})

test('contract: contradictions are refused', () => {
  const alone = (file: Record<string, unknown>) => problems({ file })
  assert.deepEqual(alone({}), [
    'base_url is needed: the URL the server is reached at, such as https://auth.example.com',
    'HTTPS is needed: set tls_certificate_file and tls_key_file, or list your proxies in proxies',
  ])
  const tls = { tls_certificate_file: 'a.pem', tls_key_file: 'a.key' }
  assert.deepEqual(alone({ base_url: least.base_url, ...tls }), [])
  assert.match(alone({ ...least, ...tls })[0] ?? '', /exclude each other/)
  assert.deepEqual(alone({ base_url: least.base_url, ...tls, proxies: [] }), [])
  assert.match(
    alone({ base_url: least.base_url, tls_key_file: 'a.key' })[0] ?? '',
    /belong together: set both$/,
  )
  assert.deepEqual(alone({ ...least, http_port: 8443, metrics_port: 8443 }), [
    'listen_port and http_port are both 8443: they must differ',
    'listen_port and metrics_port are both 8443: they must differ',
    'http_port and metrics_port are both 8443: they must differ',
  ])
})

test('product, decision 10: an empty list of proxies is no HTTPS, and one that cannot be read is complained about once', () => {
  const behind = (proxies: unknown, more = {}) =>
    problems({ file: { base_url: least.base_url, proxies, ...more } })
  assert.deepEqual(behind([]), [
    'HTTPS is needed: set tls_certificate_file and tls_key_file, or list your proxies in proxies',
  ])
  for (const unreadable of [[''], '', '10.0.0.0/33', null])
    assert.deepEqual(behind(unreadable, { client_certificate_header: 'nginx' }), [
      `sallyport.yaml: proxies: found ${JSON.stringify(unreadable)}, expected IP addresses or networks, such as 10.0.0.0/8`,
    ])
})

test('issue Audit: a webhook is https or on this machine, and a collector is named by its transport', () => {
  const webhook = (audit_webhook_url: unknown) => problems({ file: { ...least, audit_webhook_url } })
  for (const url of [
    'https://siem.example/hook?key=x',
    'http://localhost:9/',
    'http://127.0.0.1',
    'http://[::1]/',
  ])
    assert.deepEqual(webhook(url), [])
  for (const url of ['http://siem.example/canary', 'ftp://siem.example/canary', 'siem.example', 5, ''])
    assert.match(
      webhook(url)[0] ?? '',
      /found a text that is not shown here, expected an https URL, or an http URL/,
    )
  const syslog = (audit_syslog: unknown) => problems({ file: { ...least, audit_syslog } })
  for (const url of ['udp://logs', 'tcp://10.0.0.1:601', 'tls://[::1]:6514', 'tls://logs.example/'])
    assert.deepEqual(syslog(url), [])
  for (const url of ['logs:514', 'http://logs', 'udp://', 'udp:logs', 'tcp://logs/path', 'tls://logs?x=1', 7])
    assert.match(syslog(url)[0] ?? '', /expected a URL such as tls:/, String(url))
  const audit_webhook_secret = 'sixteen letters!'
  assert.deepEqual(problems({ file: { ...least, audit_webhook_secret } }), [
    'audit_webhook_secret needs audit_webhook_url',
  ])
  const short = { audit_webhook_url: 'https://siem.example', audit_webhook_secret: 'short' }
  assert.match(
    problems({ file: { ...least, ...short } })[0] ?? '',
    /expected a text of 16 characters or more$/,
  )
})

test('settled, secrets: a shared database without a master key of its own is refused, for every command', () => {
  const file = { ...least, database_url: 'postgres://db/sallyport' }
  const sentence = 'database_url needs master_key: set SALLYPORT_MASTER_KEY or SALLYPORT_MASTER_KEY_FILE'
  assert.deepEqual(problems({ file }), [sentence])
  assert.deepEqual(problems({ file }, readStoreLocation), [sentence])
  // What the server needs beyond its store is nothing to a command that only opens the store.
  assert.deepEqual(problems({ file: {} }, readStoreLocation), [])
})

test('contract: who names a folder beside PostgreSQL or over it is told to choose, for every command', () => {
  const master_key = key
  const SALLYPORT_DATABASE_URL = 'postgres://user:canary@db/sallyport'
  const both = (folder: string, url: string) => [
    `${folder} names an embedded database and ${url} names PostgreSQL: give only the one you mean`,
  ]
  for (const reader of [readConfig, readStoreLocation]) {
    const refused = (places: Places) => problems({ file: { ...least, master_key }, ...places }, reader)
    const flags = { data_folder: './drill' }
    assert.deepEqual(
      refused({ flags, environment: { SALLYPORT_DATABASE_URL } }),
      both('--data-folder', 'SALLYPORT_DATABASE_URL'),
    )
    const database_url_file = '/url'
    const files = { [database_url_file]: SALLYPORT_DATABASE_URL }
    assert.deepEqual(
      refused({ flags, file: { ...least, master_key, database_url_file }, files }),
      both('--data-folder', 'sallyport.yaml: database_url_file'),
    )
    const beside = { SALLYPORT_DATA_FOLDER: './drill', SALLYPORT_DATABASE_URL }
    assert.deepEqual(
      refused({ environment: beside }),
      both('SALLYPORT_DATA_FOLDER', 'SALLYPORT_DATABASE_URL'),
    )
    const below = { file: { ...least, master_key, data_folder: './data' } }
    assert.deepEqual(refused({ ...below, environment: { SALLYPORT_DATABASE_URL } }), [])
  }
})

test('trust F27: what stands where a secret belongs is never shown', () => {
  const environment = { SALLYPORT_MASTER_KEY: 'canary-key', SALLYPORT_DATABASE_URL: 'mysql://canary@db/x' }
  assert.deepEqual(problems({ environment }), [
    'SALLYPORT_DATABASE_URL: found a text that is not shown here, expected a URL such as postgres://user:password@host/name',
    'SALLYPORT_MASTER_KEY: found a text that is not shown here, expected 32 random bytes in base64url, 43 characters',
  ])
  for (const short of ['k'.repeat(42), `${key},short`, '', 'k'.repeat(44)])
    assert.equal(problems({ environment: { SALLYPORT_MASTER_KEY: short } }).length, 1, short)
  assert.equal(read({ environment: { SALLYPORT_MASTER_KEY: `${key},${key}` } }).master_key, `${key},${key}`)
})

test('contract: a file that is no map, a value that is no text, and a URL with more than a host are refused', () => {
  assert.deepEqual(problems({ file: ['base_url'] })[0], 'sallyport.yaml: expected a map of settings')
  for (const base_url of [
    null,
    5,
    'auth.example.com',
    'https://a.example/x',
    'https://u:p@a.example',
    'https://a.example?q',
    '',
  ])
    assert.match(problems({ file: { ...least, base_url } })[0] ?? '', /^sallyport\.yaml: base_url: found /)
  for (const listen_port of [1.5, -1, '1e3', ' 1', true, '99999999999999999999'])
    assert.match(problems({ file: { ...least, listen_port } })[0] ?? '', /expected a port, 0 to 65535$/)
})

test('style 3.3: the configuration is frozen, and every setting says what it is for', () => {
  assert.ok(Object.isFrozen(read({})))
  for (const [name, { about, expected }] of Object.entries(settings)) assert.ok(about && expected, name)
  assert.deepEqual(variablesOf('master_key'), ['SALLYPORT_MASTER_KEY', 'SALLYPORT_MASTER_KEY_FILE'])
})
