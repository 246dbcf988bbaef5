/** What the API's own code throws when it is told something is a rejection that the API hears of; the request goes on. */
export function tell<Value>(listener: ((value: Value) => void) | undefined, value: Value): void {
  try {
    listener?.(value)
  } catch (error) {
    void Promise.reject(error)
  }
}
