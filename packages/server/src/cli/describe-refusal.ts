/** What `inspect` says about the id of a refusal, for people. */

import type { RefusalReport } from '../inspect/inspect-refusal.ts'
import { instantText } from '../inspect/instant-text.ts'

export function describeRefusal({ refusal, problems, nextSteps }: RefusalReport, now: number): string {
  const next = nextSteps.map((step) => `  Next: ${step}`)
  if (refusal === null)
    return ['No refusal.', ...problems.map((problem) => `  ${problem}`), ...next].join('\n')
  const { reason, happenedAt, status, error, says, why } = refusal
  return [
    `Refused at ${instantText(happenedAt)}, ${agoText(now - happenedAt)}: ${reason}.`,
    `  The API answered ${status} ${error}: ${says}`,
    `  Why: ${why}`,
    ...next,
    '',
    'Anybody can make up such an id. A refusal that happened is in the log of the API.',
  ].join('\n')
}

const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const

/** In the largest unit that fits: an incident is looked for by its hour, not by its second. */
function agoText(seconds: number): string {
  if (seconds < 0) return `in the future by ${spanText(-seconds)}: the clock of the API is ahead`
  return `${spanText(seconds)} ago`
}

function spanText(seconds: number): string {
  const [name, length] = units.find(([, one]) => seconds >= one) ?? ['second', 1]
  const count = Math.floor(seconds / length)
  return `${count} ${name}${count === 1 ? '' : 's'}`
}
