/** Computed once for an object, and remembered for as long as somebody holds the object. */

/**
 * Makes a function of one object that calls `compute` at most once for each. For what never changes: a change of the thing
 * has to be another object. What `compute` throws is thrown, and it is called again the next time.
 *
 * @example
 * ```ts
 * import { oncePer } from '@sallyport/protocol'
 *
 * const textOf = oncePer((event: object) => JSON.stringify(event))
 * ```
 */
export function oncePer<Of extends object, Value extends NonNullable<unknown> | null>(
  compute: (thing: Of) => Value,
): (thing: Of) => Value {
  const known = new WeakMap<Of, Value>()
  return (thing) => {
    const found = known.get(thing)
    if (found !== undefined) return found
    const value = compute(thing)
    known.set(thing, value)
    return value
  }
}
