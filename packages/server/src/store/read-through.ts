/** A bounded in-memory cache in front of store reads: single flight, and never stale after an invalidation. */

import { RecentMap } from '@sallyport/protocol'

export interface ReadThrough<Value> {
  /** From memory, or loaded once for all who wait. Nothing is kept for a key that does not exist. */
  get(key: string): Value | null | Promise<Value | null>
  /** From memory only. */
  peek(key: string): Value | undefined
  drop(key: string): void
  clear(): void
}

/** `load` may answer at once (SQLite) or later (PostgreSQL); `limit` bounds the entries that are kept. */
export function createReadThrough<Value>(
  limit: number,
  load: (key: string) => Value | null | Promise<Value | null>,
): ReadThrough<Value> {
  const kept = new RecentMap<Value>(limit)
  const loading = new Map<string, Promise<Value | null>>()

  const keep = (key: string, value: Value | null): Value | null => {
    if (value !== null) kept.set(key, value)
    return value
  }

  const loadNow = (key: string): Value | null | Promise<Value | null> => {
    const loaded = load(key)
    if (!(loaded instanceof Promise)) return keep(key, loaded)
    // An invalidation during the load takes this flight off the list: its answer is used once and not kept.
    const flight: Promise<Value | null> = loaded
      .then((value) => (loading.get(key) === flight ? keep(key, value) : value))
      .finally(() => {
        if (loading.get(key) === flight) loading.delete(key)
      })
    loading.set(key, flight)
    return flight
  }

  return {
    peek: (key) => kept.get(key),
    get: (key) => kept.get(key) ?? loading.get(key) ?? loadNow(key),
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
