/** What an outside issuer publishes, without a network: each fetch is noted, and what is not there answers 404. */
import type { FetchJson } from '../../src/outbound/fetch-json.ts'
import type { Key } from './signed.ts'

export function publish(issuer: string, key: Key, kid: string) {
  const fetched: string[] = []
  const documents: Record<string, Readonly<Record<string, unknown>>> = {
    [`${issuer}/.well-known/openid-configuration`]: { issuer, jwks_uri: `${issuer}/keys` },
    [`${issuer}/keys`]: { keys: [{ ...key.publicJwk, kid }] },
  }
  const fetchJson: FetchJson = async (url) => {
    fetched.push(url)
    const value = documents[url]
    return value ? { ok: true, value, maxAgeSeconds: null } : { ok: false, reason: 'it answers 404' }
  }
  return { fetched, documents, fetchJson }
}
