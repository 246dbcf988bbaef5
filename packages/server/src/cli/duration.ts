/** Lengths of time as people write them: `7d`, `12h`, `30m`, `90s`. */

import { ConfigRefused } from '../config.ts'

const unitSeconds = { s: 1, m: 60, h: 3_600, d: 86_400 } as const
const longestSeconds = 3_660 * 86_400

/** Throws `ConfigRefused` for anything else, or for more than ten years. */
export function parseDuration(text: string, option: string): number {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  const seconds = Number(count) * unitSeconds[(unit ?? 's') as keyof typeof unitSeconds]
  if (unit !== undefined && seconds <= longestSeconds) return seconds
  throw new ConfigRefused(`${option} takes a number with s, m, h or d, such as 7d; at most ten years.`)
}
