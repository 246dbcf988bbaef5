/** A bounded in-memory cache in front of store reads: single flight, and never stale after an invalidation. */

/** Two generations of a map: what was not asked for while `limit` others came in is forgotten. */
export class RecentMap<Value> {
  readonly #limit: number
  #young = new Map<string, Value>()
  #old = new Map<string, Value>()

  constructor(limit: number) {
    this.#limit = Math.max(1, Math.ceil(limit / 2))
  }

  get(key: string): Value | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: string, value: Value): void {
    if (this.#young.size >= this.#limit) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }

  delete(key: string): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }
}

export interface ReadThrough<Value> {
  /** From memory, or loaded once for all who wait. Nothing is kept for a key that does not exist. */
  get(key: string): Value | null | Promise<Value | null>
  /** From memory only. */
  peek(key: string): Value | undefined
  /** Loads again and replaces what is kept. */
  refresh(key: string): Value | null | Promise<Value | null>
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

  const keep = (key: string, value: Value | null) => {
    if (value === null) kept.delete(key)
    else kept.set(key, value)
    return value
  }

  const refresh = (key: string): Value | null | Promise<Value | null> => {
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
    get: (key) => kept.get(key) ?? loading.get(key) ?? refresh(key),
    refresh,
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
