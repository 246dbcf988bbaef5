/** What an issuer says of its token endpoint (RFC 8414). */

import { ConfigRefused } from '../config.ts'
import type { Fetch } from '../management/client.ts'
import { ServerUnreachable } from './manage/own-fetch.ts'
import { membersOf } from './manage/request-token.ts'
import { terminalText } from './standard-input.ts'

export interface IssuerMetadata {
  readonly tokenUrl: string
  /** How clients may prove themselves there. */
  readonly methods: readonly unknown[]
}

/** Without the slash at its end, which is no part of any issuer here. */
export function issuerOf(text: string, from: string): string {
  const url = URL.parse(text)
  if (!isHttps(text) || url === null || `${url.search}${url.hash}${url.username}${url.password}` !== '')
    throw new ConfigRefused(
      `${from} takes an issuer’s https URL, such as https://auth.example.com/acme: with its tenant, and nothing after it.`,
    )
  return url.href.replace(/\/+$/, '')
}

const isHttps = (text: unknown): text is string =>
  typeof text === 'string' && URL.parse(text)?.protocol === 'https:'

export async function readIssuerMetadata(issuer: string, fetch: Fetch): Promise<IssuerMetadata> {
  const url = metadataUrlOf(issuer)
  const response = await fetch(url, { method: 'GET', headers: {} })
  if (response.status === 503) throw new ServerUnreachable(`${url} cannot answer now (503).`)
  const { issuer: named, token_endpoint: tokenUrl, ...members } = membersOf(await response.text())
  if (!response.ok || !isHttps(tokenUrl))
    throw new ConfigRefused(
      `${url} is no metadata with a token endpoint (${response.status}). Is ${issuer} the whole issuer, with its tenant?`,
    )
  // RFC 8414 §3.3: the secret goes to nobody but whom the issuer itself names.
  if (named !== issuer && named !== `${issuer}/`)
    throw new ConfigRefused(
      terminalText(
        `${url} speaks for another issuer, ${typeof named === 'string' ? named : 'without a name'}: ask that one.`,
      ),
    )
  return { tokenUrl, methods: methodsOf(members.token_endpoint_auth_methods_supported) }
}

/** RFC 8414 §3.1: between host and path. */
function metadataUrlOf(issuer: string): string {
  const { origin, pathname } = new URL(issuer)
  return `${origin}/.well-known/oauth-authorization-server${pathname === '/' ? '' : pathname}`
}

/** RFC 8414 §2: left out, it is the header. */
const methodsOf = (listed: unknown): readonly unknown[] =>
  Array.isArray(listed) ? listed : ['client_secret_basic']
