/** Dates that the calendar knows. */

import type { Path, Report } from './problem.ts'

/** The pattern of the schema lets 2027-02-30 pass. */
export function checkDate(date: string | undefined, path: Path, report: Report): void {
  if (date !== undefined && startOfDay(date) === null)
    report(path, 'a day that no calendar has', 'a date such as 2027-06-30')
}

/** Epoch seconds of midnight UTC; null for a day that does not exist. */
export function startOfDay(date: string): number | null {
  const milliseconds = Date.parse(`${date}T00:00:00Z`)
  if (Number.isNaN(milliseconds) || new Date(milliseconds).toISOString().slice(0, 10) !== date) return null
  return milliseconds / 1000
}
