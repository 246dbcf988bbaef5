/** How many may follow for one client: whoever has got hold of its credential cannot fill our memory with streams. */

interface Client {
  readonly tenantId: string
  readonly clientId: string
}

export interface FollowerPlaces {
  isFull(client: Client): boolean
  /** The answer gives the place back, and is to be called once; null where there is none. */
  take(client: Client): (() => void) | null
}

export function createFollowerPlaces(most: number): FollowerPlaces {
  const taken = new Map<string, number>()
  // No tenant id has a blank in it.
  const nameOf = ({ tenantId, clientId }: Client): string => `${tenantId} ${clientId}`
  const countOf = (name: string): number => taken.get(name) ?? 0

  function leave(name: string): void {
    const left = countOf(name) - 1
    if (left > 0) taken.set(name, left)
    else taken.delete(name)
  }

  return {
    isFull: (client) => countOf(nameOf(client)) >= most,
    take(client) {
      const name = nameOf(client)
      if (countOf(name) >= most) return null
      taken.set(name, countOf(name) + 1)
      return () => leave(name)
    },
  }
}
