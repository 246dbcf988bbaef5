/** Dates that the calendar knows, and moments of them. */

import type { Path, Report } from './problem.ts'

/** The pattern of the schema lets 2027-02-30 pass. */
export function checkDate(date: string | undefined, path: Path, report: Report): void {
  if (date !== undefined && instantOf(date) === null)
    report(path, 'a day that no calendar has', 'a date such as 2027-06-30')
}

/** Epoch seconds of a moment, or of midnight UTC of a date; null for one that does not exist. */
export function instantOf(text: string): number | null {
  const milliseconds = Date.parse(text.includes('T') ? text : `${text}T00:00:00Z`)
  if (Number.isNaN(milliseconds) || !new Date(milliseconds).toISOString().startsWith(text.replace('Z', '')))
    return null
  return milliseconds / 1000
}

/** As a blueprint writes it: the date alone where it is midnight. */
export const dateText = (instant: number): string =>
  new Date(instant * 1000).toISOString().replace('.000Z', 'Z').replace('T00:00:00Z', '')
