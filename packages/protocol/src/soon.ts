/**
 * Answers that nearly always stand in memory: known at once then, and only otherwise a promise. Awaiting what is known
 * costs as much as looking it up, and a token request would do so a dozen times.
 */

export type Soon<Value> = Value | Promise<Value>

/** `next` is called at once where `value` is known. What it throws then is thrown, and not a rejection. */
export const whenKnown = <Value, Next>(value: Soon<Value>, next: (value: Value) => Soon<Next>): Soon<Next> =>
  value instanceof Promise ? value.then(next) : next(value)
