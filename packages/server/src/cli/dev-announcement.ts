/** What a development instance says of itself when it is ready: where things are, and commands to copy. */

import { relative, resolve } from 'node:path'
import type { DemoFile, DemoTenant } from '../dev/demo-file.ts'
import type { DemoTenants } from '../dev/demo-tenants.ts'
import { type ExampleApi, urlOf } from '../dev/example-apis.ts'
import { type LocalCertificate, trustCommand } from '../dev/local-ca.ts'
import { quoted } from './same-store.ts'
import { table } from './table.ts'

export interface Announced {
  readonly content: DemoFile
  readonly demo: DemoTenants
  readonly demoFile: string
  readonly certificate: LocalCertificate
  /** Those that answer. */
  readonly apis: readonly ExampleApi[]
}

export const announcement = (announced: Announced): string =>
  [
    ...replacedSecrets(announced),
    ...places(announced),
    ...trust(announced),
    ...firstToken(announced),
    ...firstCall(announced),
    `Ctrl-C stops the server.\n\nSallyport is ready: ${announced.content.url}`,
  ].join('\n')

const replacedSecrets = ({ demo }: Announced): string[] =>
  demo.replaced.map(
    (tenant) => `The secret of tenant ${tenant} was no longer in demo.json: a new one was added beside it.`,
  )

function places({ content: { url, tenants }, demoFile, apis }: Announced): string[] {
  const rows = Object.entries(tenants).map(([tenant, entry]) => [tenant, entry.token_url, entry.client_id])
  const ofApis = apis.map((api) => [api.name, urlOf(api), api.tenantId])
  return [
    `\n${table([['TENANT', 'TOKEN URL', 'CLIENT ID'], ...rows])}\n`,
    ...(apis.length > 0 ? [`${table([['EXAMPLE API', 'URL', 'TOKENS OF TENANT'], ...ofApis])}\n`] : []),
    `Only curl and browsers find names under .localhost; other programs use ${url}/TENANT/oauth2/token.`,
    `All client secrets are in ${shown(demoFile)}.`,
  ]
}

function trust({ certificate }: Announced): string[] {
  const ca = shown(certificate.caFile)
  const { trust: command } = trustCommand(ca, process.platform)
  return [
    `Browsers and other programs trust this server's certificate after:\n  ${command}`,
    `Node.js does not ask the system; start its programs with:\n  NODE_EXTRA_CA_CERTS=${quoted(ca)}`,
  ]
}

function firstToken({ content: { tenants }, certificate, demoFile }: Announced): string[] {
  const sample = tenants.tokenos ?? Object.values(tenants)[0]
  if (sample === undefined) return []
  return [
    'Get a token:',
    `  ${curlForToken(certificate, sample)}`,
    'See what is in it (put the access_token of the answer in place of TOKEN):',
    `  npm run sallyport -- inspect ${inspectOptions(demoFile)}TOKEN`,
  ]
}

function firstCall({ content: { tenants }, certificate, apis }: Announced): string[] {
  const notarizations = apis.find(({ name }) => name === 'notarizations')
  const customer = tenants[notarizations?.tenantId ?? '']
  if (notarizations === undefined || customer === undefined) return []
  const token = `$(${curlForToken(certificate, customer, '--silent ')} | sed 's/.*access_token":"//; s/".*//')`
  const { caFile } = certificate
  return [
    'Call an API with one of its own:',
    `  curl --cacert ${quoted(shown(caFile))} -H "Authorization: Bearer ${token}" ${urlOf(notarizations)}/notarizations/stamps`,
  ]
}

function curlForToken({ caFile }: LocalCertificate, tenant: DemoTenant, option = ''): string {
  const { client_id: id, client_secret: secret, path_token_url: url } = tenant
  return `curl ${option}--cacert ${quoted(shown(caFile))} -u ${id}:${secret} -d grant_type=client_credentials ${url}`
}

/** As short as it can be written from here. */
export const shown = (path: string) => {
  const short = relative(process.cwd(), path)
  return short.startsWith('..') ? path : `./${short}`
}

/** Nothing where the data is in its usual place. */
function inspectOptions(demoFile: string): string {
  const folder = resolve(demoFile, '..')
  return folder === resolve('data') ? '' : `--data ${quoted(folder)} `
}
