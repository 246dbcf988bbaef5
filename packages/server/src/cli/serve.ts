/** `sallyport serve`: the server as operators run it. */

import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { type Config, readConfig, settings } from '../config.ts'
import { systemEffects } from '../effects.ts'
import { parseAddressList } from '../http/address-list.ts'
import { createLog, type Log } from '../http/log.ts'
import { expiryWarning, followTls, loadTls, type TlsFiles } from '../http/tls.ts'
import { createServer, type Server } from '../main.ts'
import { openStore } from '../open-store.ts'
import { readConfigFile } from './config-file.ts'
import { closeOnSignal } from './signals.ts'

export function registerServe(program: Command): void {
  const command = program
    .command('serve')
    .description('run the server with a configuration of your own')
    .option('--config <file>', 'the configuration file (YAML)')
  for (const [name, { about }] of Object.entries(settings)) {
    // Secrets do not belong on a command line, where every user of the machine can read them.
    if (!isSecret(name)) command.addOption(new Option(`--${name.replaceAll('_', '-')} <value>`, about))
  }
  command.action(async ({ config: file, ...flags }: { config?: string } & Record<string, string>) => {
    const config = readConfig({
      file: file === undefined ? null : readConfigFile(file),
      environment: process.env,
      flags: Object.fromEntries(Object.entries(flags).map(([name, value]) => [toSettingName(name), value])),
      readFile: (path) => readFileSync(path, 'utf8'),
    })
    await serve(config)
  })
}

const isSecret = (name: string) => (settings as Record<string, { isSecret?: true }>)[name]?.isSecret === true

/** Commander hands options over in camel case. */
const toSettingName = (option: string) => option.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

async function serve(config: Config): Promise<void> {
  const log = createLog({ level: config.log_level, tokenLines: config.log_tokens })
  const files = tlsFiles(config)
  const tls = files && (await loadTls(files))
  const store = await openStore(config, systemEffects)
  const server = createServer({
    store,
    effects: systemEffects,
    log,
    baseUrl: config.base_url as URL,
    clientCacheEntries: config.client_cache_entries,
    proxies: parseAddressList(config.proxies),
    tls,
  })
  try {
    await listen(server, config, log)
  } catch (error) {
    await server.close()
    throw error
  }
  if (files && tls) await follow(server, files, log, expiryWarning(tls, files, systemEffects.clock()))
  closeOnSignal(server, log)
}

const tlsFiles = ({ tls_certificate_file: certFile, tls_key_file: keyFile }: Config): TlsFiles | null =>
  certFile === null || keyFile === null ? null : { certFile, keyFile }

async function listen(server: Server, config: Config, log: Log): Promise<void> {
  const hosts = [config.listen_host]
  const port = await server.listen({ hosts, port: config.listen_port })
  if (config.http_port !== 0) await server.listenPlainHttp({ hosts, port: config.http_port })
  if (config.metrics_port !== 0)
    await server.listenMetrics({ hosts: [config.metrics_host], port: config.metrics_port })
  log.info('ready', { url: (config.base_url as URL).origin, port })
  log.flush()
}

async function follow(server: Server, files: TlsFiles, log: Log, warning: string | undefined): Promise<void> {
  if (warning !== undefined) log.warn(warning)
  await followTls({
    files,
    onChange(pair) {
      server.replaceTls(pair)
      log.info('certificate renewed', { file: files.certFile })
    },
    onBroken: (sentence) => log.warn(sentence, { file: files.certFile }),
  })
}
