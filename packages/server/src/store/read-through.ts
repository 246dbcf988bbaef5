/** A bounded in-memory cache in front of store reads: single flight, and never stale after an invalidation. */

import { RecentMap } from '@sallyport/protocol'

export interface ReadThrough<Value> {
  /** From memory, or loaded once for all who wait. Nothing is kept for a key that does not exist. */
  get(key: string): Value | null | Promise<Value | null>
  /** From memory only. */
  peek(key: string): Value | undefined
  /** Changes what is in memory, and what is being loaded once it is there: the load may have read before. */
  amend(key: string, change: (value: Value) => void): void
  /** Loads again what is in memory, which is answered until the new one is there. */
  renew(key: string): Promise<void>
  drop(key: string): void
  clear(): void
}

interface Flight<Value> {
  readonly value: Promise<Value | null>
  readonly amendments: ((value: Value) => void)[]
}

/** `load` may answer at once (SQLite) or later (PostgreSQL); `limit` bounds the entries that are kept. */
export function createReadThrough<Value>(
  limit: number,
  load: (key: string) => Value | null | Promise<Value | null>,
): ReadThrough<Value> {
  const kept = new RecentMap<Value>(limit)
  const loading = new Map<string, Flight<Value>>()

  const keep = (key: string, value: Value | null, amendments: Flight<Value>['amendments'] = []) => {
    if (value === null) return null
    for (const change of amendments) change(value)
    kept.set(key, value)
    return value
  }

  const loadNow = (key: string): Value | null | Promise<Value | null> => {
    const loaded = load(key)
    if (!(loaded instanceof Promise)) return keep(key, loaded)
    const amendments: Flight<Value>['amendments'] = []
    // An invalidation during the load takes this flight off the list: its answer is used once and not kept.
    const isListed = () => loading.get(key)?.amendments === amendments
    const value = loaded
      .then((value) => (isListed() ? keep(key, value, amendments) : value))
      .finally(() => {
        if (isListed()) loading.delete(key)
      })
    loading.set(key, { value, amendments })
    return value
  }

  return {
    peek: (key) => kept.get(key),
    get: (key) => kept.get(key) ?? loading.get(key)?.value ?? loadNow(key),
    amend(key, change) {
      const value = kept.get(key)
      if (value !== undefined) change(value)
      loading.get(key)?.amendments.push(change)
    },
    async renew(key) {
      if (kept.get(key) !== undefined) await loadNow(key)
    },
    drop(key) {
      kept.delete(key)
      loading.delete(key)
    },
    clear() {
      kept.clear()
      loading.clear()
    },
  }
}
