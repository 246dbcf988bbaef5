/**
 * The public keys of a secret scanner, by their identifiers, as GitHub publishes them: kept for an hour, asked for again
 * for an identifier that nobody knows, but not for every made-up one, and believed for a day while they cannot be had.
 */

import { createPublicKey, type KeyObject } from 'node:crypto'
import type { Fetched, FetchJson } from '../outbound/fetch-json.ts'

export interface ScannerKeys {
  /** `'unavailable'` while the keys cannot be had. */
  find(identifier: string): Promise<KeyObject | null | 'unavailable'>
}

export interface ScannerKeyOptions {
  readonly url: string
  readonly fetchJson: FetchJson
  /** Epoch seconds. */
  readonly clock: () => number
  readonly onFailure: (url: string, reason: string) => void
}

type Keys = ReadonlyMap<string, KeyObject>

const freshSeconds = 3_600
// An unknown identifier is a new key, or somebody who would have us fetch without end.
const coolDownSeconds = 60
// GitHub takes a key away that was stolen: whoever keeps us from hearing of it must not keep it good for ever.
const believedSeconds = 86_400
const mostKeys = 50

export function createScannerKeys({ url, fetchJson, clock, onFailure }: ScannerKeyOptions): ScannerKeys {
  let keys: Keys | null = null
  let fetchedAt = 0
  let triedAt = Number.NEGATIVE_INFINITY
  let flight: Promise<void> | null = null

  async function load(): Promise<void> {
    triedAt = clock()
    // After a clock was set back the day begins anew.
    fetchedAt = Math.min(fetchedAt, triedAt)
    const fetched = await fetchJson(url)
    const read = fetched.ok ? readKeys(fetched.value) : null
    if (read === null) return fail(fetched.ok ? 'its answer holds no keys' : fetched.reason)
    keys = read
    fetchedAt = clock()
  }

  const isTooOld = () => clock() >= fetchedAt + believedSeconds

  function fail(reason: string): void {
    const noLonger = keys !== null && isTooOld()
    onFailure(url, noLonger ? `${reason}, and keys of a day ago are no longer believed` : reason)
  }

  return {
    async find(identifier) {
      const now = clock()
      // After a clock was set back nobody knows how old the keys are.
      const isUndated = now < triedAt
      const isStale = isUndated || keys === null || now >= fetchedAt + freshSeconds || !keys.has(identifier)
      if (isStale && (isUndated || flight !== null || now >= triedAt + coolDownSeconds)) {
        flight ??= load().finally(() => {
          flight = null
        })
        await flight
      }
      return keys === null || isTooOld() ? 'unavailable' : (keys.get(identifier) ?? null)
    },
  }
}

/** Null for an answer that is no list of keys; what is no key on P-256 is passed over. */
function readKeys(value: Extract<Fetched, { readonly ok: true }>['value']): Keys | null {
  const { public_keys: list } = value
  if (!Array.isArray(list)) return null
  return new Map(
    list.slice(0, mostKeys).flatMap((entry: unknown) => {
      const { key_identifier: identifier, key } = (entry ?? {}) as Record<string, unknown>
      const read = typeof key === 'string' ? readKey(key) : null
      return typeof identifier === 'string' && read ? [[identifier, read] as const] : []
    }),
  )
}

function readKey(pem: string): KeyObject | null {
  try {
    const key = createPublicKey(pem)
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : null
  } catch {
    return null
  }
}
