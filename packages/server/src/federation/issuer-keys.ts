/** The keys that an outside issuer signs with: where its rule says, or where its own metadata says (OIDC Discovery §4). */

import type { RemoteKeySets } from '../keys/remote-key-sets.ts'
import type { VerificationKey } from '../keys/verify-signature.ts'
import type { FetchJson } from '../outbound/fetch-json.ts'
import { RecentMap } from '../store/read-through.ts'
import type { FederationRule } from './rule.ts'

export interface IssuerKeys {
  /** Empty when there is none, or nobody can tell. */
  keysFor(rule: FederationRule, kid: string | null): Promise<readonly VerificationKey[]>
}

export interface IssuerKeyOptions {
  readonly fetchJson: FetchJson
  readonly keySets: RemoteKeySets
  /** Epoch seconds. */
  readonly clock: () => number
  /** Hears why an issuer's metadata could not be had. */
  readonly onFailure: (url: string, reason: string) => void
}

interface Discovered {
  /** Null after a failure. */
  readonly jwksUri: string | null
  readonly until: number
}

const issuersKept = 1_000
const keptSeconds = 3_600
const failureSeconds = 10

export function createIssuerKeys({ fetchJson, keySets, clock, onFailure }: IssuerKeyOptions): IssuerKeys {
  const issuers = new RecentMap<Discovered>(issuersKept)
  const flights = new Map<string, Promise<Discovered>>()

  async function discover(issuer: string): Promise<Discovered> {
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    const fetched = await fetchJson(url)
    const read = fetched.ok ? jwksUriOf(fetched.value, issuer) : { problem: fetched.reason }
    if ('problem' in read) onFailure(url, read.problem)
    const found =
      'problem' in read
        ? { jwksUri: null, until: clock() + failureSeconds }
        : { jwksUri: read.jwksUri, until: clock() + keptSeconds }
    issuers.set(issuer, found)
    return found
  }

  /** One fetch for all who wait. */
  function discoverOnce(issuer: string): Promise<Discovered> {
    const flying = flights.get(issuer)
    if (flying) return flying
    const flight = discover(issuer).finally(() => flights.delete(issuer))
    flights.set(issuer, flight)
    return flight
  }

  return {
    async keysFor({ issuer, jwks_uri: jwksUri }, kid) {
      if (jwksUri !== undefined) return keySets.keysFor(jwksUri, kid)
      const known = issuers.get(issuer)
      const found = known && clock() < known.until ? known : await discoverOnce(issuer)
      return found.jwksUri === null ? [] : keySets.keysFor(found.jwksUri, kid)
    },
  }
}

/** OIDC Discovery §4.3: metadata that names another issuer is somebody else's. */
function jwksUriOf(
  metadata: Readonly<Record<string, unknown>>,
  issuer: string,
): { readonly jwksUri: string } | { readonly problem: string } {
  if (metadata.issuer !== issuer) return { problem: 'its metadata names another issuer' }
  const { jwks_uri: jwksUri } = metadata
  // Bounded here because it becomes a name in caches and a field of the log.
  const isUrl =
    typeof jwksUri === 'string' && jwksUri.length <= 2_048 && URL.parse(jwksUri)?.protocol === 'https:'
  return isUrl ? { jwksUri } : { problem: 'its metadata has no https jwks_uri' }
}
