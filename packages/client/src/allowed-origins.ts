/** Where a token may go: it is worth as much to whoever receives it as to us. */

import { refuse } from './errors.ts'
import type { ClientOptions } from './options.ts'

const loopback = new Set(['localhost', '127.0.0.1', '[::1]'])

export function allowedOrigins({ origins, resource, audience }: ClientOptions): ReadonlySet<string> {
  if (origins) return new Set(origins.map(checkOrigin))
  const urls = [resource, audience].flatMap((name) => (name && URL.canParse(name) ? [new URL(name)] : []))
  return new Set(urls.filter(isPrivate).map(({ origin }) => origin))
}

/** Nobody on the way can read what is sent there. */
const isPrivate = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || (protocol === 'http:' && loopback.has(hostname))

function checkOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url && isPrivate(url)) return url.origin
  return refuse('ERR_INVALID_ARG_VALUE', `createClient: ${text} in origins is not an https URL`)
}

export function checkDestination(url: URL, allowed: ReadonlySet<string>): void {
  if (allowed.has(url.origin)) return
  const known = [...allowed].join(', ') || 'none; give origins, or the URL of the API as resource'
  refuse('ERR_ORIGIN_NOT_ALLOWED', `the token is not sent to ${url.origin} (allowed: ${known})`)
}
