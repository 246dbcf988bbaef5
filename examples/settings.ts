/** What both APIs are told when they start. All of it comes from the environment; what is missing is named at once. */

import { readFileSync } from 'node:fs'

export interface Settings {
  /** The URL of the tenant at its authorization server. */
  readonly issuer: string
  /** Who this API is there. */
  readonly credentials: { readonly id: string; readonly secret: string }
  readonly port: number
  readonly tls: { readonly cert: Buffer; readonly key: Buffer }
}

const names = [
  'ISSUER',
  'CLIENT_ID',
  'CLIENT_SECRET',
  'PORT',
  'TLS_CERTIFICATE_FILE',
  'TLS_KEY_FILE',
] as const

export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const missing = names.filter((name) => !environment[name])
  if (missing.length > 0) throw new Error(`These settings are missing: ${missing.join(', ')}.`)
  const setting = (name: (typeof names)[number]): string => environment[name] ?? ''
  return {
    issuer: setting('ISSUER'),
    credentials: { id: setting('CLIENT_ID'), secret: setting('CLIENT_SECRET') },
    port: Number(setting('PORT')),
    tls: {
      cert: readFileSync(setting('TLS_CERTIFICATE_FILE')),
      key: readFileSync(setting('TLS_KEY_FILE')),
    },
  }
}
