/** Options of what keeps buckets and proofs, as strict as those of the guard: what is misspelled or no number bounds nothing. */

import { type Check, callable, must, wholeNumber } from './option-checks.ts'
import { GuardOptionsError } from './options.ts'

// A timer of more milliseconds than 2³¹ runs at once.
const longestMilliseconds = 3_600_000

const milliseconds = (least: number): Check =>
  must(
    `whole milliseconds, ${least} to ${longestMilliseconds}`,
    (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= longestMilliseconds,
  )

export const bucketChecks = { elapsed: callable, entries: wholeNumber(1) }

/** Of whatever asks Redis or Valkey. */
export const askingChecks = {
  ...{ elapsed: callable, after: callable, onDegraded: callable, onRecovered: callable },
  prefix: must('text', (value) => typeof value === 'string'),
  timeoutMilliseconds: milliseconds(1),
  pauseMilliseconds: milliseconds(0),
}

const commands = ['evalsha', 'evalSha', 'sendCommand']

/** A promise of one would answer nothing, ever. */
export const clientCheck = must('a client of Redis or Valkey', (value) => {
  const members = Object(value) as Readonly<Record<string, unknown>>
  return commands.some((name) => typeof members[name] === 'function')
})

/** Throws `GuardOptionsError` for problems of what this function was given. */
export function refuseProblems(name: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new GuardOptionsError(`${name}: ${problems.join('; ')}.`)
}
