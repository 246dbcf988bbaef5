/** The message that a transaction is posted with, and what is wrong with one. */

export interface Message {
  /** What the customer calls it. */
  readonly reference: string
  readonly account: string
  readonly cents: number
  readonly currency: string
}

const isText = (value: unknown): value is string => typeof value === 'string' && /^[\w-]{1,64}$/.test(value)

const rules: Readonly<Record<keyof Message, readonly [(value: unknown) => boolean, string]>> = {
  reference: [isText, '1 to 64 letters, digits, _ or -'],
  account: [isText, '1 to 64 letters, digits, _ or -'],
  cents: [(value) => Number.isSafeInteger(value) && Number(value) > 0, 'a whole number above 0'],
  currency: [(value) => typeof value === 'string' && /^[A-Z]{3}$/.test(value), 'three capital letters'],
}

/** The message, or all that is wrong with it. */
export function readMessage(body: unknown): Message | readonly string[] {
  const members = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const problems = Object.entries(rules).flatMap(([name, [isGood, wanted]]) =>
    isGood(members[name]) ? [] : [`${name} must be ${wanted}`],
  )
  if (problems.length > 0) return problems
  const { reference, account, cents, currency } = members as unknown as Message
  return { reference, account, cents, currency }
}
