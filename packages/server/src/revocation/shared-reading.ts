/** One look at the database for all who ask at about the same time, where each must see all that was there when it asked. */

/** While a reading of a key is under way, all who ask for that key wait for the next one, which they share. */
export function shareReading<Value>(read: (key: string) => Promise<Value>): (key: string) => Promise<Value> {
  const underWay = new Map<string, Promise<unknown>>()
  const next = new Map<string, Promise<Value>>()

  function begin(key: string): Promise<Value> {
    next.delete(key)
    const reading = read(key)
    const over = reading.then(ignore, ignore).then(() => {
      if (underWay.get(key) === over) underWay.delete(key)
    })
    underWay.set(key, over)
    return reading
  }
  return (key) => {
    const waiting = next.get(key)
    if (waiting !== undefined) return waiting
    const before = underWay.get(key)
    if (before === undefined) return begin(key)
    const shared = before.then(() => begin(key))
    next.set(key, shared)
    return shared
  }
}

const ignore = () => {}
