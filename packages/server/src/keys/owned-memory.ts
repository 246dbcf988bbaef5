/**
 * What several owners have kept in one place. When it is full, whoever has most there gives up what was asked for longest
 * ago: nobody pushes out what others have by having much kept.
 */

export interface OwnedMemory<Value> {
  /** Whoever asks has it there from then on, beside those who have asked before. */
  get(name: string, owner: string): Value | undefined
  set(name: string, value: Value, owner: string): void
}

interface Entry<Value> {
  readonly value: Value
  readonly size: number
  /** It counts in full for each, and stays until the last has given it up. */
  readonly owners: readonly string[]
}

// What all the world asks for needs no list of it: these are the ones who have least there.
const ownersOfEntry = 4

/** The sizes of all that is kept come to `room` at most. */
export function createOwnedMemory<Value>(room: number, sizeOf: (value: Value) => number): OwnedMemory<Value> {
  /** Asked for longest ago first. */
  const entries = new Map<string, Entry<Value>>()
  const sizes = new Map<string, number>()
  let taken = 0

  const sizeWith = (owner: string): number => sizes.get(owner) ?? 0

  function count(owner: string, size: number): void {
    const sum = sizeWith(owner) + size
    if (sum === 0) sizes.delete(owner)
    else sizes.set(owner, sum)
  }

  function drop(name: string): readonly string[] {
    const { size, owners } = entries.get(name) ?? { size: 0, owners: [] }
    entries.delete(name)
    taken -= size
    for (const owner of owners) count(owner, -size)
    return owners
  }

  function put(name: string, value: Value, asker: string): void {
    const owners = [...new Set([...drop(name), asker])]
      .toSorted((one, other) => sizeWith(one) - sizeWith(other))
      .slice(0, ownersOfEntry)
    const size = sizeOf(value)
    entries.set(name, { value, size, owners })
    taken += size
    for (const owner of owners) count(owner, size)
  }

  function release(name: string, owner: string, { owners, ...entry }: Entry<Value>): void {
    const others = owners.filter((one) => one !== owner)
    count(owner, -entry.size)
    if (others.length > 0) entries.set(name, { ...entry, owners: others })
    else {
      entries.delete(name)
      taken -= entry.size
    }
  }

  function makeRoom(): void {
    let most = 0
    for (const size of sizes.values()) most = Math.max(most, size)
    for (const [name, entry] of entries) {
      const owner = entry.owners.find((one) => sizeWith(one) === most)
      if (owner === undefined) continue
      release(name, owner, entry)
      break
    }
  }

  return {
    get(name, owner) {
      const entry = entries.get(name)
      if (entry !== undefined) put(name, entry.value, owner)
      return entry?.value
    },
    set(name, value, owner) {
      put(name, value, owner)
      while (taken > room) makeRoom()
    },
  }
}
